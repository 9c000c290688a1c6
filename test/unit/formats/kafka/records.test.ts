import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pushVarint } from '../../../../src/formats/bytes/varint.ts'
import { type Codec, codecs } from '../../../../src/formats/kafka/codecs/inflate.ts'
import { RecordFrames } from '../../../../src/formats/kafka/record-frames.ts'
import { decodeRecords } from '../../../../src/formats/kafka/records.ts'
import { sealBatch, writeBatch } from '../../../../src/formats/kafka/write.ts'
import type { Fault } from '../../../../src/model/failure.ts'
import { plainRecords } from '../kfs/golden.ts'
import { headerOf } from './batch.ts'

const limits = { maxBatchBytes: 1024 * 1024 }
const int64 = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)
const bytesOrNull = fc.option(fc.uint8Array({ maxLength: 80 }))
const records = fc.array(
  fc.record({
    timestampMs: fc.oneof(
      fc.constantFrom(-1n, 0n, 1740787200000n, 2n ** 62n),
      fc.bigInt(1740787200000n - 2n ** 33n, 1740787200000n + 2n ** 33n),
      fc.bigInt(-(2n ** 62n), 2n ** 62n - 1n),
    ),
    key: bytesOrNull,
    value: bytesOrNull,
    headers: fc.array(fc.record({ key: fc.string({ maxLength: 5 }), value: bytesOrNull }), { maxLength: 4 }),
  }),
  { minLength: 1, maxLength: 20 },
)

function base64(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('base64')
}

test('records of any content are read as they were written, with every codec and reused frames', () => {
  const frames = new RecordFrames()
  fc.assert(
    fc.property(records, fc.constantFrom(...codecs), (content, codec) => {
      const batch = writeBatch({ baseOffset: 1000n, codec, records: content })
      expect(decodeRecords(batch, headerOf(batch), limits, frames)).toBeNull()
      expect(plainRecords(headerOf(batch), frames)).toEqual(
        content.map((record, i) => ({
          offset: 1000 + i,
          timestampMs: Number(record.timestampMs),
          key: base64(record.key),
          value: base64(record.value),
          headers: record.headers.map((header) => ({
            key: Buffer.from(header.key).toString(),
            value: base64(header.value),
          })),
        })),
      )
      expect([...frames.timestampMs.subarray(0, frames.count)]).toEqual(content.map((record) => record.timestampMs))
    }),
  )
})

test('timestamps add as int64 does, without losing a bit', () => {
  const frames = new RecordFrames()
  fc.assert(
    fc.property(int64, int64, (baseTimestampMs, delta) => {
      const batch = sealed([recordBytes({ timestampDelta: delta })], { baseTimestampMs })
      expect(decodeRecords(batch, headerOf(batch), limits, frames)).toBeNull()
      expect(frames.timestampMs[0]).toBe(BigInt.asIntN(64, baseTimestampMs + delta))
    }),
  )
})

test('with LogAppendTime every record has the max timestamp of the batch', () => {
  const frames = new RecordFrames()
  const batch = sealed([recordBytes({ timestampDelta: 5n }), recordBytes({ offsetDelta: 1, timestampDelta: -9n })], {
    attributes: 8,
    lastOffsetDelta: 1,
    recordCount: 2,
    maxTimestampMs: -(2n ** 40n) + 3n,
  })
  expect(decodeRecords(batch, headerOf(batch), limits, frames)).toBeNull()
  expect([...frames.timestampMs.subarray(0, 2)]).toEqual([3n - 2n ** 40n, 3n - 2n ** 40n])
})

test('offsets with gaps, as compaction leaves them, are read', () => {
  const frames = new RecordFrames()
  const batch = sealed([recordBytes({ offsetDelta: 3 }), recordBytes({ offsetDelta: 2 ** 31 - 1 })], {
    lastOffsetDelta: 2 ** 31 - 1,
    recordCount: 2,
  })
  expect(decodeRecords(batch, headerOf(batch), limits, frames)).toBeNull()
  expect([...frames.offsetDelta.subarray(0, 2)]).toEqual([3, 2 ** 31 - 1])
})

