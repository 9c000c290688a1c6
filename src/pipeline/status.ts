import type { OffsetRanges } from '../model/offset-range.ts'

/** How far one document's tables have come. */
export interface DocumentStatus {
  /** The document's name. */
  readonly name: string
  readonly tables: readonly TableStatus[]
}

/** One table, and what its progress says of each topic-partition. */
export interface TableStatus {
  /** With its namespace: `analytics.orders`. */
  readonly table: string
  /** Whether the catalog has it yet. */
  readonly exists: boolean
  /** Null while there is none. */
  readonly snapshotId: bigint | null
  readonly lastCommitMs: number | null
  /** Event time up to which the table is complete, ms; null where no record told one. */
  readonly watermarkMs: number | null
  /** Null where the table does not tell. */
  readonly rows: bigint | null
  readonly partitions: readonly PartitionStatus[]
  /** Why the whole table does not go on; null where it does. */
  readonly stopped: string | null
}

/** One topic-partition: what is decided, and what is left in the source. */
export interface PartitionStatus {
  readonly topic: string
  readonly partition: number
  /** The first offset that is not decided; null before anything is. */
  readonly next: bigint | null
  /** One past the highest offset that the source is known to have: a hint from its listing; null where that tells none. */
  readonly endOffset: bigint | null
  /** What is not decided yet. Null: not known. */
  readonly lagSegments: number | null
  readonly lagBytes: number | null
  readonly lagSeconds: number | null
  /** Not materialized yet, between offsets that are. */
  readonly holes: OffsetRanges
  /** Missing in the source. */
  readonly gaps: OffsetRanges
  /** The last segment that was decided whole; null where none was. */
  readonly frontierKey: string | null
}
