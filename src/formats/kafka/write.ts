import { crc32c } from '../bytes/crc32c.ts'
import { dataViewOf } from '../bytes/data-view.ts'
import { pushVarint } from '../bytes/varint.ts'
import { batchHeaderBytes, crcStart, lengthFieldEnd } from './batch-header.ts'
import { deflate } from './codecs/deflate.ts'
import { type Codec, codecs } from './codecs/inflate.ts'

/** A record to write. `null` is Kafka's null, not an empty key or value. */
export interface NewRecord {
  /** Ms since 1970; −1: none. */
  readonly timestampMs: bigint
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array | null }[]
  /** Offset minus the base offset; the record's place in the batch where it is not given. */
  readonly offsetDelta?: number
}

/** What a batch says of itself beside its records; the defaults are those of a producer that is not idempotent. */
export interface BatchFields {
  readonly baseOffset: bigint
  readonly codec: Codec
  /** Beside the codec's bits: 8 LogAppendTime, 16 transactional, 32 control. */
  readonly attributes?: number
  readonly partitionLeaderEpoch?: number
  readonly producerId?: bigint
  readonly producerEpoch?: number
  readonly baseSequence?: number
}

/** Writes a record batch, version 2. Base timestamp is the first record's, max timestamp the highest. */
export function writeBatch(batch: BatchFields & { readonly records: readonly NewRecord[] }): Uint8Array {
  const { records } = batch
  const baseTimestampMs = records[0]?.timestampMs ?? -1n
  return sealBatch({
    ...batch,
    lastOffsetDelta: records.reduce((last, record, i) => Math.max(last, record.offsetDelta ?? i), 0),
    baseTimestampMs,
    maxTimestampMs: records.reduce((max, { timestampMs }) => (timestampMs > max ? timestampMs : max), baseTimestampMs),
    recordCount: records.length,
    recordBytes: Buffer.concat(records.map((record, i) => writeRecord(record, record.offsetDelta ?? i, baseTimestampMs))),
  })
}

/** Puts the header before records that are written already, compresses them and computes length and CRC. */
export function sealBatch(
  batch: BatchFields & {
    readonly lastOffsetDelta: number
    readonly baseTimestampMs: bigint
    readonly maxTimestampMs: bigint
    readonly recordCount: number
    readonly recordBytes: Uint8Array
  },
): Uint8Array {
  const records = batch.codec === 'none' ? batch.recordBytes : deflate(batch.codec, batch.recordBytes)
  const bytes = new Uint8Array(batchHeaderBytes + records.length)
  const view = dataViewOf(bytes)
  view.setBigInt64(0, batch.baseOffset)
  view.setInt32(8, bytes.length - lengthFieldEnd)
  view.setInt32(12, batch.partitionLeaderEpoch ?? 0)
  view.setInt8(16, 2)
  view.setInt16(21, codecs.indexOf(batch.codec) | (batch.attributes ?? 0))
  view.setInt32(23, batch.lastOffsetDelta)
  view.setBigInt64(27, batch.baseTimestampMs)
  view.setBigInt64(35, batch.maxTimestampMs)
  view.setBigInt64(43, batch.producerId ?? -1n)
  view.setInt16(51, batch.producerEpoch ?? -1)
  view.setInt32(53, batch.baseSequence ?? -1)
  view.setInt32(57, batch.recordCount)
  bytes.set(records, batchHeaderBytes)
  view.setUint32(17, crc32c(bytes.subarray(crcStart)))
  return bytes
}

function writeRecord(record: NewRecord, offsetDelta: number, baseTimestampMs: bigint): Uint8Array {
  const head: number[] = [0]
  pushVarint(head, record.timestampMs - baseTimestampMs)
  pushVarint(head, offsetDelta)
  const parts: Uint8Array[] = []
  const field = (bytes: Uint8Array | null): void => {
    pushVarint(head, bytes === null ? -1 : bytes.length)
    parts.push(Uint8Array.from(head), bytes ?? new Uint8Array(0))
    head.length = 0
  }
  field(record.key)
  field(record.value)
  pushVarint(head, record.headers.length)
  for (const header of record.headers) {
    field(Buffer.from(header.key))
    field(header.value)
  }
  parts.push(Uint8Array.from(head))
  const body = Buffer.concat(parts)
  const length: number[] = []
  pushVarint(length, body.length)
  return Buffer.concat([Uint8Array.from(length), body])
}
