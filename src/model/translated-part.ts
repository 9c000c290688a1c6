import type { Fault } from './failure.ts'
import type { OffsetRange, OffsetRanges } from './offset-range.ts'
import type { SegmentRef } from './segment.ts'
import type { TopicPartition } from './topic-partition.ts'

/** What reading one part of a task decided. */
export interface TranslatedPart {
  readonly at: TopicPartition
  readonly follows: bigint | null
  readonly followsEtag?: string
  /** As in its `TaskPart`. */
  readonly history?: true
  /** The first segment read: before it, missing offsets are a gap only if it is settled. */
  readonly first: SegmentRef
  /** The last segment decided whole; null where not even the first was. */
  readonly last: SegmentRef | null
  /** Offsets decided by this part: rows, control records, skipped ones. */
  readonly ranges: OffsetRanges
  /** Offsets that no segment of the part has, between two that do. */
  readonly gaps: OffsetRanges
  readonly maxTimestampMs: number | null
  readonly counts: RecordCounts
  readonly skips: readonly Skip[]
  /** Offsets of control records. Of them all, where an older program did not say which, `counts` has the number alone. */
  readonly control: OffsetRanges
  readonly rescued: RescuedValues
  /** Why reading ended before the part's last segment; null where it did not. */
  readonly ended: PartEnd | null
}

/** What became of the records of a part. */
export interface RecordCounts {
  readonly rows: number
  readonly control: number
  /** Offsets that `onError: skip` left out. */
  readonly skipped: number
  /** Records clipped because an earlier segment or commit had decided their offset. */
  readonly clipped: number
  /** Records whose offset repeats inside their own segment, or lies below its base offset. */
  readonly repeated: number
  /** Records in transactional batches; rows like all others (the broker knows no transactions). */
  readonly transactional: number
}

/** Values that no column could hold as they are, and that were kept in the rescue column. */
export interface RescuedValues {
  /** Records with such values. */
  readonly records: number
  /** How often, by path (RFC 9535 normalized, `[*]` for list indexes and map keys); bounded, the rest in `otherPaths`. */
  readonly paths: Readonly<Record<string, number>>
  readonly otherPaths: number
}

/** Offsets that were skipped by the user's choice, with the reason. */
export interface Skip {
  readonly segment: SegmentRef
  readonly range: OffsetRange
  readonly fault: Fault
}

/**
 * - `fault`: the bytes are wrong and `onError` is stop; the topic-partition must not go on.
 * - `changed`: the segment was written again or is gone since it was listed; list again.
 * - `unreadable`: the store refuses the segment for a reason that passes only when someone changes something.
 * - `unsettled`: offsets are missing before a segment too young to prove a gap, or it reaches beyond what is told to be written; list
 *   again later.
 */
export type PartEnd =
  | {
      readonly kind: 'fault'
      readonly segment: SegmentRef
      readonly fault: Fault
      /** It would be skipped, if a later segment told where it ends. */
      readonly awaitsNext: boolean
    }
  | { readonly kind: 'unreadable'; readonly segment: SegmentRef; readonly reason: string }
  | { readonly kind: 'changed' | 'unsettled'; readonly segment: SegmentRef }
