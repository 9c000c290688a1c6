import type { Finding } from './finding.ts'

/** Findings of one table that are kept; the rest is counted. */
export const maxFindings = 100_000

/** The findings of one table, as they come: the first are kept, and those that follow are counted, so that memory is bounded. */
export class Findings {
  readonly #kept: Finding[] = []
  #unlisted = 0

  get kept(): readonly Finding[] {
    return this.#kept
  }

  get unlisted(): number {
    return this.#unlisted
  }

  add(findings: readonly Finding[]): void {
    for (const finding of findings) {
      if (this.#kept.length < maxFindings) this.#kept.push(finding)
      else this.#unlisted++
    }
  }
}

/** Findings in order, of which neighbours that say the same are one: a partition may have been judged part after part. */
export function joined(inOrder: readonly Finding[]): Finding[] {
  const all: Finding[] = []
  const last = new Map<string, number>()
  for (const finding of inOrder) {
    const { kind, topic, partition, snapshot, start, end } = finding
    const key = `${kind} ${topic}/${partition} ${snapshot}`
    const i = last.get(key)
    // A segment that was written again is a finding of its own.
    if (i !== undefined && all[i].end === start && kind !== 'rewritten') all[i] = { ...all[i], end }
    else {
      last.set(key, all.length)
      all.push(finding)
    }
  }
  return all
}
