import type { Backfill } from './backfill.ts'

/**
 * What people asked of a table, and what must survive everything: it is written into the table, and every snapshot carries it as it
 * carries progress.
 */
export interface Requests {
  /** Topics that are not planned until they are resumed; ascending, none twice. */
  readonly pause: readonly string[]
  /** Snapshots of other writers whose removal of rows is known and meant; ascending, none twice. */
  readonly accept: readonly bigint[]
  /**
   * Snapshots of ours beside the history, up to this sequence number, stop the table no more: after a rollback that is known and meant, and
   * after a source has moved, whose old id they have. Null: none.
   */
  readonly abandonedUpTo: bigint | null
  /** History that is wanted, and what was wanted lately; in the order in which it was asked for. */
  readonly backfills: readonly Backfill[]
  /** What a newer version asked: kept as it is. */
  readonly others: Readonly<Record<string, unknown>>
}

export const noRequests: Requests = { pause: [], accept: [], abandonedUpTo: null, backfills: [], others: {} }

/** Whether nothing is asked. */
export function isEmpty({ pause, accept, abandonedUpTo, backfills, others }: Requests): boolean {
  return pause.length + accept.length + backfills.length + Object.keys(others).length === 0 && abandonedUpTo === null
}

/** The requests, with these topics paused too. */
export function withPaused(requests: Requests, topics: Iterable<string>): Requests {
  return { ...requests, pause: [...new Set([...requests.pause, ...topics])].sort() }
}

/** The requests, with these topics paused no more. */
export function withResumed(requests: Requests, topics: Iterable<string>): Requests {
  const resumed = new Set(topics)
  return { ...requests, pause: requests.pause.filter((topic) => !resumed.has(topic)) }
}

/** The requests, with these snapshots accepted too. */
export function withAccepted(requests: Requests, snapshots: Iterable<bigint>): Requests {
  return { ...requests, accept: [...new Set([...requests.accept, ...snapshots])].sort((a, b) => (a < b ? -1 : 1)) }
}
