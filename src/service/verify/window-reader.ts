import {
  endOf,
  intersectRanges,
  maxOffset,
  normalizeRanges,
  type OffsetRange,
  type OffsetRanges,
  subtractRanges,
  lastOffset,
} from '../../model/offset-range.ts'
import type { SegmentRef } from '../../model/segment.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { PartEnd, Skip } from '../../model/translated-part.ts'
import type { ObjectStore } from '../../seams/object-store.ts'
import { type DecodeOptions, PartDecoder } from '../../pipeline/decode/part-decoder.ts'
import { TableColumns } from '../../pipeline/decode/table-columns.ts'
import type { TableLayout } from '../../pipeline/flow.ts'
import { type FetchBounds, fetchSegments } from '../../pipeline/read/fetch-segments.ts'
import { damagedFact, type SourceFact, unreadableFact } from '../../pipeline/verify/source-fact.ts'
import type { ListedSegment } from '../../pipeline/verify/survey-source.ts'

/** What segments have at the offsets that were looked for. */
export interface WindowContents {
  /** Offsets that become rows. */
  readonly rows: OffsetRanges
  /** Offsets that become none: control records. */
  readonly without: OffsetRanges
  readonly control: bigint
  /** Offsets that can not be read now: they were skipped, or the segment was damaged since. */
  readonly unreadable: OffsetRanges
  /** Offsets of segments that are there and that the store does not give, as from an archive. */
  readonly withheld: OffsetRanges
  /** Offsets of which no segment tells anything: it is gone. */
  readonly untold: OffsetRanges
  /** Segments that are not sound there, have records that can not become rows, or can not be had. */
  readonly faulty: readonly SourceFact[]
}

/** Nothing was looked for. */
export const nothingInWindows: WindowContents = { rows: [], without: [], control: 0n, unreadable: [], withheld: [], untold: [], faulty: [] }

/**
 * Reads from segments what becomes of the offsets in `windows`, by the code that materializes them, past what can not be read. Of
 * segments that overlap, the earlier one counts. Throws what the store throws; a segment that is gone since it was listed tells nothing.
 */
export async function readWindows(
  store: Pick<ObjectStore, 'get'>,
  at: TopicPartition,
  segments: readonly ListedSegment[],
  windows: OffsetRanges,
  layout: TableLayout,
  bounds: FetchBounds & Omit<DecodeOptions, 'onError'>,
): Promise<WindowContents> {
  const columns = new TableColumns(layout)
  const offsetColumn = layout.columns.findIndex(({ role }) => role === 'offset')
  const byKey = new Map(segments.map((listed) => [listed.segment.key, listed]))
  const rows: OffsetRange[] = []
  const unreadable: OffsetRange[] = []
  const withheld: OffsetRange[] = []
  const faulty: SourceFact[] = []
  let [left, control] = [windows, 0n]
  const refs = segments.map(({ segment }) => segment)
  for await (const fetched of fetchSegments(store, refs, bounds)) {
    const { segment } = fetched
    const { nextBaseOffset, reach } = byKey.get(segment.key)!
    if (fetched.kind === 'unreadable') {
      const range = [segment.baseOffset, reach ?? maxOffset(segment.baseOffset, endOf(windows) ?? 0n)] as const
      faulty.push(unreadableFact(at, segment, range, fetched.reason))
      withheld.push(range)
    }
    if (fetched.kind !== 'bytes') continue
    const wanted = intersectRanges(left, [[segment.baseOffset, reach ?? lastOffset]])
    const part = {
      at,
      follows: null,
      segments: [segment] as readonly SegmentRef[],
      startOffset: 0n,
      decided: subtractRanges([[0n, lastOffset]], wanted),
      nextBaseOffset,
    }
    const decoder = new PartDecoder(part, columns, { ...bounds, onError: 'skip' })
    for (const { ranges: decided } of decoder.decode(segment, fetched.bytes)) {
      if (decided.length === 0) continue
      const offsets = columns.snapshot().columns[offsetColumn]
      if (offsets.layout === 'fixed') for (let i = 0; i < columns.length; i++) append(rows, BigInt(offsets.values[i]))
      columns.clear()
    }
    const { ranges, counts, skips, ended } = decoder.finish()
    for (const skip of [...skips, ...cutOff(ended, reach ?? endOf(wanted) ?? 0n)]) {
      faulty.push(damagedFact(at, skip))
      unreadable.push(skip.range)
    }
    control += BigInt(counts.control)
    left = subtractRanges(left, ranges)
  }
  const found = normalizeRanges(rows)
  const torn = subtractRanges(intersectRanges(normalizeRanges(unreadable), windows), found)
  const without = [left, found, torn].reduce(subtractRanges, windows)
  const rest = subtractRanges(left, torn)
  const kept = intersectRanges(rest, normalizeRanges(withheld))
  return { rows: found, without, control, unreadable: torn, withheld: kept, untold: subtractRanges(rest, kept), faulty }
}

/** Where a damaged segment ends that is the last one, nothing tells: what was looked for in it can not be read. */
function cutOff(ended: PartEnd | null, end: bigint): Skip[] {
  if (ended?.kind !== 'fault' || ended.fault.offset >= end) return []
  return [{ segment: ended.segment, range: [ended.fault.offset, end], fault: ended.fault }]
}

function append(ranges: OffsetRange[], offset: bigint): void {
  const last = ranges.at(-1)
  if (last !== undefined && last[1] === offset) ranges[ranges.length - 1] = [last[0], offset + 1n]
  else ranges.push([offset, offset + 1n])
}
