import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PrimitiveType } from '../../../../src/formats/iceberg/schema.ts'
import { compareSingleValues, parseSingleValue, serializeSingleValue } from '../../../../src/formats/iceberg/single-value.ts'
import type { PresentValue } from '../../../../src/formats/iceberg/single-value.ts'
import { decimalByteWidth } from '../../../../src/formats/iceberg/unscaled.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const uuid = Uint8Array.from(Buffer.from('f79c3e09677c4bbda4793f349cb785e7', 'hex'))

test.each<[PrimitiveType, PresentValue, string]>([
  ['boolean', false, '00'],
  ['boolean', true, '01'],
  ['int', 34, '22000000'],
  ['int', -1, 'ffffffff'],
  ['long', 34n, '2200000000000000'],
  ['long', 34, '2200000000000000'],
  ['float', 1.5, '0000c03f'],
  ['double', -0, '0000000000000080'],
  ['date', 17486, '4e440000'],
  ['time', 81_068_000_000n, '008307e012000000'],
  ['timestamp', -1n, 'ffffffffffffffff'],
  ['timestamptz', 1_510_871_468_000_000n, '00c3262d215e0500'],
  ['string', 'é😀', 'c3a9f09f9880'],
  ['uuid', uuid, 'f79c3e09677c4bbda4793f349cb785e7'],
  ['fixed[3]', Uint8Array.of(1, 2, 3), '010203'],
  ['binary', new Uint8Array(), ''],
  ['decimal(9, 2)', 1420n, '058c'],
  ['decimal(9, 2)', 0n, '00'],
  ['decimal(9, 2)', 127n, '7f'],
  ['decimal(9, 2)', 128n, '0080'],
  ['decimal(9, 2)', -128n, '80'],
  ['decimal(9, 2)', -129n, 'ff7f'],
  ['decimal(38, 0)', -(10n ** 38n) + 1n, 'b4c4b357a5793b85f675ddc000000001'],
])('a %s %s is written as appendix D says and read again', (type, value, bytes) => {
  expect(hex(serializeSingleValue(type, value))).toBe(bytes)
  expect(parseSingleValue(type, Buffer.from(bytes, 'hex'))).toEqual(
    type === 'long' ? 34n : value instanceof Uint8Array ? Buffer.from(value) : value,
  )
})

test('every value of every type is read as it was written', () => {
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  const cases: fc.Arbitrary<[PrimitiveType, PresentValue]> = fc.oneof(
    fc.tuple(fc.constantFrom<PrimitiveType>('int', 'date'), fc.integer()),
    fc.tuple(fc.constantFrom<PrimitiveType>('long', 'time', 'timestamp', 'timestamptz'), int64),
    fc.tuple(fc.constant<PrimitiveType>('float'), fc.float()),
    fc.tuple(fc.constant<PrimitiveType>('double'), fc.double()),
    fc.tuple(fc.constant<PrimitiveType>('string'), fc.string({ unit: 'binary' })),
    fc.tuple(fc.constant<PrimitiveType>('decimal(38, 10)'), fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n })),
    fc.tuple(fc.constant<PrimitiveType>('boolean'), fc.boolean()),
  )
  fc.assert(
    fc.property(cases, ([type, value]) => {
      expect(parseSingleValue(type, serializeSingleValue(type, value))).toEqual(value)
    }),
  )
})

test('the bounds that files had before their column was widened are read', () => {
  expect(parseSingleValue('long', serializeSingleValue('int', -7))).toBe(-7n)
  expect(parseSingleValue('double', serializeSingleValue('float', 1.5))).toBe(1.5)
  expect(parseSingleValue('timestamp', serializeSingleValue('date', -1))).toBe(-86_400_000_000n)
  expect(parseSingleValue('decimal(18, 2)', serializeSingleValue('decimal(9, 2)', -1420n))).toBe(-1420n)
})

test('bytes inside a larger buffer are read where they lie', () => {
  const bytes = Uint8Array.from([9, 9, 34, 0, 0, 0, 9])
  expect(parseSingleValue('int', bytes.subarray(2, 6))).toBe(34)
})

test.each<[PrimitiveType, number, RegExp]>([
  ['int', 8, /expected 4 bytes for a int, found 8/],
  ['long', 3, /expected 4 or 8 bytes for a long, found 3/],
  ['timestamptz', 4, /expected 8 bytes/],
  ['boolean', 0, /expected 1 bytes/],
  ['uuid', 15, /expected 16 bytes/],
  ['decimal(9, 2)', 0, /expected a decimal\(9, 2\), found 0 bytes/],
  ['decimal(9, 2)', 17, /found 17 bytes/],
])('a %s of %d bytes is refused', (type, length, message) => {
  expect(() => parseSingleValue(type, new Uint8Array(length))).toThrow(message)
})

test('a string bound that is not UTF-8 is refused', () => {
  expect(() => parseSingleValue('string', Uint8Array.of(0xff))).toThrow(/expected UTF-8 bytes for a string/)
})

test.each<[PrimitiveType, PresentValue]>([
  ['int', 2 ** 31],
  ['int', 1n],
  ['long', 2n ** 63n],
  ['long', 1.5],
  ['string', Uint8Array.of(1)],
  ['string', '\udc00'],
  ['uuid', new Uint8Array(15)],
  ['boolean', 1],
  ['double', 1n],
  ['binary', 'x'],
])('a %s does not take %s', (type, value) => {
  expect(() => serializeSingleValue(type, value)).toThrow(`expected a ${type}, found`)
})

test.each(['decimal(39, 0)', 'decimal(0, 0)', 'fixed', 'timestamp_ns', 'variant'])('%s is no primitive type', (type) => {
  expect(() => serializeSingleValue(type as PrimitiveType, 1)).toThrow('expected a primitive type')
})

test('text is ordered by its UTF-8 bytes, also where UTF-16 would order it otherwise', () => {
  expect(compareSingleValues('\uffff', '\u{10000}')).toBeLessThan(0)
  expect(['\uffff', '\u{10000}'].sort()).toEqual(['\u{10000}', '\uffff'])
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      expect(Math.sign(compareSingleValues(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
    }),
  )
})

test('bytes are ordered unsigned, numbers by size, −0.0 before +0.0', () => {
  expect(compareSingleValues(Uint8Array.of(0x7f), Uint8Array.of(0x80))).toBeLessThan(0)
  expect(compareSingleValues(Uint8Array.of(1), Uint8Array.of(1, 0))).toBeLessThan(0)
  expect(compareSingleValues(-5n, 3n)).toBeLessThan(0)
  expect(compareSingleValues(false, true)).toBeLessThan(0)
  expect(compareSingleValues(-0, 0)).toBeLessThan(0)
  expect(compareSingleValues(0, -0)).toBeGreaterThan(0)
  expect(compareSingleValues(0, 0)).toBe(0)
})

test('a decimal of each precision has the width of the specification', () => {
  expect([1, 2, 3, 4, 9, 10, 18, 19, 38].map(decimalByteWidth)).toEqual([1, 1, 2, 2, 4, 5, 8, 9, 16])
})
