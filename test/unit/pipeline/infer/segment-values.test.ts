import { expect, test } from 'vitest'
import { firstBatchEnd, segmentValues, type ValueQuota } from '../../../../src/pipeline/infer/segment-values.ts'
import { batch, damaged, record, segment, type Written } from '../../service/segments.ts'

const quota: ValueQuota = { maxValues: 100, maxBytes: 1000, maxFirstBytes: 1000, maxBatchBytes: 1_000_000 }

function taken({ ref, bytes }: Written, { end = bytes.length, ...change }: Partial<ValueQuota> & { end?: number } = {}) {
  const { values, nulls, isComplete } = segmentValues(ref, bytes.subarray(0, end), { ...quota, ...change })
  return { values: values.map((value) => Buffer.from(value).toString()), nulls, isComplete }
}

const two = segment(0n, [batch(0n, [record('a'), record(null), record('')]), batch(3n, [record('b'), record(null)], { codec: 'gzip' })])

test('all values of a segment come in order, and its tombstones are counted', () => {
  expect(taken(two)).toEqual({ values: ['a', '', 'b'], nulls: 2, isComplete: true })
})

test('of a segment whose end was not read, the whole batches count', () => {
  const [{ ref, bytes }, first] = [two, segment(0n, [batch(0n, [record('a'), record(null), record('')])])]
  const end = first.bytes.length - 16
  expect(taken({ ref, bytes }, { end })).toEqual({ values: ['a', ''], nulls: 1, isComplete: false })
  expect(taken({ ref, bytes }, { end: bytes.length - 17 })).toEqual({ values: ['a', ''], nulls: 1, isComplete: false })
  expect(taken({ ref, bytes }, { end: end - 1 })).toEqual({ values: [], nulls: 0, isComplete: false })
  expect(taken({ ref, bytes }, { end: 10 })).toEqual({ values: [], nulls: 0, isComplete: false })
})

test('values are copies: what they were read from can go', () => {
  const { ref, bytes } = two
  const [value] = segmentValues(ref, bytes, quota).values
  expect(value.buffer.byteLength).toBe(1)
})

test('there are no more values, and no more bytes, than asked for', () => {
  const five = segment(0n, [
    batch(
      0n,
      ['aaaa', 'bb', 'c', 'd', 'e'].map((text) => record(text)),
    ),
  ])
  expect(taken(five, { maxValues: 2 })).toMatchObject({ values: ['aaaa', 'bb'], isComplete: false })
  expect(taken(five, { maxBytes: 7 })).toMatchObject({ values: ['aaaa', 'bb', 'c'], isComplete: false })
  expect(taken(five, { maxValues: 5 })).toMatchObject({ isComplete: true })
  expect(taken(five, { maxValues: 0 })).toEqual({ values: [], nulls: 0, isComplete: false })
})

test('a first value may be larger than the others together, up to its own bound', () => {
  const large = segment(0n, [batch(0n, [record('aaaa'), record('b')])])
  expect(taken(large, { maxBytes: 2, maxFirstBytes: 4 })).toMatchObject({ values: ['aaaa'], isComplete: false })
  expect(taken(large, { maxBytes: 9, maxFirstBytes: 3 })).toMatchObject({ values: [], isComplete: false })
})

test('control batches have no values', () => {
  expect(taken(segment(0n, [batch(0n, [record('x')], { attributes: 32 }), batch(1n, [record('a')])]))).toEqual({
    values: ['a'],
    nulls: 0,
    isComplete: true,
  })
})

test('damaged bytes are left out, and what follows them', () => {
  const crc = damaged(two, (view) => view.setUint8(32 + 70, 255))
  expect(taken(crc)).toEqual({ values: [], nulls: 0, isComplete: false })
  const second = damaged(two, (view) => view.setUint8(view.byteLength - 20, 255))
  expect(taken(second)).toEqual({ values: ['a', ''], nulls: 1, isComplete: false })
  expect(taken({ ref: { ...two.ref, size: 40 }, bytes: new Uint8Array(40) })).toEqual({ values: [], nulls: 0, isComplete: false })
})

test('a batch that inflates to more than there is room for is left out', () => {
  const bomb = segment(0n, [batch(0n, [record('a')]), batch(1n, [record('x'.repeat(5000))], { codec: 'gzip' })])
  expect(taken(bomb, { maxBatchBytes: 1000 })).toEqual({ values: ['a'], nulls: 0, isComplete: false })
})

test('where the first batch ends is told by its header', () => {
  const { bytes } = segment(0n, [batch(0n, 3)])
  expect(firstBatchEnd(bytes)).toBe(bytes.length - 16)
  expect(firstBatchEnd(bytes.subarray(0, 44))).toBe(bytes.length - 16)
  expect(firstBatchEnd(bytes.subarray(0, 43))).toBe(0)
})
