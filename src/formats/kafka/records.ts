import type { Fault } from '../../model/failure.ts'
import { plainBytes } from '../bytes/plain.ts'
import { VarintReader } from '../bytes/varint.ts'
import { type BatchHeader, batchHeaderBytes } from './batch-header.ts'
import { CodecError } from './codecs/codec-error.ts'
import { inflate } from './codecs/inflate.ts'
import { decodeOldMessages } from './old-messages.ts'
import type { RecordFrames } from './record-frames.ts'

/*
 * Record (Kafka documentation, "Message format"); all numbers but the attributes are zigzag varints:
 *
 *   record = length attributes(1, unused) timestamp delta(long) offset delta
 *            key length(−1: null) key value length(−1: null) value header count header*
 *   header = key length key value length(−1: null) value
 */
const smallestRecordBytes = 7
const smallestHeaderBytes = 2

/**
 * Decodes the records of `batch`, which `frameSegment` found in `segment`, into `frames`, replacing what it held. Messages of the formats
 * before version 2 were checked when it was found.
 * Positions point into the segment itself where the batch is not compressed. Records of control batches are decoded like others.
 * A compressed batch may inflate to `limits.maxBatchBytes`.
 *
 * A fault is always `malformed`. One in a record has the record's offset, or the lowest that it can have where its own is unreadable
 * or out of order, and `frames` holds the records before it; one in the batch as a whole has the base offset, and `frames` is empty.
 * Inflated bytes have no position in the object: there a fault stands at the batch's first byte.
 */
export function decodeRecords(
  segment: Uint8Array,
  batch: BatchHeader,
  limits: { readonly maxBatchBytes: number },
  frames: RecordFrames,
): Fault | null {
  let bytes = segment
  let start = batch.position + batchHeaderBytes
  let end = batch.position + batch.length
  frames.reset(segment, 0)
  if (batch.magic < 2) {
    decodeOldMessages(segment, batch, limits, frames)
    return null
  }
  if (batch.codec !== 'none') {
    try {
      bytes = plainBytes(inflate(batch.codec, segment.subarray(start, end), limits.maxBatchBytes))
    } catch (error) {
      if (!(error instanceof CodecError)) throw error
      return batchFault(batch, batch.position, `can not be inflated: ${error.message}`)
    }
    start = 0
    end = bytes.length
  }
  if (batch.recordCount > (end - start) / smallestRecordBytes) {
    return batchFault(batch, batch.position, `says ${batch.recordCount} records, more than its ${end - start} bytes can hold`)
  }
  frames.reset(bytes, batch.recordCount)
  const reader = new VarintReader(bytes, start, end)
  const fault = decodeAll(reader, batch, frames)
  if (fault !== null || reader.position === end) return fault
  frames.count = 0
  return batchFault(batch, positionIn(batch, reader.position), `has ${end - reader.position} bytes after its last record`)
}

/** Fills `frames` until the first malformed record. */
function decodeAll(reader: VarintReader, batch: BatchHeader, frames: RecordFrames): Fault | null {
  const { offsetDelta, timestampHalves, keyStart, keyLength, valueStart, valueLength, firstHeader } = frames
  const { recordCount, lastOffsetDelta } = batch
  const isCreateTime = batch.timestampType === 'CreateTime'
  const baseMs = isCreateTime ? batch.baseTimestampMs : batch.maxTimestampMs
  const baseLow = Number(BigInt.asIntN(32, baseMs))
  const baseHigh = Number(baseMs >> 32n)
  const batchEnd = reader.end
  let headers = 0
  let delta = -1

  for (let i = 0; i < recordCount; i++) {
    const start = reader.position
    const length = reader.readInt()
    const end = reader.position + length
    if (length < smallestRecordBytes - 1 || end > batchEnd)
      return recordFault(batch, start, delta + 1, 'does not fit its batch by its length')
    reader.end = end
    reader.position++

    reader.readLong()
    if (isCreateTime) {
      const low = (baseLow >>> 0) + (reader.low >>> 0)
      timestampHalves[i * 2] = low
      timestampHalves[i * 2 + 1] = baseHigh + reader.high + (low > 0xffffffff ? 1 : 0)
    } else {
      timestampHalves[i * 2] = baseLow
      timestampHalves[i * 2 + 1] = baseHigh
    }

    const nextDelta = reader.readInt()
    if (nextDelta <= delta || nextDelta > lastOffsetDelta) {
      return recordFault(batch, start, delta + 1, `has offset delta ${nextDelta}, and ${delta + 1} to ${lastOffsetDelta} were expected`)
    }
    delta = nextDelta
    offsetDelta[i] = delta

    const ofKey = reader.readInt()
    if (ofKey < -1 || ofKey > end - reader.position) return recordFault(batch, start, delta, 'has a key that does not fit it')
    keyStart[i] = reader.position
    keyLength[i] = ofKey
    if (ofKey > 0) reader.position += ofKey

    const ofValue = reader.readInt()
    if (ofValue < -1 || ofValue > end - reader.position) return recordFault(batch, start, delta, 'has a value that does not fit it')
    valueStart[i] = reader.position
    valueLength[i] = ofValue
    if (ofValue > 0) reader.position += ofValue

    const headerCount = reader.readInt()
    if (headerCount !== 0) {
      const fits = headerCount > 0 && headerCount <= (end - reader.position) / smallestHeaderBytes
      if (!fits || !decodeHeaders(reader, frames, headers, headerCount))
        return recordFault(batch, start, delta, 'has headers that do not fit it')
      headers += headerCount
    }
    if (reader.position !== end) return recordFault(batch, start, delta, 'does not use exactly its length')
    firstHeader[i + 1] = headers
    frames.count = i + 1
    reader.end = batchEnd
  }
  return null
}

/** Reads `count` headers into the slots from `first`; false where one runs over the end of the record. */
function decodeHeaders(reader: VarintReader, frames: RecordFrames, first: number, count: number): boolean {
  frames.reserveHeaders(first + count)
  const { headerKeyStart, headerKeyLength, headerValueStart, headerValueLength } = frames
  for (let i = first; i < first + count; i++) {
    const ofKey = reader.readInt()
    if (ofKey < 0 || ofKey > reader.end - reader.position) return false
    headerKeyStart[i] = reader.position
    headerKeyLength[i] = ofKey
    reader.position += ofKey
    const ofValue = reader.readInt()
    if (ofValue < -1 || ofValue > reader.end - reader.position) return false
    headerValueStart[i] = reader.position
    headerValueLength[i] = ofValue
    if (ofValue > 0) reader.position += ofValue
  }
  return true
}

function batchFault(batch: BatchHeader, position: number, message: string): Fault {
  return { kind: 'malformed', position, offset: batch.baseOffset, message: `the record batch at byte ${batch.position} ${message}` }
}

function recordFault(batch: BatchHeader, start: number, delta: number, message: string): Fault {
  const place = batch.codec === 'none' ? `byte ${start}` : `byte ${start} of the inflated record batch at byte ${batch.position}`
  const offset = batch.baseOffset + BigInt(delta)
  return { kind: 'malformed', position: positionIn(batch, start), offset, message: `the record at ${place} ${message}` }
}

function positionIn(batch: BatchHeader, position: number): number {
  return batch.codec === 'none' ? position : batch.position
}
