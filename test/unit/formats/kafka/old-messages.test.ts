import * as fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { RecordFrames } from '../../../../src/formats/kafka/record-frames.ts'
import { decodeRecords } from '../../../../src/formats/kafka/records.ts'
import { frameSegment } from '../../../../src/formats/kfs/segment.ts'
import type { Fault } from '../../../../src/model/failure.ts'
import { type OldMessage, oldMessage, oldWrapper } from '../../../old-messages.ts'
import { batch, damaged, segment } from '../../service/segments.ts'

interface Golden {
  readonly baseOffset: number
  readonly cases: readonly {
    readonly magic: 0 | 1
    readonly codec: string
    readonly numbered: string
    readonly appendTime: boolean
    readonly bytes: string
    readonly records: readonly { offset: number; timestamp: number; key: string | null; value: string | null }[]
  }[]
}
const golden = JSON.parse(readFileSync(new URL('../../../golden/old-messages.json', import.meta.url), 'utf8')) as Golden
const limits = { maxBatchBytes: 1 << 20 }

interface Found {
  readonly records: readonly { offset: bigint; timestamp: number; key: string | null; value: string | null }[]
  readonly fault: Fault | null
}

/** Reads a segment with these bytes as its body, at a base offset. */
function read(body: readonly Uint8Array[], baseOffset = 0n, { maxBatchBytes }: { maxBatchBytes: number } = limits): Found {
  return readWhole(segment(baseOffset, [Buffer.concat(body)]).bytes, baseOffset, { maxBatchBytes })
}

function readWhole(bytes: Uint8Array, baseOffset: bigint, bound = limits): Found {
  const { batches, fault } = frameSegment(bytes, { baseOffset }, bound)
  const frames = new RecordFrames()
  const records: Found['records'][number][] = []
  for (const header of batches) {
    expect(decodeRecords(bytes, header, limits, frames)).toBeNull()
    expect(frames.count).toBe(header.recordCount)
    expect(frames.offsetDelta[frames.count - 1]).toBe(header.lastOffsetDelta)
    const all = Buffer.from(frames.bytes.buffer, frames.bytes.byteOffset, frames.bytes.length)
    for (let i = 0; i < frames.count; i++) {
      const part = (start: number, length: number) => (length < 0 ? null : all.toString('latin1', start, start + length))
      records.push({
        offset: header.baseOffset + BigInt(frames.offsetDelta[i]),
        timestamp: Number(frames.timestampMs[i]),
        key: part(frames.keyStart[i], frames.keyLength[i]),
        value: part(frames.valueStart[i], frames.valueLength[i]),
      })
      expect(frames.timestampMs[i] <= header.maxTimestampMs).toBe(true)
    }
  }
  return { records, fault }
}

const latin1 = (base64: string | null) => (base64 === null ? null : Buffer.from(base64, 'base64').toString('latin1'))
const plain = (magic: 0 | 1, offsets: readonly number[], fields: Partial<OldMessage> = {}) =>
  offsets.map((offset, i) => oldMessage(magic, { offset, value: `v${i}`, ...fields }))
const offsetsOf = ({ records, fault }: Found) => (fault === null ? records.map(({ offset }) => Number(offset)) : fault.message)

describe('sets that kafka-python wrote are the records that it reads, with the offsets that a broker gives', () => {
  test.each(golden.cases)('magic $magic, $codec, numbered as by $numbered, append time $appendTime', ({ bytes, records }) => {
    expect(records).toHaveLength(5)
    const expected = records.map(({ offset, timestamp, key, value }) => ({
      offset: BigInt(offset),
      timestamp,
      key: latin1(key),
      value: latin1(value),
    }))
    expect(read([Buffer.from(bytes, 'base64')], BigInt(golden.baseOffset))).toEqual({ records: expected, fault: null })
  })
})

