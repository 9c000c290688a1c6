import type { Fault, FaultKind } from '../../model/failure.ts'
import { crc32c, formatCrc } from '../bytes/crc32c.ts'
import { type Codec, codecs } from './codecs/inflate.ts'

/*
 * Record batch, version 2 (Kafka documentation, "Message format"), big endian:
 *
 *    0 i64 base offset                     23 i32 last offset delta
 *    8 i32 length, counted from byte 12    27 i64 base timestamp, ms
 *   12 i32 partition leader epoch          35 i64 max timestamp, ms
 *   16 i8  magic = 2                       43 i64 producer id
 *   17 u32 CRC-32C of all from byte 21     51 i16 producer epoch
 *   21 i16 attributes                      53 i32 base sequence
 *                                          57 i32 record count
 *   61 records
 */
export const batchHeaderBytes = 61
/** The length field counts the bytes after itself. */
export const lengthFieldEnd = 12
/** Where the bytes begin that the CRC covers. A broker may write what stands before it. */
export const crcStart = 21
/** Offset, length, epoch and magic: these stand at the same places in a message of the formats before version 2. */
const commonBytes = 17

/** The header of a record batch whose length, magic byte, CRC and own numbers are sound; its records may not be. */
export interface BatchHeader {
  /** Byte position of the batch in the segment. */
  readonly position: number
  /** Size of the whole batch, its header included, in bytes. */
  readonly length: number
  readonly baseOffset: bigint
  readonly partitionLeaderEpoch: number
  readonly magic: number
  readonly crc: number
  readonly attributes: number
  readonly codec: Codec
  readonly timestampType: 'CreateTime' | 'LogAppendTime'
  readonly isTransactional: boolean
  readonly isControl: boolean
  /** The last offset minus the base offset; 0 or more, and the last offset is an int64. */
  readonly lastOffsetDelta: number
  readonly baseTimestampMs: bigint
  readonly maxTimestampMs: bigint
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  /** 0 or more, and not yet compared with the records. */
  readonly recordCount: number
}

/**
 * Reads the header of the batch at `position` of `segment` and checks the batch's length, magic byte and CRC, in this order;
 * `end` is where batches end. A fault before the CRC was found right stands at the batch's first byte.
 * `nextOffset`: the offset that a batch here would have, for a fault in bytes that can not be believed.
 */
export function readBatchHeader(
  segment: Uint8Array,
  view: DataView,
  position: number,
  end: number,
  nextOffset: bigint,
): BatchHeader | Fault {
  const left = end - position
  if (left < commonBytes) {
    return faultAt('length', position, nextOffset, `a record batch was expected at byte ${position}, and only ${left} bytes are left`)
  }
  const length = view.getInt32(position + 8) + lengthFieldEnd
  if (length < lengthFieldEnd || length > left) {
    return faultAt('length', position, nextOffset, `the record batch at byte ${position} says ${length} bytes, and ${left} are left`)
  }
  const magic = view.getInt8(position + 16)
  if (magic !== 2) {
    const choice = magic === 0 || magic === 1 ? '; source.oldMessageFormats: convert makes rows of these old messages too' : ''
    return faultAt('magic', position, nextOffset, `the record batch at byte ${position} has magic ${magic}, and 2 was expected${choice}`)
  }
  if (length < batchHeaderBytes) {
    return faultAt(
      'length',
      position,
      nextOffset,
      `the record batch at byte ${position} says ${length} bytes, fewer than its header's ${batchHeaderBytes}`,
    )
  }
  const baseOffset = view.getBigInt64(position)
  const crc = view.getUint32(position + 17)
  const found = crc32c(segment.subarray(position + crcStart, position + length))
  if (found !== crc) {
    const offset = baseOffset < nextOffset ? nextOffset : baseOffset
    return faultAt(
      'crc',
      position,
      offset,
      `the record batch at byte ${position} has CRC-32C ${formatCrc(found)}, and its header says ${formatCrc(crc)}`,
    )
  }

  const attributes = view.getInt16(position + 21)
  const lastOffsetDelta = view.getInt32(position + 23)
  const recordCount = view.getInt32(position + 57)
  const malformed = (field: number, message: string): Fault =>
    faultAt('malformed', position + field, baseOffset < 0n ? nextOffset : baseOffset, `the record batch at byte ${position} has ${message}`)
  if (baseOffset < 0n) return malformed(0, `base offset ${baseOffset}`)
  const codec = codecs[attributes & 7]
  if (codec === undefined) return malformed(21, `compression ${attributes & 7}, and 0 to 4 were expected`)
  // Behind each record comes another offset, which has 63 bits too.
  if (lastOffsetDelta < 0 || baseOffset + BigInt(lastOffsetDelta) >= 0x7fffffffffffffffn) {
    return malformed(23, `last offset delta ${lastOffsetDelta} on base offset ${baseOffset}`)
  }
  if (recordCount < 0 || recordCount > lastOffsetDelta + 1) {
    return malformed(57, `${recordCount} records for the offsets up to delta ${lastOffsetDelta}`)
  }
  return {
    position,
    length,
    baseOffset,
    partitionLeaderEpoch: view.getInt32(position + 12),
    magic,
    crc,
    attributes,
    codec,
    timestampType: (attributes & 8) !== 0 ? 'LogAppendTime' : 'CreateTime',
    isTransactional: (attributes & 16) !== 0,
    isControl: (attributes & 32) !== 0,
    lastOffsetDelta,
    baseTimestampMs: view.getBigInt64(position + 27),
    maxTimestampMs: view.getBigInt64(position + 35),
    producerId: view.getBigInt64(position + 43),
    producerEpoch: view.getInt16(position + 51),
    baseSequence: view.getInt32(position + 53),
    recordCount,
  }
}

/** The offset of the batch's last record, by its header. */
export function lastOffsetOf(batch: BatchHeader): bigint {
  return batch.baseOffset + BigInt(batch.lastOffsetDelta)
}

function faultAt(kind: FaultKind, position: number, offset: bigint, message: string): Fault {
  return { kind, position, offset, message }
}
