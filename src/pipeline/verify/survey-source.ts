import { parseSegmentFileName, partitionPrefix, partitionQuery } from '../../formats/kfs/segment-key.ts'
import { maxOffset, type OffsetRange, type OffsetRanges, lastOffset } from '../../model/offset-range.ts'
import type { Frontier, SegmentRef } from '../../model/segment.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { ObjectInfo, ObjectStore } from '../../seams/object-store.ts'
import type { SegmentClaim } from './books.ts'
import type { SourceFact } from './source-fact.ts'

/** A segment that the source has. */
export interface ListedSegment {
  readonly segment: SegmentRef
  /** Where the next one begins; null: it is the last. */
  readonly nextBaseOffset: bigint | null
  /** Its offsets end here, exclusive, as far as listing and files tell; null: nothing tells. */
  readonly reach: bigint | null
}

/** A segment that is what was read, and the offsets that are its own. */
export interface OwnSegment {
  readonly at: TopicPartition
  readonly segment: SegmentRef
  /** Where the next one begins; null: it is the last. */
  readonly nextBaseOffset: bigint | null
  readonly range: OffsetRange
}

/** What a topic-partition's listing tells. */
export interface SourceSurvey {
  /** How many complete segments there are. */
  readonly segments: number
  /** Those that may have an offset of the windows. */
  readonly inWindows: readonly ListedSegment[]
  /** What was read from segments that were written again since; a range each. */
  readonly rewritten: OffsetRanges
  /** What can not be undone: segments without an index, such that overlap the next, and that none is left. */
  readonly facts: readonly SourceFact[]
  /** The last segment that ends where the decided offsets end, or before; null: none is known to. */
  readonly lastDecided: SegmentRef | null
}

/** What the table says of the segments. */
interface Known {
  readonly claims: ReadonlyMap<bigint, readonly SegmentClaim[]>
  readonly frontier: Frontier | null
  readonly end: bigint
  /** The first decided offset of the range; null: none is. */
  readonly first: bigint | null
  /** Whether the log was restarted, so that files may tell of segments of the log before, under the same names. */
  readonly isRestarted: boolean
}

/**
 * Lists a topic-partition page after page, compares each segment with what the table's files and the frontier say of it, and keeps
 * those in which offsets are to be looked for. A segment without an index does not count. Only segments that may reach into `range`
 * are listed, as far as the files tell; counted are those that begin there, and where `isFirst` those that begin before. `onSegment` gets each that is what was read, in their order.
 */
