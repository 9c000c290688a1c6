import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { pushVarint, VarintReader } from '../../../../src/formats/bytes/varint.ts'

function reading(bytes: readonly number[]): VarintReader {
  return new VarintReader(Uint8Array.from(bytes), 0, bytes.length)
}

function long(reader: VarintReader): bigint {
  reader.readLong()
  return (BigInt(reader.high) << 32n) | BigInt(reader.low >>> 0)
}

test('every int32 is read as it was written', () => {
  const edges = [0, -1, 1, 63, -64, 64, -65, 2 ** 28 - 1, 2 ** 31 - 1, -(2 ** 31)]
  fc.assert(
    fc.property(fc.oneof(fc.constantFrom(...edges), fc.integer()), (value) => {
      const bytes: number[] = []
      pushVarint(bytes, value)
      const reader = reading([...bytes, 0xff])
      expect(reader.readInt()).toBe(value)
      expect(reader.position).toBe(bytes.length)
    }),
  )
})

test('every int64 is read as it was written', () => {
  const edges = [0n, -1n, 2n ** 27n, 2n ** 27n - 1n, 2n ** 31n, 2n ** 34n, -(2n ** 34n), 2n ** 63n - 1n, -(2n ** 63n)]
  fc.assert(
    fc.property(fc.oneof(fc.constantFrom(...edges), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)), (value) => {
      const bytes: number[] = []
      pushVarint(bytes, value)
      const reader = reading([...bytes, 0xff])
      expect(long(reader)).toBe(value)
      expect(reader.position).toBe(bytes.length)
    }),
  )
})

test('a padded varint is read as long as it fits its type', () => {
  expect(reading([0x82, 0x80, 0x80, 0x80, 0x00]).readInt()).toBe(1)
  expect(long(reading([0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]))).toBe(1n)
})

test.each([
  ['is empty', []],
  ['is cut off', [0x80, 0x80]],
  ['has six bytes', [0x80, 0x80, 0x80, 0x80, 0x80, 0x00]],
  ['has more than 32 bits', [0xff, 0xff, 0xff, 0xff, 0x10]],
])('an int that %s reads as 0 and leaves the reader past every end', (_name, bytes) => {
  const reader = reading(bytes)
  expect(reader.readInt()).toBe(0)
  expect(reader.position).toBeGreaterThan(2 ** 30)
  expect(reader.readInt()).toBe(0)
})

test.each([
  ['is empty', []],
  ['is cut off early', [0x80, 0x80]],
  ['is cut off late', [0x80, 0x80, 0x80, 0x80, 0x80, 0x80]],
  ['has eleven bytes', [...Array.from({ length: 10 }, () => 0x80), 0x00]],
  ['has more than 64 bits', [...Array.from({ length: 9 }, () => 0xff), 0x02]],
])('a long that %s reads as 0 and leaves the reader past every end', (_name, bytes) => {
  const reader = reading(bytes)
  expect(long(reader)).toBe(0n)
  expect(reader.position).toBeGreaterThan(2 ** 30)
})

test('reading stops at the end it was given, not at the end of the array', () => {
  const reader = new VarintReader(Uint8Array.of(0x80, 0x01), 0, 1)
  expect(reader.readInt()).toBe(0)
  expect(reader.position).toBeGreaterThan(2 ** 30)
})
