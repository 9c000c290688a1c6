import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  DecimalBuilder,
  Float32Builder,
  Float64Builder,
  Int32Builder,
  Int64Builder,
} from '../../../../../src/formats/arrow/builders/numbers.ts'
import { valuesOf } from '../values.ts'
import { holdsWhatAnArrayWould } from './steps.ts'

describe('a builder holds what a plain array would, through appending, cutting back and clearing', () => {
  test('of ints', () => {
    holdsWhatAnArrayWould(fc.integer(), () => {
      const builder = new Int32Builder()
      return { builder, append: (value) => builder.append(value) }
    })
  })

  test('of floats, to the last bit and with NaN and −0.0', () => {
    holdsWhatAnArrayWould(fc.oneof(fc.float(), fc.constantFrom(NaN, -0, Infinity)), () => {
      const builder = new Float32Builder()
      return { builder, append: (value) => builder.append(value) }
    })
  })

  test('of doubles, with NaN and −0.0', () => {
    holdsWhatAnArrayWould(fc.oneof(fc.double(), fc.constantFrom(NaN, -0, Infinity)), () => {
      const builder = new Float64Builder()
      return { builder, append: (value) => builder.append(value) }
    })
  })

  test('of longs', () => {
    holdsWhatAnArrayWould(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), () => {
      const builder = new Int64Builder()
      return { builder, append: (value) => builder.append(value) }
    })
  })

  test('of safe integers, appended as doubles', () => {
    holdsWhatAnArrayWould(fc.maxSafeInteger(), () => {
      const builder = new Int64Builder()
      return { builder, append: (value) => builder.appendNumber(value), plain: BigInt }
    })
  })

  test('of decimals', () => {
    holdsWhatAnArrayWould(fc.bigInt({ min: -(10n ** 38n - 1n), max: 10n ** 38n - 1n }), () => {
      const builder = new DecimalBuilder()
      return { builder, append: (value) => builder.append(value) }
    })
  })
})

test('the ends of each type are held', () => {
  const [ints, longs, decimals] = [new Int32Builder(), new Int64Builder(), new DecimalBuilder()]
  for (const value of [-(2 ** 31), 2 ** 31 - 1]) ints.append(value)
  for (const value of [-(2n ** 63n), 2n ** 63n - 1n]) longs.append(value)
  for (const value of [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, -1, 0, -(2 ** 32), 2 ** 32]) longs.appendNumber(value)
  for (const value of [1n - 10n ** 38n, 10n ** 38n - 1n, -1n, 2n ** 64n, -(2n ** 64n)]) decimals.append(value)
  expect(valuesOf(ints.snapshot())).toEqual([-2147483648, 2147483647])
  expect(valuesOf(longs.snapshot())).toEqual([
    -9223372036854775808n,
    9223372036854775807n,
    -9007199254740991n,
    9007199254740991n,
    -1n,
    0n,
    -4294967296n,
    4294967296n,
  ])
  expect(valuesOf(decimals.snapshot())).toEqual([
    -99999999999999999999999999999999999999n,
    99999999999999999999999999999999999999n,
    -1n,
    18446744073709551616n,
    -18446744073709551616n,
  ])
})

test('a float is the nearest of 32 bits', () => {
  const builder = new Float32Builder()
  builder.append(0.1)
  expect(valuesOf(builder.snapshot())).toEqual([Math.fround(0.1)])
})

test('byteLength is what the slots hold, nulls included', () => {
  const builders = [new Int32Builder(), new Float32Builder(), new Float64Builder(), new Int64Builder(), new DecimalBuilder()]
  for (const builder of builders) {
    for (let i = 0; i < 3; i++) builder.appendNull()
    builder.truncate(2)
  }
  expect(builders.map(({ byteLength }) => byteLength)).toEqual([8, 8, 16, 16, 32])
})
