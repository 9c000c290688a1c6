import { crc32 } from 'node:zlib'
import type { Fault, FaultKind } from '../../model/failure.ts'
import { formatCrc } from '../bytes/crc32c.ts'
import { dataViewOf } from '../bytes/data-view.ts'
import { plainBytes } from '../bytes/plain.ts'
import { type BatchHeader, readBatchHeader } from './batch-header.ts'
import { CodecError } from './codecs/codec-error.ts'
import { codecs, inflate } from './codecs/inflate.ts'
import type { RecordFrames } from './record-frames.ts'

/*
 * Message set, versions 0 and 1 (Kafka documentation, "Old Message Format"), big endian:
 *
 *   message set = entry*
 *   entry       = offset(8) size(4, counted from here) message
 *   message     = CRC-32 of what follows(4) magic(1) attributes(1) [timestamp(8), magic 1] key value
 *   key, value  = length(4; −1: null) bytes
 *
 * Attributes: bits 0 to 2 the codec (no zstd), bit 3 the timestamp type (magic 1). A message with a codec is a wrapper: its value is a
 * message set of the same magic, whose messages have no codec. Offsets in it are absolute with magic 0 and relative with magic 1, where
 * the wrapper has the offset of its last message; with LogAppendTime the wrapper's timestamp is that of all of them.
 */
const entryHeadBytes = 12
const magicAt = 16
const fieldsAt = [18, 26] as const
/** Messages without a codec that follow one another are taken together, so many at most: the tasks' slices are as large. */
const maxRun = 8192
/** Behind it comes another offset, which has 63 bits too. */
const maxOffset = 0x7ffffffffffffffen

interface Message {
  /** One past its last byte. */
  readonly end: number
  readonly offset: bigint
  readonly magic: 0 | 1
  readonly attributes: number
  /** Ms since 1970; −1 with magic 0. */
  readonly timestampMs: bigint
  readonly keyStart: number
  readonly keyLength: number
  readonly valueStart: number
  readonly valueLength: number
}

/** What is wrong with a message; where it stands is added by who knows. */
interface Defect {
  readonly kind: FaultKind
  readonly text: string
}

/** How messages of the formats before version 2 are read; null: they are a fault, by their magic byte. */
export type OldMessages = { readonly maxBatchBytes: number } | null

/**
 * Reads what stands at `position` of a segment: the header of a record batch, as `readBatchHeader` does, or with `old` the messages
 * of a format before version 2 that begin there, as a header of their own `magic`: a wrapper, or a run of messages without a codec. Such messages are
 * checked whole, the wrapped ones too, so their records have no fault any more.
 *
 * Offsets are those that Kafka's documentation gives them. A broker that stored a set as its producer numbered it gave an offset to the first
 * message alone: a message whose offset is below `nextOffset` has the first one that is free, and so have all that a wrapper holds. So each message
 * has an offset of its own, and the segment's bytes alone decide which.
 */
export function readBatch(
  segment: Uint8Array,
  view: DataView,
  position: number,
  end: number,
  nextOffset: bigint,
  old: OldMessages,
): BatchHeader | Fault {
  if (old === null || end - position <= magicAt || !isOld(view.getInt8(position + magicAt))) {
    return readBatchHeader(segment, view, position, end, nextOffset)
  }
  const first = readMessage(segment, view, position, end)
  if ('kind' in first) return faultAt(position, nextOffset, `the message at byte ${position} ${first.text}`, first.kind)
  return (first.attributes & 7) === 0
    ? readRun(segment, view, position, end, nextOffset, first)
    : readWrapper(segment, position, nextOffset, first, old.maxBatchBytes)
}

/** The messages without a codec from `position` on, up to one of another kind, a damaged one, or one that is too far away. */
function readRun(
  segment: Uint8Array,
  view: DataView,
  position: number,
  end: number,
  nextOffset: bigint,
  first: Message,
): BatchHeader | Fault {
  const baseOffset = first.offset < nextOffset ? nextOffset : first.offset
  let [last, lastOffset, maxTimestampMs, count] = [first, baseOffset, first.timestampMs, 1]
  for (; count < maxRun && end - last.end > magicAt && view.getInt8(last.end + magicAt) === first.magic; count++) {
    const message = readMessage(segment, view, last.end, end)
    if ('kind' in message || (message.attributes & 15) !== (first.attributes & 15)) break
    const offset = message.offset <= lastOffset ? lastOffset + 1n : message.offset
    if (offset > maxOffset || offset - baseOffset > 0x7fffffffn) break
    ;[last, lastOffset] = [message, offset]
    if (message.timestampMs > maxTimestampMs) maxTimestampMs = message.timestampMs
  }
  if (lastOffset > maxOffset) return faultAt(position, nextOffset, `the message at byte ${position} has no offset left`)
  return headerOf(view.getUint32(position + entryHeadBytes), position, last.end - position, first, {
    baseOffset,
    lastOffsetDelta: Number(lastOffset - baseOffset),
    recordCount: count,
    maxTimestampMs,
  })
}

