/** What became of one check. */
export type CheckResult = 'ok' | 'warning' | 'failed' | 'skipped'

/** What is checked, in this order. */
export type CheckName =
  | 'document'
  | 'source'
  | 'clock'
  | 'topics'
  | 'segment'
  | 'catalog'
  | 'names'
  | 'tables'
  | 'namespace'
  | 'create'
  | 'write'
  | 'read'
  | 'load'
  | 'commit'
  | 'drop'
  | 'remove'
  | 'queue'
  | 'etcd'
  | 'metrics'

/** A line of the doctor's report. */
export interface Check {
  readonly check: CheckName
  readonly result: CheckResult
  /** What was found, as a sentence. */
  readonly found: string
  /** What to grant or change, one statement or sentence each. */
  readonly advice: readonly string[]
}

export function passed(check: CheckName, found: string): Check {
  return { check, result: 'ok', found, advice: [] }
}

export function skipped(check: CheckName, why: string): Check {
  return { check, result: 'skipped', found: why, advice: [] }
}

export function warned(check: CheckName, found: string, advice: readonly string[] = []): Check {
  return { check, result: 'warning', found, advice }
}

export function failed(check: CheckName, error: unknown, advice: readonly string[] = []): Check {
  return { check, result: 'failed', found: messageOf(error), advice }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
