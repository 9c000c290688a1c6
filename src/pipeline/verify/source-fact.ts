import type { OffsetRange } from '../../model/offset-range.ts'
import type { SegmentRef } from '../../model/segment.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { Skip } from '../../model/translated-part.ts'

/**
 * Something about the source that nobody can undo and that the table has taken account of: reported beside the findings, never one.
 *
 * - `without-index`: a segment that does not count, since its index is missing and later segments are complete; `end` is where the next
 *   complete segment begins.
 * - `overlap`: offsets that a segment has beyond the beginning of the next one; those of the earlier segment are the rows.
 * - `gone`: decided offsets of which no segment is left in the source, nor any after them; `key` is what their names begin with.
 * - `damaged`: a segment whose bytes are not sound, or have records that can not become rows. Found where segments are read.
 * - `unreadable`: a segment that the store does not give, as from an archive, or that is too large to be read. Found where segments are read.
 */
export interface SourceFact extends TopicPartition {
  readonly kind: 'without-index' | 'overlap' | 'gone' | 'damaged' | 'unreadable'
  readonly key: string
  readonly start: bigint
  /** Exclusive. */
  readonly end: bigint
  /** What is wrong with it; where the kind does not say it all. */
  readonly reason?: string
}

/** Says of the offsets of a segment that can not be had why that is. */
export function unreadableFact(at: TopicPartition, segment: SegmentRef, [start, end]: OffsetRange, reason: string): SourceFact {
  return { kind: 'unreadable', ...at, key: segment.key, start, end, reason }
}

/** Says of offsets that can not become rows why that is. */
export function damagedFact(at: TopicPartition, { segment, range: [start, end], fault }: Skip): SourceFact {
  return { kind: 'damaged', ...at, key: segment.key, start, end, reason: fault.message }
}
