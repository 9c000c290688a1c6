import type { Fault, FaultKind } from '../../model/failure.ts'
import { crc32c, formatCrc } from '../bytes/crc32c.ts'
import { dataViewOf } from '../bytes/data-view.ts'
import { type BatchHeader, batchHeaderBytes, lastOffsetOf, lengthFieldEnd } from '../kafka/batch-header.ts'
import { type OldMessages, readBatch } from '../kafka/old-messages.ts'
import { endMark, footerBytes, headerBytes, kafs, type SegmentFooter, type SegmentHeader, version } from './layout.ts'

/** What a segment's frame tells: where its batches lie, and what is wrong. */
export interface SegmentFrame {
  /** Null where the object is shorter, or is no segment of this version. */
  readonly header: SegmentHeader | null
  /** Null where the header is wrong or the footer is missing. */
  readonly footer: SegmentFooter | null
  /** The sound batches, up to the fault; none where header, footer or body CRC is wrong. Their records are not decoded yet. */
  readonly batches: readonly BatchHeader[]
  /** The first defect; null of a sound segment. */
  readonly fault: Fault | null
}

/** Positions in records and in the index are int32. */
const maxSegmentBytes = 0x7fffffff

/**
 * Checks a whole segment and finds its record batches: header, footer, body CRC, then each batch's length, magic byte and CRC.
 * `expected.baseOffset` is the one in the object's key. With `old`, messages of the formats before version 2 are batches too.
 * Never throws because of the bytes; flags, reserved, message count and last offset are only reported.
 */
export function frameSegment(bytes: Uint8Array, expected: { readonly baseOffset: bigint }, old: OldMessages = null): SegmentFrame {
  const view = dataViewOf(bytes)
  const wrong = (kind: FaultKind, position: number, message: string): Fault => ({ kind, position, offset: expected.baseOffset, message })

  if (bytes.length >= 4 && view.getUint32(0) !== kafs) {
    return { header: null, footer: null, batches: [], fault: wrong('magic', 0, 'a segment begins with KAFS, and this object does not') }
  }
  if (bytes.length < headerBytes + footerBytes || bytes.length > maxSegmentBytes) {
    const bounds = `${headerBytes + footerBytes} to ${maxSegmentBytes}`
    const header = bytes.length < headerBytes ? null : readHeader(view)
    return {
      header,
      footer: null,
      batches: [],
      fault: wrong('length', 0, `a segment has ${bounds} bytes, and this object has ${bytes.length}`),
    }
  }
  const header = readHeader(view)
  if (header.version !== version) {
    const message = `segment version ${version} was expected, and the header says ${header.version}`
    return { header: null, footer: null, batches: [], fault: wrong('malformed', 4, message) }
  }
  if (header.baseOffset !== expected.baseOffset) {
    const message = `base offset ${expected.baseOffset} was expected, as in the key, and the header says ${header.baseOffset}`
    return { header, footer: null, batches: [], fault: wrong('malformed', 8, message) }
  }

  const bodyEnd = bytes.length - footerBytes
  const bodyCrc = crc32c(bytes.subarray(headerBytes, bodyEnd))
  const footer = { bodyCrc: view.getUint32(bodyEnd), lastOffset: view.getBigInt64(bodyEnd + 4) }
  if (view.getUint32(bodyEnd + 12) !== endMark) {
    // With the right CRC before it, only the mark itself is damaged; the CRC of no bytes is 0 and proves nothing.
    const cut = footer.bodyCrc === bodyCrc && bodyEnd > headerBytes ? null : truncationAt(view)
    const fault =
      cut === null
        ? wrong('magic', bodyEnd + 12, 'a segment ends with END!, and this object does not')
        : wrong('length', cut, `the object ends at byte ${bytes.length}, before what begins at byte ${cut} ends`)
    return { header, footer: null, batches: [], fault }
  }
  if (footer.bodyCrc !== bodyCrc) {
    const message = `the record batches have CRC-32C ${formatCrc(bodyCrc)}, and the footer says ${formatCrc(footer.bodyCrc)}`
    return { header, footer, batches: [], fault: wrong('crc', bodyEnd, message) }
  }
  return { header, footer, ...walkBatches(bytes, view, bodyEnd, expected.baseOffset, old) }
}

function walkBatches(
  bytes: Uint8Array,
  view: DataView,
  end: number,
  baseOffset: bigint,
  old: OldMessages,
): Pick<SegmentFrame, 'batches' | 'fault'> {
  const batches: BatchHeader[] = []
  let nextOffset = baseOffset
  for (let position = headerBytes; position < end;) {
    const batch = readBatch(bytes, view, position, end, nextOffset, old)
    if ('kind' in batch) return { batches, fault: batch }
    batches.push(batch)
    position += batch.length
    // Offsets repeat where one produce request held several batches, so the last batch need not have the highest one.
    const afterBatch = lastOffsetOf(batch) + 1n
    if (afterBatch > nextOffset) nextOffset = afterBatch
  }
  return { batches, fault: null }
}

/** Of an object without END!: where the batch or footer begins that the object's end cuts off; null where its batches make no sense. */
function truncationAt(view: DataView): number | null {
  const end = view.byteLength
  let position = headerBytes
  while (end - position >= batchHeaderBytes) {
    const length = view.getInt32(position + 8) + lengthFieldEnd
    if (view.getInt8(position + 16) !== 2 || length < batchHeaderBytes) return null
    if (length > end - position) return position
    position += length
  }
  return position
}

function readHeader(view: DataView): SegmentHeader {
  return {
    version: view.getUint16(4),
    flags: view.getUint16(6),
    baseOffset: view.getBigInt64(8),
    messageCount: view.getInt32(16),
    createdMs: view.getBigInt64(20),
    reserved: view.getUint32(28),
  }
}
