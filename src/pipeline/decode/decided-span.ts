import type { OffsetRanges } from '../../model/offset-range.ts'
import type { SegmentRef } from '../../model/segment.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'

/** Offsets that one segment decided: what a data file's metadata lists as its sources. */
export interface DecidedSpan {
  readonly at: TopicPartition
  readonly segment: SegmentRef
  readonly ranges: OffsetRanges
}
