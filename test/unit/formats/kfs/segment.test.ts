import { describe, expect, test } from 'vitest'
import { crc32c } from '../../../../src/formats/bytes/crc32c.ts'
import { type NewRecord, sealBatch, writeBatch } from '../../../../src/formats/kafka/write.ts'
import { frameSegment, type SegmentFrame } from '../../../../src/formats/kfs/segment.ts'
import { writeSegment } from '../../../../src/formats/kfs/write.ts'

const records: NewRecord[] = ['a', 'b', 'c'].map((value) => ({ timestampMs: 5n, key: null, value: Buffer.from(value), headers: [] }))
const first = writeBatch({ baseOffset: 100n, codec: 'none', records })
const second = writeBatch({ baseOffset: 103n, codec: 'none', records })
const { segment } = writeSegment({ baseOffset: 100n, batches: [first, second], createdMs: 1 })
const secondAt = 32 + first.length
const footerAt = segment.length - 16

/** The segment with `change` made, and with its CRCs computed again as far as `seal` says. */
function changed(change: (view: DataView) => void, seal: 'none' | 'body' | 'batch and body' = 'body', source = segment): Uint8Array {
  const bytes = Uint8Array.from(source)
  const view = new DataView(bytes.buffer)
  change(view)
  if (seal === 'batch and body') view.setUint32(secondAt + 17, crc32c(bytes.subarray(secondAt + 21, bytes.length - 16)))
  if (seal !== 'none') view.setUint32(bytes.length - 16, crc32c(bytes.subarray(32, bytes.length - 16)))
  return bytes
}

/** The segment with other bytes in place of its second batch. */
function withTail(tail: Uint8Array): Uint8Array {
  return changed(() => {}, 'body', Buffer.concat([segment.subarray(0, secondAt), tail, segment.subarray(footerAt)]))
}

function framed(bytes: Uint8Array): SegmentFrame {
  return frameSegment(bytes, { baseOffset: 100n })
}

test('a sound segment gives header, footer and batches, in a part of a larger buffer too', () => {
  const frame = framed(Buffer.concat([Buffer.alloc(7), segment, Buffer.alloc(3)]).subarray(7, 7 + segment.length))
  expect(frame.fault).toBeNull()
  expect(frame.header).toEqual({ version: 1, flags: 0, baseOffset: 100n, messageCount: 6, createdMs: 1n, reserved: 0 })
  expect(frame.footer).toEqual({ bodyCrc: crc32c(segment.subarray(32, footerAt)), lastOffset: 105n })
  expect(frame.batches.map(({ position, length, baseOffset }) => [position, length, baseOffset])).toEqual([
    [32, first.length, 100n],
    [secondAt, second.length, 103n],
  ])
})

test('flags, reserved, message count, creation time and last offset are hints', () => {
  const bytes = changed((view) => {
    view.setUint16(6, 0xffff)
    view.setInt32(16, -7)
    view.setBigInt64(20, -1n)
    view.setUint32(28, 0xdeadbeef)
    view.setBigInt64(footerAt + 4, 3n)
  }, 'none')
  const frame = framed(bytes)
  expect(frame.fault).toBeNull()
  expect(frame.header).toMatchObject({ flags: 0xffff, messageCount: -7, createdMs: -1n, reserved: 0xdeadbeef })
  expect(frame.footer?.lastOffset).toBe(3n)
})

test('a segment without batches is sound and empty', () => {
  expect(framed(writeSegment({ baseOffset: 100n, batches: [], createdMs: 0 }).segment)).toMatchObject({ batches: [], fault: null })
})

test('a batch whose base offset lies below the segment, as the second of a produce request has it, is sound', () => {
  const low = writeBatch({ baseOffset: 0n, codec: 'none', records })
  const frame = framed(writeSegment({ baseOffset: 100n, batches: [first, low], createdMs: 0 }).segment)
  expect(frame.fault).toBeNull()
  expect(frame.batches.map((batch) => batch.baseOffset)).toEqual([100n, 0n])
})

describe('a defect of the frame is a fault, and no batch is given', () => {
  const crcAndEnd = changed((view) => {
    view.setUint8(40, 0xff)
    view.setUint32(footerAt + 12, 0)
  }, 'none')
  test.each([
    ['no KAFS', changed((view) => view.setUint8(0, 0), 'none'), 'magic', 0],
    ['four wrong bytes and no more', Uint8Array.of(1, 2, 3, 4), 'magic', 0],
    ['no bytes', new Uint8Array(0), 'length', 0],
    ['less than a header', segment.subarray(0, 31), 'length', 0],
    ['less than header and footer', segment.subarray(0, 47), 'length', 0],
    ['another version', changed((view) => view.setUint16(4, 2), 'none'), 'malformed', 4],
    ['another base offset than the key', changed((view) => view.setBigInt64(8, 101n), 'none'), 'malformed', 8],
    ['no END!', changed((view) => view.setUint8(footerAt + 12, 0), 'none'), 'magic', footerAt + 12],
    ['no END! and no sense in its batches', crcAndEnd, 'magic', footerAt + 12],
    ['a byte of the body changed', changed((view) => view.setUint8(footerAt - 1, 0x7f), 'none'), 'crc', footerAt],
    ['a byte of the body CRC changed', changed((view) => view.setUint8(footerAt, ~view.getUint8(footerAt)), 'none'), 'crc', footerAt],
  ])('%s', (_name, bytes, kind, position) => {
    const frame = framed(bytes)
    expect(frame.fault).toMatchObject({ kind, position, offset: 100n })
    expect(frame.batches).toEqual([])
  })

  test('more bytes than positions can name', () => {
    const bytes = Buffer.allocUnsafeSlow(2 ** 31)
    bytes.set(segment.subarray(0, 32))
    expect(framed(bytes).fault).toMatchObject({ kind: 'length', position: 0 })
  })
})

