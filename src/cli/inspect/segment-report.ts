import { crc32c } from '../../formats/bytes/crc32c.ts'
import { dataViewOf } from '../../formats/bytes/data-view.ts'
import { type BatchHeader, lengthFieldEnd, lastOffsetOf, readBatchHeader } from '../../formats/kafka/batch-header.ts'
import { readBatch } from '../../formats/kafka/old-messages.ts'
import { RecordFrames } from '../../formats/kafka/record-frames.ts'
import { decodeRecords } from '../../formats/kafka/records.ts'
import { footerBytes, headerBytes, type SegmentFooter, type SegmentHeader } from '../../formats/kfs/layout.ts'
import { frameSegment } from '../../formats/kfs/segment.ts'
import type { Fault } from '../../model/failure.ts'
import { countOffsets, holesOf, intersectRanges, normalizeRanges, type OffsetRange, type OffsetRanges } from '../../model/offset-range.ts'
import { type ListedRecord, listRecords } from './records.ts'

/** A batch, or what is left where one should be. */
export interface BatchReport {
  /** Byte position in the segment. */
  readonly position: number
  /** Bytes; 0 where the batch does not tell how long it is. */
  readonly length: number
  /** Null where header, magic byte or CRC is wrong. */
  readonly header: BatchHeader | null
  /** What is wrong with the batch or with one of its records; of the first old messages, that they are such. */
  readonly fault: Fault | null
}

/** All that a segment's bytes tell. */
export interface SegmentReport {
  readonly header: SegmentHeader | null
  readonly footer: SegmentFooter | null
  /** CRC-32C of the bytes between header and footer. */
  readonly bodyCrc: number
  readonly batches: readonly BatchReport[]
  /** Every defect; the first is the one at which a processor stops. */
  readonly faults: readonly Fault[]
  /** Records that could be decoded. */
  readonly recordCount: number
  /** Records whose offset an earlier one of the segment has, or which lies below the segment's base offset. */
  readonly repeatedCount: number
  /** Offsets of the decoded records. */
  readonly ranges: OffsetRanges
  /** Offsets between them that no record has. */
  readonly gaps: OffsetRanges
  /** The first records, as many as were asked for. */
  readonly records: readonly ListedRecord[]
}

/** A compressed batch may inflate to this many bytes. */
const maxBatchBytes = 256 * 1024 * 1024

/**
 * Reads a segment as a processor does, and then on behind what stops a processor, as far as the bytes make sense.
 * `baseOffset` is the one in the object's key; null where the name tells none. `listed`: how many records to list.
 */
export function inspectSegment(bytes: Uint8Array, { baseOffset, listed }: { baseOffset: bigint | null; listed: number }): SegmentReport {
  const expected = baseOffset ?? (bytes.length >= 16 ? dataViewOf(bytes).getBigInt64(8) : 0n)
  const frame = frameSegment(bytes, { baseOffset: expected })
  const faults: Fault[] = frame.fault === null ? [] : [frame.fault]
  const batches: BatchReport[] = []
  const found: OffsetRange[] = []
  const records: ListedRecord[] = []
  const frames = new RecordFrames()
  let recordCount = 0

  // A header of another version, or none, tells nothing about what follows.
  const end = frame.header === null ? 0 : Math.max(headerBytes, bytes.length - footerBytes)
  for (const batch of walkBatches(bytes, end, expected)) {
    const unsound = batch.header === null ? null : decodeRecords(bytes, batch.header, { maxBatchBytes }, frames)
    const fault = batch.fault ?? unsound
    batches.push({ ...batch, fault })
    if (fault !== null && !faults.some(({ kind, position }) => kind === fault.kind && position === fault.position)) faults.push(fault)
    if (batch.header === null) continue
    recordCount += frames.count
    found.push(...runsOf(batch.header, frames))
    if (records.length < listed) records.push(...listRecords(batch.header, frames, listed - records.length))
  }
  const union = normalizeRanges(found)
  const ranges = intersectRanges(union, [[expected, 2n ** 63n]])
  return {
    header: frame.header,
    footer: frame.footer,
    bodyCrc: crc32c(bytes.subarray(headerBytes, end)),
    batches,
    faults,
    recordCount,
    repeatedCount: recordCount - Number(countOffsets(ranges)),
    ranges,
    gaps: holesOf(ranges),
    records,
  }
}

/** The batches of a segment, the damaged ones too, up to one that does not tell where the next begins. */
function* walkBatches(bytes: Uint8Array, end: number, baseOffset: bigint): Generator<BatchReport> {
  const view = dataViewOf(bytes)
  let [nextOffset, isTold] = [baseOffset, false]
  for (let position = headerBytes; position < end;) {
    const strict = readBatchHeader(bytes, view, position, end, nextOffset)
    const isOther = 'kind' in strict && strict.kind === 'magic'
    const old = isOther ? readBatch(bytes, view, position, end, nextOffset, { maxBatchBytes }) : strict
    const read = 'kind' in old ? strict : old
    if (!('kind' in read)) {
      // Old messages are shown with their records; that they stop a processor which is not told to convert them is said once.
      yield { position, length: read.length, header: read, fault: isOther && !isTold ? strict : null }
      isTold ||= isOther
      position += read.length
      const after = lastOffsetOf(read) + 1n
      if (after > nextOffset) nextOffset = after
      continue
    }
    // The CRC is the last thing looked at before the fields: where it is wrong, length and magic byte are plausible.
    const length = read.kind === 'crc' || read.kind === 'malformed' ? view.getInt32(position + 8) + lengthFieldEnd : 0
    yield { position, length, header: null, fault: read }
    if (length === 0) return
    position += length
  }
}

/** The offsets of a batch's records, as runs. */
function runsOf({ baseOffset }: BatchHeader, { count, offsetDelta }: RecordFrames): OffsetRange[] {
  const runs: OffsetRange[] = []
  for (let from = 0; from < count;) {
    let to = from + 1
    while (to < count && offsetDelta[to] === offsetDelta[to - 1] + 1) to++
    runs.push([baseOffset + BigInt(offsetDelta[from]), baseOffset + BigInt(offsetDelta[to - 1]) + 1n])
    from = to
  }
  return runs
}