test('the records of a batch that is not compressed are not copied', () => {
  const frames = new RecordFrames()
  const batch = writeBatch({
    baseOffset: 0n,
    codec: 'none',
    records: [{ timestampMs: 0n, key: null, value: Buffer.from('v'), headers: [] }],
  })
  const segment = Buffer.concat([Buffer.alloc(9), batch])
  expect(decodeRecords(segment, headerOf(segment, 9), limits, frames)).toBeNull()
  expect(frames.bytes).toBe(segment)
  expect(frames.valueStart[0]).toBe(segment.indexOf('v'))
})

test('control records are decoded like others', () => {
  const frames = new RecordFrames()
  const control = { timestampMs: 1n, key: Uint8Array.of(0, 0, 0, 1), value: new Uint8Array(6), headers: [] }
  const batch = writeBatch({ baseOffset: 4n, codec: 'none', attributes: 16 | 32, producerId: 777n, records: [control] })
  expect(headerOf(batch)).toMatchObject({ isControl: true, isTransactional: true, producerId: 777n })
  expect(decodeRecords(batch, headerOf(batch), limits, frames)).toBeNull()
  expect(plainRecords(headerOf(batch), frames)).toMatchObject([{ offset: 4, key: 'AAAAAQ==', value: 'AAAAAAAA' }])
})

test('a batch of no records is empty, also after a full one', () => {
  const frames = new RecordFrames()
  const full = sealed([recordBytes()])
  decodeRecords(full, headerOf(full), limits, frames)
  const empty = sealed([], { recordCount: 0 })
  expect(decodeRecords(empty, headerOf(empty), limits, frames)).toBeNull()
  expect(frames.count).toBe(0)
})

describe('a malformed record is a fault at its first byte with its offset, and the records before it are given', () => {
  const sound = recordBytes()
  const start = 61 + sound.length
  test.each([
    ['a length over the end', recordBytes({ length: 100 }), 71n],
    ['a length below 0', recordBytes({ length: -1 }), 71n],
    ['a length of less than six fields', recordBytes({ length: 5 }), 71n],
    ['a length of six bytes', Buffer.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0), 71n],
    ['a timestamp of eleven bytes', recordBytes({ timestamp: Array.from({ length: 11 }, () => 0x80) }), 71n],
    ['the offset of the record before it', recordBytes({ offsetDelta: 0 }), 71n],
    ['an offset delta below 0', recordBytes({ offsetDelta: -5 }), 71n],
    ['an offset past the last one', recordBytes({ offsetDelta: 10 }), 71n],
    ['a key longer than the record', recordBytes({ offsetDelta: 6, keyLength: 200 }), 76n],
    ['a key length of -2', recordBytes({ offsetDelta: 6, keyLength: -2 }), 76n],
    ['a value longer than the record', recordBytes({ offsetDelta: 6, valueLength: 2 ** 31 - 1 }), 76n],
    ['a value length of -2', recordBytes({ offsetDelta: 6, valueLength: -2 }), 76n],
    ['a header count below 0', recordBytes({ offsetDelta: 6, headerCount: -1 }), 76n],
    ['two thousand million headers', recordBytes({ offsetDelta: 6, headerCount: 2 ** 31 - 1 }), 76n],
    ['a header with a null key', recordBytes({ offsetDelta: 6, headerCount: 1, tail: [0x01, 0x01] }), 76n],
    ['a header key longer than the record', recordBytes({ offsetDelta: 6, headerCount: 1, tail: [0x10, 0x01] }), 76n],
    ['a header value longer than the record', recordBytes({ offsetDelta: 6, headerCount: 1, tail: [0x00, 0x10] }), 76n],
    ['a header value length of -2', recordBytes({ offsetDelta: 6, headerCount: 1, tail: [0x00, 0x03] }), 76n],
    ['a header that is cut off', recordBytes({ offsetDelta: 6, headerCount: 1, tail: [0x00, 0x80] }), 76n],
    ['a byte too many', recordBytes({ offsetDelta: 6, tail: [0] }), 76n],
  ])('%s', (_name, bad, offset) => {
    const fields = { baseOffset: 70n, lastOffsetDelta: 9, recordCount: 3 }
    for (const codec of codecs) {
      const frames = new RecordFrames()
      const batch = sealed([sound, bad, recordBytes({ offsetDelta: 9 })], { ...fields, codec })
      const fault = decodeRecords(batch, headerOf(batch), limits, frames)
      expect(fault).toMatchObject({ kind: 'malformed', position: codec === 'none' ? start : 0, offset })
      expect(frames.count).toBe(1)
    }
  })

  test('the message names the place inside a compressed batch', () => {
    const batch = sealed([sound, recordBytes({ offsetDelta: 0 })], { lastOffsetDelta: 1, recordCount: 2, codec: 'gzip' })
    expect(decodeRecords(batch, headerOf(batch), limits, new RecordFrames())?.message).toBe(
      `the record at byte ${sound.length} of the inflated record batch at byte 0 has offset delta 0, and 1 to 1 were expected`,
    )
  })
})

