import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { SingleValue } from '../../../../src/formats/iceberg/data-file.ts'
import { murmur3 } from '../../../../src/formats/iceberg/murmur3.ts'
import type { PrimitiveType } from '../../../../src/formats/iceberg/schema.ts'
import { applyTransform, transformResultType } from '../../../../src/formats/iceberg/transforms.ts'

const uuid = Uint8Array.from(Buffer.from('f79c3e09677c4bbda4793f349cb785e7', 'hex'))
const wide = 2 ** 31 - 1
const micros = (iso: string): bigint => BigInt(Date.parse(iso)) * 1000n
const day = (iso: string): number => Date.parse(iso) / 86_400_000

test.each<[PrimitiveType, SingleValue, number]>([
  ['int', 34, 2017239379],
  ['long', 34n, 2017239379],
  ['decimal(9, 2)', 1420n, -500754589],
  ['date', day('2017-11-16'), -653330422],
  ['time', 81_068_000_000n, -662762989],
  ['timestamp', micros('2017-11-16T22:31:08Z'), -2047944441],
  ['timestamp', micros('2017-11-16T22:31:08Z') + 1n, -1207196810],
  ['timestamptz', micros('2017-11-16T14:31:08-08:00'), -2047944441],
  ['timestamptz', micros('2017-11-16T14:31:08-08:00') + 1n, -1207196810],
  ['string', 'iceberg', 1210000089],
  ['uuid', uuid, 1488055340],
  ['fixed[4]', Uint8Array.of(0, 1, 2, 3), -188683207],
  ['binary', Uint8Array.of(0, 1, 2, 3), -188683207],
])('the hash of a %s is that of appendix B', (type, value, hash) => {
  // The widest bucket shows all of the hash but its sign.
  expect(applyTransform(`bucket[${wide}]`, type, value)).toBe((hash & 0x7fff_ffff) % wide)
})

test.each([
  ['', 0],
  ['00', 0x514e28b7],
  ['21', 0x72661cf4],
  ['2143', 0xa0f7b07a],
  ['214365', 0x7e4a8634],
  ['21436587', 0xf55b516b],
  ['00000000', 0x2362f9de],
  ['ffffffff', 0x76293b50],
])('the hash of the bytes %s is the one that MurmurHash3 gives', (bytes, hash) => {
  expect(murmur3(Buffer.from(bytes, 'hex')) >>> 0).toBe(hash)
})

test('an int and the long it is widened to fall into the same bucket', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 10_000 }), (value, buckets) => {
      const bucket = applyTransform(`bucket[${buckets}]`, 'int', value)
      expect(applyTransform(`bucket[${buckets}]`, 'long', BigInt(value))).toBe(bucket)
      expect(bucket).toBeGreaterThanOrEqual(0)
      expect(bucket).toBeLessThan(buckets)
    }),
  )
})

test('a decimal is hashed by the fewest bytes that hold it, whatever its precision', () => {
  for (const value of [0n, 127n, 128n, -128n, -129n, 10n ** 30n]) {
    expect(applyTransform('bucket[1000]', 'decimal(38, 5)', value)).toBe(applyTransform('bucket[1000]', 'decimal(31,0)', value))
  }
  expect(applyTransform('bucket[1000]', 'decimal(9, 0)', 127n)).toBe((murmur3(Uint8Array.of(127)) & 0x7fff_ffff) % 1000)
  expect(applyTransform('bucket[1000]', 'decimal(9, 0)', 128n)).toBe((murmur3(Uint8Array.of(0, 128)) & 0x7fff_ffff) % 1000)
})