describe('offsets', () => {
  test('of messages without a codec are those that they have, or else the first free ones', () => {
    expect(offsetsOf(read(plain(0, [10, 11, 15, 16]), 10n))).toEqual([10, 11, 15, 16])
    expect(offsetsOf(read(plain(0, [10, 1, 2, 30, 4]), 10n))).toEqual([10, 11, 12, 30, 31])
    expect(offsetsOf(read(plain(1, [10, -1, 0, 0]), 10n))).toEqual([10, 11, 12, 13])
  })

  test('in a wrapper of version 1 are relative to its own, which is the last', () => {
    expect(offsetsOf(read([oldWrapper(1, { offset: 24 }, plain(1, [0, 1, 4]))], 20n))).toEqual([20, 21, 24])
    expect(offsetsOf(read([oldWrapper(1, { offset: 24 }, plain(1, [2, 3, 4]))], 20n))).toEqual([22, 23, 24])
  })

  test('in a wrapper of version 0 are absolute', () => {
    expect(offsetsOf(read([oldWrapper(0, { offset: 27 }, plain(0, [20, 23, 27]))], 20n))).toEqual([20, 23, 27])
  })

  test('that producers gave are counted from the wrapper on, or from what comes before it', () => {
    expect(offsetsOf(read([oldWrapper(1, { offset: 20 }, plain(1, [0, 1, 4]))], 20n))).toEqual([20, 21, 22])
    expect(offsetsOf(read([oldWrapper(0, { offset: 20 }, plain(0, [0, 0, 0]))], 20n))).toEqual([20, 21, 22])
    const two = [oldWrapper(1, { offset: 20 }, plain(1, [0, 1])), oldWrapper(1, { offset: 1 }, plain(1, [0, 1]))]
    expect(offsetsOf(read(two, 20n))).toEqual([20, 21, 22, 23])
  })

  test('go on through batches of all versions', () => {
    const body = [...plain(0, [5, 6]), ...plain(1, [7]), batch(8n, 2), oldWrapper(1, { offset: 11 }, plain(1, [0, 1])), batch(12n, 1)]
    expect(offsetsOf(read(body, 5n))).toEqual([5, 6, 7, 8, 9, 10, 11, 12])
  })

  test('of many messages stay in order, whatever they say', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat(50), fc.constant(-1)), { minLength: 1, maxLength: 60 }), fc.nat(20), (offsets, base) => {
        const found = read(plain(1, offsets), BigInt(base)).records.map(({ offset }) => offset)
        expect(found).toHaveLength(offsets.length)
        found.forEach((offset, i) => expect(offset > (i === 0 ? BigInt(base) - 1n : found[i - 1])).toBe(true))
      }),
    )
  })

  test('further apart than an int32 are in batches of their own; the last ones that there are, too', () => {
    const far = 5_000_000_000
    expect(offsetsOf(read(plain(1, [0, far, far + 1])))).toEqual([0, far, far + 1])
    const last = oldMessage(0, { offset: 0x7ffffffffffffffen, value: '' })
    expect(read([last]).records).toMatchObject([{ offset: 0x7ffffffffffffffen }])
    expect(read([last, last])).toMatchObject({
      records: [{}],
      fault: { message: `the message at byte ${32 + last.length} has no offset left` },
    })
    const wide = oldWrapper(0, { offset: far }, plain(0, [0, far]))
    const sound = segment(0n, [oldMessage(0, { offset: 0, value: Buffer.alloc(wide.length - 26) })])
    const found = readWhole(damaged(sound, (view) => new Uint8Array(view.buffer).set(wide, 32)).bytes, 0n)
    expect(found.fault?.message).toBe('the message set at byte 32 has offsets from 0 on, 5000000000 apart')
  })
})

test('times: none in version 0, those of the messages in version 1, that of the wrapper where it is the time of appending', () => {
  const times = (found: Found) => found.records.map(({ timestamp }) => timestamp)
  expect(times(read(plain(0, [0])))).toEqual([-1])
  const two = [oldMessage(1, { offset: 0, value: '', timestampMs: 7 }), oldMessage(1, { offset: 1, value: '', timestampMs: 5 })]
  expect(times(read(two))).toEqual([7, 5])
  expect(times(read([oldWrapper(1, { offset: 1, timestampMs: 7 }, two)]))).toEqual([7, 5])
  expect(times(read([oldWrapper(1, { offset: 1, timestampMs: 9, attributes: 8 }, two)]))).toEqual([9, 9])
})