describe('a batch whose records do not agree with its header is a fault with its base offset, and no record is given', () => {
  test('more records than it says', () => {
    const batch = sealed([recordBytes(), recordBytes({ offsetDelta: 1 })], { lastOffsetDelta: 1, recordCount: 1 })
    expect(faultOf(batch)).toMatchObject({ kind: 'malformed', position: 32 + 61 + recordBytes().length, offset: 70n })
  })

  test('more records than its bytes can hold, so that no memory is taken for them', () => {
    const batch = sealed([recordBytes()], { lastOffsetDelta: 2 ** 31 - 1, recordCount: 2 ** 31 - 1 })
    expect(faultOf(batch)).toMatchObject({ kind: 'malformed', position: 32, offset: 70n })
  })

  test('fewer records than it says', () => {
    const frames = new RecordFrames()
    const value = new Uint8Array(20)
    const batch = sealed([recordBytes({ value })], { lastOffsetDelta: 1, recordCount: 2 })
    const fault = decodeRecords(batch, headerOf(batch), limits, frames)
    expect(fault).toMatchObject({ kind: 'malformed', position: batch.length, offset: 71n })
  })

  test.each(codecs.filter((codec) => codec !== 'none'))('%s that can not be inflated, or not within the bound', (codec) => {
    const batch = sealed([recordBytes({ value: new Uint8Array(1000) })], { codec })
    expect(decodeRecords(batch, headerOf(batch), limits, new RecordFrames())).toBeNull()
    expect(faultOf(batch, { maxBatchBytes: 1000 })).toMatchObject({ kind: 'malformed', position: 32, offset: 70n })
    const wrongCodec = { ...headerOf(sealed([recordBytes()])), codec: codec as Codec }
    const fault = decodeRecords(sealed([recordBytes()]), wrongCodec, limits, new RecordFrames())
    expect(fault).toMatchObject({ kind: 'malformed', position: 0, offset: 70n })
  })
})

/** Decodes a batch that lies at byte 32, and must give no record. */
function faultOf(batch: Uint8Array, bound = limits): Fault | null {
  const frames = new RecordFrames()
  const segment = Buffer.concat([Buffer.alloc(32), batch])
  const fault = decodeRecords(segment, headerOf(segment, 32), bound, frames)
  expect(frames.count).toBe(0)
  return fault
}

/** A record's bytes; fields that are given stand in place of right ones. */
function recordBytes(
  fields: {
    offsetDelta?: number
    timestampDelta?: bigint
    timestamp?: number[]
    keyLength?: number
    value?: Uint8Array
    valueLength?: number
    headerCount?: number
    tail?: number[]
    length?: number
  } = {},
): Uint8Array {
  const body: number[] = [0]
  if (fields.timestamp === undefined) pushVarint(body, fields.timestampDelta ?? 0n)
  else body.push(...fields.timestamp)
  pushVarint(body, fields.offsetDelta ?? 0)
  pushVarint(body, fields.keyLength ?? -1)
  pushVarint(body, fields.valueLength ?? fields.value?.length ?? -1)
  if (fields.value !== undefined) body.push(...fields.value)
  pushVarint(body, fields.headerCount ?? 0)
  body.push(...(fields.tail ?? []))
  const length: number[] = []
  pushVarint(length, fields.length ?? body.length)
  return Uint8Array.from([...length, ...body])
}

function sealed(parts: Uint8Array[], fields: Partial<Parameters<typeof sealBatch>[0]> = {}): Uint8Array {
  return sealBatch({
    baseOffset: 70n,
    codec: 'none',
    lastOffsetDelta: 0,
    baseTimestampMs: 0n,
    maxTimestampMs: 0n,
    recordCount: 1,
    recordBytes: Buffer.concat(parts),
    ...fields,
  })
}
