import { intersectRanges, type OffsetRanges, subtractRanges, lastOffset } from '../../model/offset-range.ts'
import type { SegmentRef } from '../../model/segment.ts'
import type { TaskPart } from '../../model/task.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import { acceptSegments } from './accept-segments.ts'
import type { Listing } from './list-segments.ts'

/** Where planning of history stands in a topic-partition. */
export interface HistoryPosition {
  /** The listing begins at the segment of this base offset; null: at the beginning of the log. */
  readonly from: bigint | null
  /** The segment before it, where one was seen; it may reach over the beginning of the next. */
  readonly previous: SegmentRef | null
  /** Whether that segment is planned already, so that what follows it need not read it again. */
  readonly isPlanned: boolean
}

export const historyStart: HistoryPosition = { from: null, previous: null, isPlanned: false }

/** What a listing means for history. */
export interface HistoryPlan {
  readonly runs: readonly TaskPart[]
  /** Where planning goes on; null: everything wanted was passed. */
  readonly next: HistoryPosition | null
  /** Keys of segments that do not count, for want of an index. */
  readonly withoutIndex: readonly string[]
  /** Base offset of a segment that may have wanted offsets and is too young to be read: it is not planned, nor what follows it. Null: none. */
  readonly tooYoung: bigint | null
}

/**
 * Runs of segments that may hold wanted offsets. A segment is known to hold those from its base offset to the next segment's. It may
 * reach further, and then what it has stands, and not what the later one has: so a run begins with the segment before it, unless that
 * is planned too, and runs of one topic-partition are committed in their order. Pure.
 */
export function planHistory(
  at: TopicPartition,
  position: HistoryPosition,
  wanted: OffsetRanges,
  listing: Listing,
  graceMs: number,
): HistoryPlan {
  const { segments: ready, nextBaseOffset: waiting, withoutIndex } = acceptSegments(listing.objects, listing.listedAtMs, graceMs)
  // Where the last one of a part of the listing ends is not known yet: it begins the next part.
  const known = listing.complete ? ready : ready.slice(0, -1)
  const after = listing.complete ? waiting : (ready.at(-1)?.baseOffset ?? null)
  const last = wanted.at(-1)
  const runs: TaskPart[] = []
  let run: SegmentRef[] = []
  let { previous, isPlanned } = position
  const close = (next: bigint | null) => {
    if (run.length > 0) runs.push(historyPart(at, run, wanted, next))
    run = []
  }
  for (const [i, segment] of known.entries()) {
    if (last === undefined || segment.baseOffset >= last[1]) {
      close(segment.baseOffset)
      return { runs, next: null, withoutIndex, tooYoung: null }
    }
    const next = known[i + 1]?.baseOffset ?? after
    const isNeeded = intersectRanges([[segment.baseOffset, next ?? lastOffset]], wanted).length > 0
    if (isNeeded) {
      if (run.length === 0 && previous !== null && !isPlanned) run.push(previous)
      run.push(segment)
    } else close(segment.baseOffset)
    previous = segment
    isPlanned = isNeeded
  }
  close(after)
  if (!listing.complete && after !== null && after !== position.from) {
    return { runs, next: { from: after, previous, isPlanned }, withoutIndex, tooYoung: null }
  }
  // A segment that was written again, or one behind a segment that waits for its index: whether it has them is not known yet.
  const isWanted = waiting !== null && last !== undefined && waiting < last[1]
  return { runs, next: null, withoutIndex, tooYoung: isWanted ? waiting : null }
}

function historyPart(at: TopicPartition, segments: readonly SegmentRef[], wanted: OffsetRanges, nextBaseOffset: bigint | null): TaskPart {
  const [{ baseOffset }] = segments
  const own = wanted.filter(([start, end]) => end > baseOffset && (nextBaseOffset === null || start < nextBaseOffset))
  return {
    at,
    follows: null,
    history: true,
    segments,
    startOffset: 0n,
    decided: subtractRanges([[0n, lastOffset]], own),
    nextBaseOffset,
  }
}