test('more messages than a run takes are as many records', () => {
  const count = 20_000
  const found = read(
    plain(
      1,
      Array.from({ length: count }, (_, i) => i),
    ),
  )
  expect([found.records.length, found.records.at(-1)]).toEqual([
    count,
    { offset: BigInt(count - 1), timestamp: -1, key: null, value: `v${count - 1}` },
  ])
})

describe('what is wrong is a fault, with its place', () => {
  const first = oldMessage(1, { offset: 3, value: 'first' })
  const at = 32 + first.length
  const broken = (change: (bytes: Buffer, view: DataView) => void, sealed = true) => {
    const bytes = oldMessage(1, { offset: 4, value: 'value', key: 'key' })
    change(bytes, new DataView(bytes.buffer, bytes.byteOffset))
    if (sealed) bytes.writeUInt32BE(crc32(bytes.subarray(16)), 12)
    return bytes
  }
  const wrapped = (entries: readonly Uint8Array[]) => oldWrapper(1, { offset: 4 }, entries)
  const inner = oldMessage(1, { offset: 0, value: 'inner' })

  test.each<[string, Uint8Array, Fault['kind'], string | RegExp]>([
    [
      'a bit',
      broken((bytes) => (bytes[36] ^= 1), false),
      'crc',
      /^the message at byte \d+ has CRC-32 [0-9a-f]{8}, and its header says [0-9a-f]{8}$/,
    ],
    [
      'a length too large',
      broken((bytes) => bytes.writeInt32BE(1000, 8)),
      'length',
      `the message at byte ${at} says 1012 bytes, and 42 are left`,
    ],
    [
      'a length too small',
      broken((bytes) => bytes.writeInt32BE(2, 8)),
      'length',
      `the message at byte ${at} says 14 bytes, and 42 are left`,
    ],
    [
      'a negative length',
      broken((bytes) => bytes.writeInt32BE(-5, 8)),
      'length',
      `the message at byte ${at} says 7 bytes, and 42 are left`,
    ],
    [
      'no room for its fields',
      broken((bytes) => bytes.writeInt32BE(20, 8)),
      'length',
      `the message at byte ${at} says 32 bytes, fewer than its fields need`,
    ],
    [
      'a codec of later',
      broken((bytes) => (bytes[17] = 4)),
      'malformed',
      `the message at byte ${at} has compression 4, and 0 to 3 were expected`,
    ],
    [
      'a key too long',
      broken((bytes) => bytes.writeInt32BE(9, 26)),
      'malformed',
      `the message at byte ${at} has a key that does not fit it`,
    ],
    ['a key of −2', broken((bytes) => bytes.writeInt32BE(-2, 26)), 'malformed', `the message at byte ${at} has a key that does not fit it`],
    [
      'a value too short',
      broken((bytes) => bytes.writeInt32BE(4, 33)),
      'malformed',
      `the message at byte ${at} has a value that does not end where it does`,
    ],
    [
      'a null wrapped',
      oldMessage(1, { offset: 4, value: null, attributes: 1 }),
      'malformed',
      `the message set at byte ${at} can not be inflated: it is null`,
    ],
    ['nothing wrapped', wrapped([]), 'malformed', `the message set at byte ${at} holds no message`],
    [
      'no gzip wrapped',
      oldMessage(1, { offset: 4, value: 'text', attributes: 1 }),
      'malformed',
      /^the message set at byte \d+ can not be inflated: it is damaged/,
    ],
    [
      'a wrapper wrapped',
      wrapped([inner, wrapped([inner])]),
      'malformed',
      `the message at byte 39 of the inflated message set at byte ${at} is compressed, and so is the set that holds it`,
    ],
    [
      'another version wrapped',
      wrapped([oldMessage(0, { offset: 0, value: '' })]),
      'malformed',
      `the message at byte 0 of the inflated message set at byte ${at} has magic 0 in a set of magic 1`,
    ],
    [
      'a new batch wrapped',
      wrapped([batch(0n, 1)]),
      'magic',
      `the message at byte 0 of the inflated message set at byte ${at} has magic 2, and 0 or 1 was expected`,
    ],
    [
      'a message cut off wrapped',
      wrapped([inner, inner.subarray(0, 30)]),
      'length',
      `the message at byte 39 of the inflated message set at byte ${at} says 39 bytes, and 30 are left`,
    ],
    [
      'some bytes wrapped',
      wrapped([inner, inner.subarray(0, 5)]),
      'length',
      `the message at byte 39 of the inflated message set at byte ${at} was expected to have more than 16 bytes, and 5 are left`,
    ],
    [
      'a bit wrapped',
      wrapped([broken((bytes) => (bytes[36] ^= 1), false)]),
      'crc',
      /^the message at byte 0 of the inflated message set at byte \d+ has CRC-32/,
    ],
  ])('%s', (_, bytes, kind, message) => {
    // The writer of segments wants sound ones, so the bytes take the place of others.
    const sound = segment(3n, [first, oldMessage(1, { offset: 4, value: Buffer.alloc(bytes.length - 34) })])
    const { records, fault } = readWhole(damaged(sound, (view) => new Uint8Array(view.buffer).set(bytes, at)).bytes, 3n)
    expect(records).toMatchObject([{ offset: 3n, value: 'first' }])
    expect(fault).toMatchObject({ kind, position: at, offset: 4n })
    expect(fault?.message).toEqual(typeof message === 'string' ? message : expect.stringMatching(message))
  })

  test('a set that inflates to too much', () => {
    const bomb = oldWrapper(1, { offset: 0 }, [oldMessage(1, { offset: 0, value: Buffer.alloc(100_000) })])
    expect(read([bomb], 0n, { maxBatchBytes: 1000 }).fault).toMatchObject({
      message: 'the message set at byte 32 can not be inflated: it inflates to more than 1000 bytes, the bound for one batch',
    })
  })

  test('without the choice to convert, the old message itself', () => {
    expect(frameSegment(segment(3n, [batch(3n, 2), first]).bytes, { baseOffset: 3n })).toMatchObject({
      batches: [{ baseOffset: 3n }],
      fault: {
        kind: 'magic',
        offset: 5n,
        message: expect.stringMatching(/magic 1, and 2 was expected; source.oldMessageFormats: convert/) as string,
      },
    })
  })
})