function readWrapper(
  segment: Uint8Array,
  position: number,
  nextOffset: bigint,
  wrapper: Message,
  maxBatchBytes: number,
): BatchHeader | Fault {
  const wrong = (text: string, kind?: FaultKind): Fault =>
    faultAt(position, nextOffset, `the message set at byte ${position} ${text}`, kind)
  let bytes: Uint8Array
  try {
    bytes = inflated(segment, wrapper, maxBatchBytes)
  } catch (error) {
    if (!(error instanceof CodecError)) throw error
    return wrong(`can not be inflated: ${error.message}`)
  }
  const view = dataViewOf(bytes)
  let [count, start, last, ascends, maxTimestampMs] = [0, 0n, 0n, true, wrapper.timestampMs]
  for (let at = 0; at < bytes.length;) {
    const inner = readMessage(bytes, view, at, bytes.length)
    const defect = 'kind' in inner ? inner : wrappedDefect(inner, wrapper)
    if (defect !== null || 'kind' in inner) {
      const place = `the message at byte ${at} of the inflated message set at byte ${position}`
      return faultAt(position, nextOffset, `${place} ${defect!.text}`, defect!.kind)
    }
    if (count++ === 0) start = inner.offset
    else if (inner.offset <= last) ascends = false
    last = inner.offset
    if (!isAppendTime(wrapper) && inner.timestampMs > maxTimestampMs) maxTimestampMs = inner.timestampMs
    at = inner.end
  }
  if (count === 0) return wrong('holds no message')
  const shift = wrapper.magic === 1 ? wrapper.offset - last : 0n
  const asKafka = ascends && start + shift >= nextOffset && (wrapper.magic === 1 || last === wrapper.offset)
  const baseOffset = asKafka ? start + shift : wrapper.offset < nextOffset ? nextOffset : wrapper.offset
  const lastOffsetDelta = asKafka ? last - start : BigInt(count - 1)
  if (lastOffsetDelta > 0x7fffffffn || baseOffset + lastOffsetDelta > maxOffset) {
    return wrong(`has offsets from ${baseOffset} on, ${lastOffsetDelta} apart`)
  }
  return headerOf(dataViewOf(segment).getUint32(position + entryHeadBytes), position, wrapper.end - position, wrapper, {
    baseOffset,
    lastOffsetDelta: Number(lastOffsetDelta),
    recordCount: count,
    maxTimestampMs,
  })
}

function wrappedDefect(inner: Message, wrapper: Message): Defect | null {
  if (inner.magic !== wrapper.magic) return { kind: 'malformed', text: `has magic ${inner.magic} in a set of magic ${wrapper.magic}` }
  return (inner.attributes & 7) === 0 ? null : { kind: 'malformed', text: 'is compressed, and so is the set that holds it' }
}

/** Fills `frames` with the records of a header that `readBatch` gave for messages of a format before version 2. */
export function decodeOldMessages(
  segment: Uint8Array,
  batch: BatchHeader,
  limits: { readonly maxBatchBytes: number },
  frames: RecordFrames,
): void {
  const first = sound(readMessage(segment, dataViewOf(segment), batch.position, batch.position + batch.length, false))
  const isWrapped = batch.codec !== 'none'
  const bytes = isWrapped ? inflated(segment, first, limits.maxBatchBytes) : segment
  const view = dataViewOf(bytes)
  const end = isWrapped ? bytes.length : batch.position + batch.length
  frames.reset(bytes, batch.recordCount)
  // In a wrapper offsets are as they stand or, where those would not do, consecutive; in a run each may be either.
  const isConsecutive = batch.lastOffsetDelta === batch.recordCount - 1
  let shift = -batch.baseOffset
  let position = isWrapped ? 0 : batch.position
  for (let i = 0; position < end; i++) {
    const message = sound(readMessage(bytes, view, position, end, false))
    if (isWrapped && i === 0) shift = -message.offset
    const least = i === 0 ? 0 : frames.offsetDelta[i - 1] + 1
    const delta = message.offset + shift
    frames.offsetDelta[i] = isConsecutive ? i : delta < least ? least : Number(delta)
    frames.timestampMs[i] = isAppendTime(first) ? first.timestampMs : message.timestampMs
    frames.keyStart[i] = message.keyStart
    frames.keyLength[i] = message.keyLength
    frames.valueStart[i] = message.valueStart
    frames.valueLength[i] = message.valueLength
    frames.firstHeader[i + 1] = 0
    frames.count = i + 1
    position = message.end
  }
}

