import type { Fault } from '../../model/failure.ts'
import { holesOf, normalizeRanges, type OffsetRange, type OffsetRanges } from '../../model/offset-range.ts'
import { fetchSegments } from '../../pipeline/read/fetch-segments.ts'
import type { ObjectStore } from '../../seams/object-store.ts'
import type { ListedPartition } from './listing.ts'
import { isWhole, OffsetTally } from './offset-tally.ts'
import { inspectSegment } from './segment-report.ts'

/** What reading every segment of a topic-partition tells. */
export interface DeepReport {
  readonly records: number
  /** Batches by codec. */
  readonly codecs: Readonly<Record<string, number>>
  readonly offsets: OffsetRanges
  /** Between the first and the last offset, and in no segment. */
  readonly gaps: OffsetRanges
  /** In more than one segment. */
  readonly overlaps: OffsetRanges
  /** Records whose offset repeats within their own segment. */
  readonly repeated: number
  /** Keys of segments whose offsets are all in earlier segments: what a rewrite by another owner leaves behind. */
  readonly duplicates: readonly string[]
  /** Keys of segments that were written again or went away between the listing and the reading. */
  readonly changed: readonly string[]
  readonly faults: readonly (Fault & { readonly key: string })[]
  /** Segments that the store does not give out, with its reason. */
  readonly unreadable: readonly { readonly key: string; readonly reason: string }[]
}

const bounds = { maxRequests: 16, maxBytes: 64 * 1024 * 1024, maxSegmentBytes: 0x7fffffff }

/** Reads all complete segments of a topic-partition, in order. `onSegment` hears the size of each. */
export async function readPartition(
  store: ObjectStore,
  partition: ListedPartition,
  onSegment: (bytes: number) => Promise<void>,
): Promise<DeepReport> {
  const tally = new OffsetTally()
  const codecs: Record<string, number> = {}
  const overlaps: OffsetRange[] = []
  const duplicates: string[] = []
  const changed: string[] = []
  const faults: (Fault & { key: string })[] = []
  const unreadable: { key: string; reason: string }[] = []
  let records = 0
  let repeated = 0
  for await (const fetched of fetchSegments(store, partition.segments, bounds)) {
    const { key, baseOffset, size } = fetched.segment
    if (fetched.kind === 'changed') changed.push(key)
    else if (fetched.kind === 'unreadable') unreadable.push({ key, reason: fetched.reason })
    else {
      const report = inspectSegment(fetched.bytes, { baseOffset, listed: 0 })
      for (const { header } of report.batches) if (header !== null) codecs[header.codec] = (codecs[header.codec] ?? 0) + 1
      faults.push(...report.faults.map((fault) => ({ key, ...fault })))
      records += report.recordCount
      repeated += report.repeatedCount
      const again = tally.add(baseOffset, report.ranges)
      overlaps.push(...again)
      if (isWhole(report.ranges, again)) duplicates.push(key)
    }
    await onSegment(size)
  }
  const offsets = tally.offsets()
  return {
    records,
    codecs,
    offsets,
    gaps: holesOf(offsets),
    overlaps: normalizeRanges(overlaps),
    repeated,
    duplicates,
    changed,
    faults,
    unreadable,
  }
}
