import type { OffsetRanges } from './offset-range.ts'
import type { SegmentRef } from './segment.ts'
import type { TopicPartition } from './topic-partition.ts'

/** A run of one topic-partition's segments, ascending by base offset. */
export interface TaskPart {
  readonly at: TopicPartition
  /**
   * Base offset of the segment that this part follows in the tail, null at the start of a log. A result is committed only when
   * the table's frontier stands there: that is what makes segments, and not races, decide who wins an overlap.
   */
  readonly follows: bigint | null
  /** A part of history: it follows nothing, and the table's frontier does not move with it. Absent: a part of the tail. */
  readonly history?: true
  /** ETag of that segment, where it is known: one that was written again is read again, and what lies behind it follows the new bytes. */
  readonly followsEtag?: string
  readonly segments: readonly SegmentRef[]
  /** Where the topic-partition begins in this table; records below it are none of the tail's business. */
  readonly startOffset: bigint
  /** Offsets that are decided already, as known when the task was planned: they are clipped record by record. */
  readonly decided: OffsetRanges
  /** Base offset of the segment after the last one here; bounds what a fault at the end can skip. Null: none is known. */
  readonly nextBaseOffset: bigint | null
}

/** A piece of work as a value: segments of one table, many topic-partitions perhaps, up to a size. */
export interface Task {
  /** Deterministic: the same plan gives the same id. */
  readonly id: string
  readonly parts: readonly TaskPart[]
  /** Sum of the segments' sizes. */
  readonly bytes: number
}
