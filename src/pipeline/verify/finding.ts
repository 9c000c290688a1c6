import type { TopicPartition } from '../../model/topic-partition.ts'

/**
 * - `missing`: decided, no control record and not skipped, and no row of the table.
 * - `duplicate`: more than one row for one offset.
 * - `hole`: not decided, between offsets that are, and a segment has it.
 * - `gap`: the same, and no segment has it.
 * - `altered`: a file that is not what its manifest entry or its own metadata say.
 * - `differs`: a row whose values are not those that its segment gives.
 * - `rewritten`: a segment that is not the one whose records were read.
 */
export type FindingKind = 'missing' | 'duplicate' | 'hole' | 'gap' | 'altered' | 'differs' | 'rewritten'

/** Something that is not as it should be, with its place. */
export interface Finding extends TopicPartition {
  readonly kind: FindingKind
  /** With its namespace: `analytics.orders`. */
  readonly table: string
  /** The first offset. */
  readonly start: bigint
  /** One past the last offset. */
  readonly end: bigint
  /** The snapshot that removed the rows (`missing`) or added them (`duplicate`, `altered`, `differs`); null where none is known. */
  readonly snapshot: bigint | null
}

/** Findings by table, topic, partition and offset. */
export function inOrder(findings: readonly Finding[]): Finding[] {
  return findings.toSorted(
    (a, b) =>
      compare(a.table, b.table) ||
      compare(a.topic, b.topic) ||
      a.partition - b.partition ||
      compare(a.start, b.start) ||
      compare(a.end, b.end) ||
      compare(a.kind, b.kind),
  )
}

function compare<T extends string | bigint>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0
}