test('a truncated object is a length fault at the batch or footer that is cut, wherever the cut is', () => {
  for (let length = 48; length < segment.length; length++) {
    const position = length < secondAt ? 32 : length < footerAt ? secondAt : footerAt
    const { fault, batches } = framed(segment.subarray(0, length))
    expect([length, fault?.kind, fault?.position, fault?.offset, batches.length]).toEqual([length, 'length', position, 100n, 0])
  }
})

describe('a defect of a batch is a fault at the batch, and the sound batches before it are given', () => {
  const message = Buffer.alloc(40)
  message.writeBigInt64BE(103n)
  message.writeInt32BE(28, 8)
  test.each([
    ['a length over the end', changed((view) => view.setInt32(secondAt + 8, second.length - 11)), 'length', secondAt],
    ['a length below 0', changed((view) => view.setInt32(secondAt + 8, -1)), 'length', secondAt],
    ['a length below -12', changed((view) => view.setInt32(secondAt + 8, -(2 ** 31))), 'length', secondAt],
    ['a length shorter than a header', changed((view) => view.setInt32(secondAt + 8, 48)), 'length', secondAt],
    ['magic 1', changed((view) => view.setInt8(secondAt + 16, 1)), 'magic', secondAt],
    ['a message of magic 0, shorter than a batch can be', withTail(message), 'magic', secondAt],
    ['garbage of 80 bytes', withTail(Buffer.alloc(80, 'garbage!')), 'length', secondAt],
    ['garbage of ones', withTail(Buffer.alloc(80, 0xff)), 'length', secondAt],
    ['ten bytes that are no batch', withTail(Buffer.alloc(10)), 'length', secondAt],
    ['a wrong CRC', changed((view) => view.setUint8(footerAt - 1, 0x7f)), 'crc', secondAt],
    ['a base offset below 0', changed((view) => view.setBigInt64(secondAt, -1n)), 'malformed', secondAt],
    ['a last offset behind which none is left', changed((view) => view.setBigInt64(secondAt, 2n ** 63n - 3n)), 'malformed', secondAt + 23],
    ['codec 5', changed((view) => view.setInt16(secondAt + 21, 5), 'batch and body'), 'malformed', secondAt + 21],
    ['codec 7', changed((view) => view.setInt16(secondAt + 21, 7), 'batch and body'), 'malformed', secondAt + 21],
    ['a last offset delta below 0', changed((view) => view.setInt32(secondAt + 23, -1), 'batch and body'), 'malformed', secondAt + 23],
    ['a record count below 0', changed((view) => view.setInt32(secondAt + 57, -1), 'batch and body'), 'malformed', secondAt + 57],
    ['more records than offsets', changed((view) => view.setInt32(secondAt + 57, 4), 'batch and body'), 'malformed', secondAt + 57],
  ])('%s', (_name, bytes, kind, position) => {
    const frame = framed(bytes)
    expect(frame.fault).toMatchObject({ kind, position })
    expect(frame.fault?.offset).toBe(_name === 'a last offset behind which none is left' ? 2n ** 63n - 3n : 103n)
    expect(frame.batches.map((batch) => batch.baseOffset)).toEqual([100n])
    expect(frame.footer).not.toBeNull()
  })

  test('a batch that can not be believed after one that repeats offsets concerns the first offset not covered', () => {
    const low = writeBatch({ baseOffset: 0n, codec: 'none', records })
    const { segment: bytes } = writeSegment({ baseOffset: 100n, batches: [first, low, second], createdMs: 0 })
    const thirdAt = 32 + first.length + low.length
    const wrongCrc = framed(changed((view) => view.setUint8(32 + first.length + 61, 0x7f), 'body', bytes)).fault
    expect(wrongCrc).toMatchObject({ kind: 'crc', position: 32 + first.length, offset: 103n })
    const fault = framed(changed((view) => view.setInt8(thirdAt + 16, 0), 'body', bytes)).fault
    expect(fault).toMatchObject({ kind: 'magic', position: thirdAt, offset: 103n })
  })

  test('messages say what was expected and found', () => {
    expect(framed(changed((view) => view.setInt8(secondAt + 16, 1))).fault?.message).toBe(
      `the record batch at byte ${secondAt} has magic 1, and 2 was expected; source.oldMessageFormats: convert makes rows of these old messages too`,
    )
  })
})

test('a batch of compacted records, with offsets but no records, is sound', () => {
  const empty = { lastOffsetDelta: 4, baseTimestampMs: 0n, maxTimestampMs: 0n, recordCount: 0, recordBytes: new Uint8Array(0) }
  const batch = sealBatch({ baseOffset: 100n, codec: 'none', ...empty })
  expect(framed(writeSegment({ baseOffset: 100n, batches: [batch], createdMs: 0 }).segment).fault).toBeNull()
})

test('writing a segment around bytes that are no batch is refused', () => {
  expect(() => writeSegment({ baseOffset: 0n, batches: [new Uint8Array(61)], createdMs: 0 })).toThrow(RangeError)
})