test.each<[string, PrimitiveType, SingleValue, SingleValue]>([
  ['truncate[10]', 'int', 1, 0],
  ['truncate[10]', 'int', -1, -10],
  ['truncate[10]', 'int', -10, -10],
  ['truncate[10]', 'long', 1n, 0n],
  ['truncate[10]', 'long', -1n, -10n],
  ['truncate[50]', 'decimal(9, 2)', 1065n, 1050n],
  ['truncate[50]', 'decimal(9, 2)', -1n, -50n],
  ['truncate[3]', 'string', 'iceberg', 'ice'],
  ['truncate[2]', 'string', 'a\u{1f600}b', 'a\u{1f600}'],
  ['truncate[3]', 'string', 'é', 'é'],
  ['truncate[3]', 'binary', Uint8Array.of(1, 2, 3, 4, 5), Uint8Array.of(1, 2, 3)],
  ['identity', 'string', 'x', 'x'],
  ['identity', 'double', -0, -0],
  ['void', 'string', 'x', null],
  ['year', 'date', day('1970-12-31'), 0],
  ['year', 'date', day('1969-12-31'), -1],
  ['year', 'timestamptz', micros('1969-12-31T23:59:59.999Z'), -1],
  ['month', 'date', day('1970-01-31'), 0],
  ['month', 'date', day('1969-12-31'), -1],
  ['month', 'date', day('2000-02-29'), 361],
  ['month', 'date', day('2000-03-01'), 362],
  ['month', 'timestamp', -1n, -1],
  ['day', 'date', -5, -5],
  ['day', 'timestamp', -1n, -1],
  ['day', 'timestamp', -86_400_000_000n, -1],
  ['day', 'timestamp', -86_400_000_001n, -2],
  ['day', 'timestamptz', 86_399_999_999n, 0],
  ['hour', 'timestamptz', -1n, -1],
  ['hour', 'timestamp', -3_600_000_000n, -1],
  ['hour', 'timestamp', 3_599_999_999n, 0],
])('%s of the %s %s is %s', (transform, type, value, result) => {
  expect(applyTransform(transform, type, value)).toStrictEqual(result)
})

test('years and months agree with the calendar of Date over all that Date can say', () => {
  fc.assert(
    fc.property(fc.integer({ min: -100_000_000, max: 100_000_000 }), (days) => {
      const date = new Date(days * 86_400_000)
      expect(applyTransform('year', 'date', days)).toBe(date.getUTCFullYear() - 1970)
      expect(applyTransform('month', 'date', days)).toBe((date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth())
    }),
    { numRuns: 1000 },
  )
})

test('the last and the first timestamp have a year, a month and a day, although Date ends before them', () => {
  expect(applyTransform('year', 'timestamp', 2n ** 63n - 1n)).toBe(294_247 - 1970)
  expect(applyTransform('month', 'timestamp', 2n ** 63n - 1n)).toBe((294_247 - 1970) * 12)
  expect(applyTransform('day', 'timestamp', -(2n ** 63n))).toBe(-106_751_992)
})

test('null is null under every transform', () => {
  for (const transform of ['identity', 'void', 'year', 'month', 'day', 'hour', 'bucket[4]'])
    expect(applyTransform(transform, 'timestamptz', null)).toBeNull()
  expect(applyTransform('truncate[4]', 'string', null)).toBeNull()
})

test('results have the types of the specification, day among them a date', () => {
  expect(transformResultType('day', 'timestamptz')).toBe('date')
  expect(['year', 'month', 'hour', 'bucket[4]'].map((transform) => transformResultType(transform, 'timestamp'))).toEqual([
    'int',
    'int',
    'int',
    'int',
  ])
  expect(['identity', 'truncate[4]', 'void'].map((transform) => transformResultType(transform, 'decimal(9, 2)'))).toEqual(
    Array(3).fill('decimal(9, 2)'),
  )
})

test.each<[string, PrimitiveType]>([
  ['hour', 'date'],
  ['day', 'string'],
  ['bucket[4]', 'double'],
  ['bucket[4]', 'boolean'],
  ['truncate[4]', 'uuid'],
  ['truncate[4]', 'date'],
])('%s does not take a %s', (transform, type) => {
  expect(() => transformResultType(transform, type)).toThrow(`not ${type}`)
})

test.each(['bucket[0]', 'bucket', 'truncate[-1]', 'bucket[99999999999]', 'zorder', 'Day'])(
  '%s is no transform that is known',
  (transform) => {
    expect(() => transformResultType(transform, 'long')).toThrow('is not known')
  },
)
