import { parseSegmentFileName, partitionPrefix } from '../../formats/kfs/segment-key.ts'
import { maxOffset, type OffsetRange, type OffsetRanges } from '../../model/offset-range.ts'
import type { Frontier, SegmentRef } from '../../model/segment.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { ObjectInfo, ObjectStore } from '../../seams/object-store.ts'
import type { SegmentClaim } from './books.ts'

/** A segment that the source has. */
export interface ListedSegment {
  readonly segment: SegmentRef
  /** Where the next one begins; null: it is the last. */
  readonly nextBaseOffset: bigint | null
  /** Its offsets end here, exclusive, as far as listing and files tell; null: nothing tells. */
  readonly reach: bigint | null
}

/** What a topic-partition's listing tells. */
export interface SourceSurvey {
  /** How many complete segments there are. */
  readonly segments: number
  /** Those that may have an offset of the windows. */
  readonly inWindows: readonly ListedSegment[]
  /** What was read from segments that were written again since; a range each. */
  readonly rewritten: OffsetRanges
}

/** What the table says of the segments. */
interface Known {
  readonly claims: ReadonlyMap<bigint, readonly SegmentClaim[]>
  readonly frontier: Frontier | null
  readonly end: bigint
  /** Whether the log was restarted, so that files may tell of segments of the log before, under the same names. */
  readonly isRestarted: boolean
}

/**
 * Lists a topic-partition page after page, compares each segment with what the table's files and the frontier say of it, and keeps
 * those in which offsets are to be looked for. A segment without an index does not count.
 */
export async function surveySource(
  store: Pick<ObjectStore, 'list'>,
  prefix: string,
  at: TopicPartition,
  known: Known,
  windows: OffsetRanges,
): Promise<SourceSurvey> {
  const inWindows: ListedSegment[] = []
  const rewritten: OffsetRange[] = []
  let segments = 0
  let previous: SegmentRef | null = null
  const close = (nextBaseOffset: bigint | null) => {
    if (previous === null) return
    segments++
    const { baseOffset } = previous
    const claims = known.claims.get(baseOffset) ?? []
    const reach = nextBaseOffset === null ? null : claims.reduce((end, claim) => maxOffset(end, claim.end), nextBaseOffset)
    const window = firstEndingAfter(windows, baseOffset)
    if (window !== undefined && (reach === null || window[0] < reach)) inWindows.push({ segment: previous, nextBaseOffset, reach })
    const range = rewrittenRange(previous, claims, known, nextBaseOffset)
    if (range !== null) rewritten.push(range)
  }
  let indexed: bigint | null = null
  for await (const { objects } of store.list({ prefix: partitionPrefix(prefix, at) })) {
    for (const object of objects) {
      const name = parseSegmentFileName(object.key.slice(object.key.lastIndexOf('/') + 1))
      // The index of a segment sorts before it.
      if (name?.extension === 'index') indexed = name.baseOffset
      else if (name !== null && name.baseOffset === indexed) {
        close(name.baseOffset)
        previous = segmentOf(object, name.baseOffset)
      }
    }
  }
  close(null)
  return { segments, inWindows, rewritten }
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