/** Reads the message at `position`; `checked`: its CRC too. */
function readMessage(bytes: Uint8Array, view: DataView, position: number, end: number, checked = true): Message | Defect {
  const left = end - position
  if (left <= magicAt) return { kind: 'length', text: `was expected to have more than ${magicAt} bytes, and ${left} are left` }
  const length = view.getInt32(position + 8) + entryHeadBytes
  if (length <= magicAt || length > left) return { kind: 'length', text: `says ${length} bytes, and ${left} are left` }
  const magic = view.getInt8(position + magicAt)
  if (magic !== 0 && magic !== 1) return { kind: 'magic', text: `has magic ${magic}, and 0 or 1 was expected` }
  const messageEnd = position + length
  const fields = position + fieldsAt[magic]
  if (fields + 8 > messageEnd) return { kind: 'length', text: `says ${length} bytes, fewer than its fields need` }
  if (checked) {
    const crc = view.getUint32(position + entryHeadBytes)
    const found = crc32(bytes.subarray(position + magicAt, messageEnd))
    if (found !== crc) return { kind: 'crc', text: `has CRC-32 ${formatCrc(found)}, and its header says ${formatCrc(crc)}` }
  }
  const attributes = view.getUint8(position + 17)
  if ((attributes & 7) > 3) return { kind: 'malformed', text: `has compression ${attributes & 7}, and 0 to 3 were expected` }
  const keyLength = view.getInt32(fields)
  if (keyLength < -1 || keyLength > messageEnd - fields - 8) return { kind: 'malformed', text: 'has a key that does not fit it' }
  const valueAt = fields + 4 + Math.max(0, keyLength)
  const valueLength = view.getInt32(valueAt)
  if (valueLength < -1 || valueAt + 4 + Math.max(0, valueLength) !== messageEnd) {
    return { kind: 'malformed', text: 'has a value that does not end where it does' }
  }
  return {
    end: messageEnd,
    offset: view.getBigInt64(position),
    magic,
    attributes,
    timestampMs: magic === 1 ? view.getBigInt64(position + 18) : -1n,
    keyStart: fields + 4,
    keyLength,
    valueStart: valueAt + 4,
    valueLength,
  }
}

/** The message set in a wrapper. Throws a CodecError. */
function inflated(segment: Uint8Array, { attributes, valueStart, valueLength }: Message, maxBatchBytes: number): Uint8Array {
  const codec = codecs[attributes & 7]
  if (codec === 'none' || valueLength < 0) throw new CodecError('it is null')
  return plainBytes(inflate(codec, segment.subarray(valueStart, valueStart + valueLength), maxBatchBytes))
}

function headerOf(
  crc: number,
  position: number,
  length: number,
  first: Message,
  found: Pick<BatchHeader, 'baseOffset' | 'lastOffsetDelta' | 'recordCount' | 'maxTimestampMs'>,
): BatchHeader {
  return {
    position,
    length,
    partitionLeaderEpoch: -1,
    magic: first.magic,
    crc,
    attributes: first.attributes,
    codec: codecs[first.attributes & 7],
    timestampType: isAppendTime(first) ? 'LogAppendTime' : 'CreateTime',
    isTransactional: false,
    isControl: false,
    baseTimestampMs: first.timestampMs,
    producerId: -1n,
    producerEpoch: -1,
    baseSequence: -1,
    ...found,
  }
}

function isAppendTime({ magic, attributes }: Message): boolean {
  return magic === 1 && (attributes & 8) !== 0
}

function isOld(magic: number): boolean {
  return magic === 0 || magic === 1
}

/** `readBatch` has looked at it already. */
function sound(message: Message | Defect): Message {
  if ('kind' in message) throw new Error(`a message that was sound ${message.text}`)
  return message
}

function faultAt(position: number, offset: bigint, message: string, kind: FaultKind = 'malformed'): Fault {
  return { kind, position, offset, message }
}
