import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { timeOfNumber } from '../../../../../src/formats/json/exact/time-numbers.ts'
import type { TimeShape, TimeUnit } from '../../../../../src/formats/json/shape.ts'

function found(kind: TimeShape['kind'], unit: TimeUnit, text: string): unknown {
  return timeOfNumber({ kind, unit, form: null }, text)
}

describe.each(['timestamp', 'timestamptz'] as const)('%s', (kind) => {
  test.each<[TimeUnit, string, number | bigint]>([
    ['s', '1717718400', 1_717_718_400_000_000],
    ['s', '1717718400.123', 1_717_718_400_123_000],
    ['s', '1.717718400123456e9', 1_717_718_400_123_456],
    ['s', '-0.000001', -1],
    ['ms', '1717718400123', 1_717_718_400_123_000],
    ['ms', '-1', -1000],
    ['us', '1717718400123456', 1_717_718_400_123_456],
    ['us', '-0', 0],
    ['ns', '1717718400123456000', 1_717_718_400_123_456],
    ['s', '253402300799.999999', 253_402_300_799_999_999n],
    ['s', '-62135596800', -62_135_596_800_000_000n],
    ['ms', '9007199254741', 9_007_199_254_741_000n],
    ['s', '9007199254.740991', 9_007_199_254_740_991],
  ])('in %s, %s is exact', (unit, text, value) => {
    expect(found(kind, unit, text)).toEqual({ value, isExact: true })
  })

  test.each<[TimeUnit, string, number]>([
    ['ns', '1717718400123456789', 1_717_718_400_123_456],
    ['ns', '-1', -1],
    ['us', '0.5', 0],
    ['us', '-0.5', -1],
    ['s', '1.0000001', 1_000_000],
    ['s', '1e-999999999', 0],
    ['s', '-1e-999999999', -1],
    ['ms', '-0.0', 0],
  ])('in %s, %s lies in microsecond %i', (unit, text, value) => {
    expect(found(kind, unit, text)).toEqual({ value, isExact: false })
  })

  test.each<[TimeUnit, string]>([
    ['s', '253402300800'],
    ['s', '-62135596800.0000001'],
    ['ms', '1717718400123456789'],
    ['us', '1e18'],
    ['ns', '1e999999999'],
    ['s', '-1e400'],
  ])('in %s, %s lies outside the years 1 to 9999', (unit, text) => {
    expect(found(kind, unit, text)).toBeNull()
  })
})

describe('date', () => {
  test.each<[TimeUnit, string, number, boolean]>([
    ['s', '0', 0, true],
    ['s', '-0', 0, true],
    ['s', '-0.0', 0, false],
    ['s', '86400', 1, true],
    ['s', '86399', 0, false],
    ['s', '-1', -1, false],
    ['s', '-86400', -1, true],
    ['ms', '86400000.0', 1, true],
    ['us', '8.64e10', 1, true],
    ['ns', '86400000000000', 1, true],
    ['ns', '86400000000001', 1, false],
    ['s', '253402214400', 2_932_896, true],
    ['s', '253402300799.9999999', 2_932_896, false],
    ['s', '-62135596800', -719_162, true],
  ])('in %s, %s is day %i', (unit, text, value, isExact) => {
    expect(found('date', unit, text)).toEqual({ value, isExact })
  })

  test.each(['253402300800', '-62135596801', '-62135596800.000000001', '1e999999999'])('%s s lies outside the years 1 to 9999', (text) => {
    expect(found('date', 's', text)).toBeNull()
  })
})

describe('time', () => {
  test.each<[TimeUnit, string, number, boolean]>([
    ['s', '0', 0, true],
    ['s', '86399.999999', 86_399_999_999, true],
    ['s', '86399.9999999', 86_399_999_999, false],
    ['ms', '1', 1000, true],
    ['ns', '999', 0, false],
    ['us', '-0.0', 0, false],
  ])('in %s, %s is %i µs since midnight', (unit, text, value, isExact) => {
    expect(found('time', unit, text)).toEqual({ value, isExact })
  })

  test.each<[TimeUnit, string]>([
    ['s', '86400'],
    ['s', '-0.0000001'],
    ['ms', '-1'],
    ['ns', '86400000000000'],
    ['us', '1e999999999'],
  ])('in %s, %s lies outside the day', (unit, text) => {
    expect(found('time', unit, text)).toBeNull()
  })
})

test('a column of texts holds no number', () => {
  expect(found('timestamp', 'iso8601', '0')).toBeNull()
})

test('any integer of microseconds in range is that microsecond', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n }), (micros) => {
      const fit = timeOfNumber({ kind: 'timestamp', unit: 'us', form: null }, String(micros))
      expect([BigInt(fit!.value), fit!.isExact, typeof fit!.value === 'number']).toEqual([
        micros,
        true,
        Number.isSafeInteger(Number(micros)),
      ])
    }),
  )
})
