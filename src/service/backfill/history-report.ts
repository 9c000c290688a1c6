import type { OffsetRanges } from '../../model/offset-range.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'

/** What became of a backfill so far, in this process. */
export interface HistoryReport {
  readonly rows: bigint
  readonly files: number
  readonly fileBytes: bigint
  readonly commits: number
  /** Segments read, and their bytes. */
  readonly segments: number
  readonly bytes: number
  /** Bytes of segments that were read, those among them that are not committed yet. */
  readonly readBytes: number
  /** Wanted offsets that are decided now, and all that were wanted and could be had or not. */
  readonly decided: bigint
  readonly wanted: bigint
  /** Wanted offsets that the source does not have, once all of it was gone through. */
  readonly missing: readonly { readonly at: TopicPartition; readonly ranges: OffsetRanges }[]
  /** Topic-partitions that did not go through, and why. */
  readonly stops: readonly { readonly at: TopicPartition; readonly reason: string }[]
}

/** `done`: everything wanted is decided, or is not in the source; `stopped`: but for what the report's `stops` name; `left`: `signal` aborted. */
export type HistoryOutcome = 'done' | 'stopped' | 'left' | 'paused' | 'cancelled'
