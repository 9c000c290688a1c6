import { parseSegmentFileName } from '../../formats/kfs/segment-key.ts'
import type { OffsetRanges } from '../../model/offset-range.ts'
import type { SegmentRef } from '../../model/segment.ts'
import type { TaskPart } from '../../model/task.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { ObjectInfo } from '../../seams/object-store.ts'
import { acceptSegments } from './accept-segments.ts'
import { type FirstLook, thereAtFirst } from './first-look.ts'
import type { Listing } from './list-segments.ts'

/** A segment at which planning stands, and what shows whether it is still the same. */
export type Cursor = Pick<SegmentRef, 'baseOffset' | 'etag' | 'lastModifiedMs'>

/** Where planning of a topic-partition stands. */
export interface TailPosition {
  /** The last segment looked at: listing starts at it. Null: at the beginning of the log. */
  readonly cursor: Cursor | null
  /** Base offset of the last segment planned: what the next run follows. It differs from the cursor after segments with nothing undecided. */
  readonly follows: bigint | null
}

/** What is decided of a topic-partition. */
export interface Decided {
  readonly decided: OffsetRanges
  /** Where the tail begins. What lies below was left out by choice, and the tail never goes back there, whatever history has decided of it. */
  readonly startOffset: bigint
}

/** What a listing means for a topic-partition's tail. */
export interface TailPlan {
  /** Segments to read now; null where there are none. */
  readonly run: TaskPart | null
  /** Where the next planning begins, if the run is carried out. */
  readonly position: TailPosition
  /** The store's time at which something that waits may be ready, ms; null where nothing waits. */
  readonly readyAtMs: number | null
  /** More was there than was listed. */
  readonly more: boolean
  /** Keys of segments that do not count, for want of an index. */
  readonly withoutIndex: readonly string[]
  /** Whether the segment at the cursor still has the bytes that were decided. */
  readonly cursorSegment: 'same' | 'rewritten' | 'gone'
}

/**
 * The tail of one topic-partition: every segment behind the cursor that is ready and may hold undecided offsets. Pure.
 * A rewritten cursor segment is read again: what it decided stays, what it has beyond that is new.
 *
 * @param first where what came later is left to others
 */
export function planTail(
  at: TopicPartition,
  position: TailPosition,
  { decided, startOffset }: Decided,
  listing: Listing,
  graceMs: number,
  writtenTo?: bigint,
  first?: FirstLook,
): TailPlan {
  const { cursor, follows } = position
  const ready = acceptSegments(listing.objects, listing.listedAtMs, graceMs, writtenTo)
  const accepted = first === undefined ? ready : thereAtFirst(ready, first, graceMs)
  const liesBelow = (i: number): boolean => {
    const next = accepted.segments[i + 1]?.baseOffset ?? accepted.nextBaseOffset
    return next !== null && next <= startOffset
  }
  const segments = accepted.segments.filter((segment, i) => {
    if (segment.baseOffset === cursor?.baseOffset && segment.etag === cursor.etag) return false
    // A segment may reach past the beginning of the next one, and only its bytes tell: so all are read, and what is decided is clipped.
    // Only what lies below the start is left out, save the last segment there, which may reach over it.
    return cursor !== null || !liesBelow(i) || (i + 1 < accepted.segments.length && !liesBelow(i + 1))
  })
  return {
    run:
      segments.length === 0
        ? null
        : {
            at,
            follows,
            ...(cursor !== null && cursor.baseOffset === follows ? { followsEtag: cursor.etag } : {}),
            segments,
            startOffset,
            decided: decided.filter(([, end]) => end > segments[0].baseOffset),
            nextBaseOffset: accepted.nextBaseOffset,
          },
    position: { cursor: accepted.segments.at(-1) ?? cursor, follows: segments.at(-1)?.baseOffset ?? follows },
    readyAtMs: accepted.readyAtMs,
    more: !listing.complete && accepted.segments.length === ready.segments.length,
    withoutIndex: accepted.withoutIndex,
    cursorSegment: cursor === null ? 'same' : segmentAtCursor(cursor, listing.objects),
  }
}

/** Whether the segment at the cursor is among the objects with the bytes that were decided. */
export function segmentAtCursor(cursor: Cursor, objects: readonly ObjectInfo[]): TailPlan['cursorSegment'] {
  const object = objects.find(({ key }) => {
    const name = parseSegmentFileName(key.slice(key.lastIndexOf('/') + 1))
    return name?.extension === 'kfs' && name.baseOffset === cursor.baseOffset
  })
  return object === undefined ? 'gone' : object.etag === cursor.etag ? 'same' : 'rewritten'
}