export async function surveySource(
  store: Pick<ObjectStore, 'list'>,
  prefix: string,
  at: TopicPartition,
  known: Known,
  windows: OffsetRanges,
  range: OffsetRange,
  isFirst: boolean,
  onSegment?: (own: OwnSegment) => void,
): Promise<SourceSurvey> {
  const inWindows: ListedSegment[] = []
  const rewritten: OffsetRange[] = []
  const facts: SourceFact[] = []
  const unindexed: { readonly key: string; readonly baseOffset: bigint }[] = []
  let segments = 0
  let previous: SegmentRef | null = null
  let lastDecided: SegmentRef | null = null
  let readTo = 0n
  let isEmpty = true
  const close = (nextBaseOffset: bigint | null) => {
    if (previous === null) return
    if (isFirst || previous.baseOffset >= range[0]) segments++
    if (nextBaseOffset !== null && nextBaseOffset <= known.end) lastDecided = previous
    const { key, baseOffset } = previous
    const claims = known.claims.get(baseOffset) ?? []
    const reach = nextBaseOffset === null ? null : claims.reduce((end, claim) => maxOffset(end, claim.end), nextBaseOffset)
    if (reach !== null && nextBaseOffset !== null && reach > nextBaseOffset)
      facts.push({ kind: 'overlap', ...at, key, start: nextBaseOffset, end: reach })
    const window = firstEndingAfter(windows, baseOffset)
    if (window !== undefined && (reach === null || window[0] < reach)) inWindows.push({ segment: previous, nextBaseOffset, reach })
    const other = rewrittenRange(previous, claims, known, nextBaseOffset)
    if (other !== null) rewritten.push(other)
    // An offset that an earlier segment has is that one's.
    else onSegment?.({ at, segment: previous, nextBaseOffset, range: [maxOffset(baseOffset, readTo), reach ?? lastOffset] })
    readTo = maxOffset(readTo, reach ?? 0n)
  }
  let indexed: bigint | null = null
  const folder = partitionPrefix(prefix, at)
  listing: for await (const { objects } of store.list(queryOf(prefix, at, known.claims, range[0]))) {
    for (const object of objects) {
      const name = parseSegmentFileName(object.key.slice(folder.length))
      isEmpty &&= name === null
      // The index of a segment sorts before it.
      if (name?.extension === 'index') indexed = name.baseOffset
      else if (name !== null && name.baseOffset === indexed) {
        for (const { key, baseOffset } of unindexed.splice(0))
          facts.push({ kind: 'without-index', ...at, key, start: baseOffset, end: name.baseOffset })
        close(name.baseOffset)
        previous = null
        if (name.baseOffset >= range[1]) break listing
        previous = segmentOf(object, name.baseOffset)
      } else if (name !== null) unindexed.push({ key: object.key, baseOffset: name.baseOffset })
    }
  }
  close(null)
  if (isEmpty && isFirst && known.first !== null && known.first < known.end)
    facts.push({ kind: 'gone', ...at, key: folder, start: known.first, end: known.end })
  // Nothing tells whether the index of the last segment is still to come, unless the segment was read.
  for (const { key, baseOffset } of unindexed) {
    const end = known.claims.get(baseOffset)?.reduce((last, claim) => maxOffset(last, claim.end), baseOffset)
    if (end !== undefined) facts.push({ kind: 'without-index', ...at, key, start: baseOffset, end })
  }
  return { segments, inWindows, rewritten, facts, lastDecided }
}

/** From the first segment that is known to reach over an offset, else from the last that is known to begin at or before it. */
function queryOf(prefix: string, at: TopicPartition, claims: Known['claims'], offset: bigint): { prefix: string; startAfter?: string } {
  let from: bigint | null = null
  let reaches = false
  for (const [base, known] of offset > 0n ? claims : []) {
    if (base > offset) continue
    const over = known.some(({ end }) => end > offset)
    if (from === null || (over && (!reaches || base < from)) || (!over && !reaches && base > from)) from = base
    reaches ||= over
  }
  return partitionQuery(prefix, at, from)
}

function firstEndingAfter(ranges: OffsetRanges, offset: bigint): OffsetRange | undefined {
  let [low, high] = [0, ranges.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ranges[middle][1] <= offset) low = middle + 1
    else high = middle
  }
  return ranges[low]
}

function segmentOf({ key, size, etag, lastModifiedMs }: ObjectInfo, baseOffset: bigint): SegmentRef {
  return { key, baseOffset, size, etag, lastModifiedMs, settled: true }
}

/** What was read from other bytes than the segment has now; null: nothing. */
function rewrittenRange(
  { baseOffset, etag }: SegmentRef,
  claims: readonly SegmentClaim[],
  { frontier, end, isRestarted }: Known,
  nextBaseOffset: bigint | null,
): OffsetRange | null {
  const others = claims.filter((claim) => claim.etag !== etag)
  if (others.length > 0 && !(isRestarted && others.length < claims.length)) {
    return others.reduce<OffsetRange>(
      ([low, high], claim) => [claim.start < low ? claim.start : low, claim.end > high ? claim.end : high],
      [others[0].start, others[0].end],
    )
  }
  if (frontier?.baseOffset !== baseOffset || frontier.etag === etag) return null
  return [baseOffset, nextBaseOffset !== null && nextBaseOffset < end ? nextBaseOffset : end]
}