test('bytes that are cut off or changed anywhere never do more than end in a fault with a place', () => {
  const sets = golden.cases.map(({ bytes }) => Buffer.from(bytes, 'base64'))
  const base = BigInt(golden.baseOffset)
  fc.assert(
    fc.property(
      fc.nat(sets.length - 1),
      fc.array(fc.tuple(fc.nat(1_000_000), fc.nat(255), fc.boolean()), { maxLength: 3 }),
      fc.nat(1_000_000),
      (which, changes, cut) => {
        const { bytes } = segment(base, [sets[which]])
        for (const [place, byte] of changes) bytes[32 + (place % (bytes.length - 48))] = byte
        // Right CRCs let changes reach what lies below them.
        if (changes.some(([, , sealed]) => sealed) && bytes.length > 80) {
          const end = bytes.length - 16
          const view = new DataView(bytes.buffer)
          for (let at = 32, next; at + 26 <= end; at = next) {
            next = at + 12 + view.getInt32(at + 8)
            if (next <= at + 16 || next > end) break
            view.setUint32(at + 12, crc32(bytes.subarray(at + 16, next)))
          }
        }
        const body = Uint8Array.from(bytes.subarray(0, 32 + (cut % (bytes.length - 47))))
        const sealed = damaged({ ...segment(base, []), bytes: Buffer.concat([body, bytes.subarray(-16)]) }, () => {})
        const { records, fault } = readWhole(sealed.bytes, base)
        records.forEach(({ offset }, i) => expect(offset > (i === 0 ? base - 1n : records[i - 1].offset)).toBe(true))
        if (fault === null) return
        expect(fault.position).toBeGreaterThanOrEqual(32)
        expect(fault.position).toBeLessThan(sealed.bytes.length - 16)
        expect(fault.offset >= base).toBe(true)
        expect(fault.message).toMatch(/byte \d+/)
      },
    ),
    { numRuns: 3000 },
  )
})
