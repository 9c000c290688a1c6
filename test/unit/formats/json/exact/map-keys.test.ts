import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keyOf } from '../../../../../src/formats/json/exact/map-keys.ts'
import type { MapShape } from '../../../../../src/formats/json/shape.ts'
import { canonicalNumber } from '../plain-json.ts'

type Key = MapShape['key']

const decimal: Key = { kind: 'decimal', precision: 5, scale: 2 }
const wholeDecimal: Key = { kind: 'decimal', precision: 5, scale: 0 }
const seconds: Key = { kind: 'timestamp', unit: 's', form: null }
const nanoseconds: Key = { kind: 'timestamptz', unit: 'ns', form: null }
const formed: Key = { kind: 'timestamptz', unit: 'iso8601', form: { separator: ' ', fraction: 1, zone: '+01:00' } }
const days: Key = { kind: 'date', unit: 's', form: null }
const clock: Key = { kind: 'time', unit: 'ms', form: null }

describe('a key that is written as the column would write it is a key of the column', () => {
  test.each<[Key, string, unknown]>([
    [{ kind: 'boolean' }, 'true', true],
    [{ kind: 'boolean' }, 'false', false],
    [{ kind: 'int' }, '0', 0],
    [{ kind: 'int' }, '-2147483648', -(2 ** 31)],
    [{ kind: 'long' }, '9223372036854775807', 2n ** 63n - 1n],
    [{ kind: 'double' }, '0.1', 0.1],
    [{ kind: 'double' }, '1e+21', 1e21],
    [{ kind: 'double' }, '5e-324', 5e-324],
    [{ kind: 'double' }, '9007199254740992', 2 ** 53],
    [{ kind: 'float' }, '0.5', 0.5],
    [{ kind: 'float' }, '0.10000000149011612', Math.fround(0.1)],
    [decimal, '1.50', 150n],
    [decimal, '0.00', 0n],
    [decimal, '-0.01', -1n],
    [wholeDecimal, '-7', -7n],
    [{ kind: 'uuid' }, '01234567-89ab-cdef-0123-456789abcdef', Buffer.from('0123456789abcdef0123456789abcdef', 'hex')],
    [{ kind: 'binary' }, 'AP8=', Buffer.of(0, 255)],
    [{ kind: 'string' }, '', Buffer.from('')],
    [{ kind: 'string' }, '😀', Buffer.from('😀')],
    [{ kind: 'date', unit: 'iso8601', form: null }, '1970-01-02', 1],
    [days, '-86400', -1],
    [clock, '86399999', 86_399_999_000],
    [seconds, '1717718400', 1_717_718_400_000_000],
    [nanoseconds, '-1000', -1],
    [formed, '1970-01-01 01:00:00.5+01:00', 500_000],
  ])('%j %j', (shape, text, value) => {
    expect(keyOf(shape, text)).toEqual(value)
  })
})

describe('a key that is written otherwise, or is no such value, is none', () => {
  test.each<[Key, string]>([
    [{ kind: 'boolean' }, 'True'],
    [{ kind: 'boolean' }, '1'],
    [{ kind: 'int' }, ''],
    [{ kind: 'int' }, '-0'],
    [{ kind: 'int' }, '01'],
    [{ kind: 'int' }, '+1'],
    [{ kind: 'int' }, '1.0'],
    [{ kind: 'int' }, '1e3'],
    [{ kind: 'int' }, ' 1'],
    [{ kind: 'int' }, '2147483648'],
    [{ kind: 'long' }, '9223372036854775808'],
    [{ kind: 'double' }, ''],
    [{ kind: 'double' }, 'NaN'],
    [{ kind: 'double' }, 'Infinity'],
    [{ kind: 'double' }, '-Infinity'],
    [{ kind: 'double' }, '-0'],
    [{ kind: 'double' }, '1.0'],
    [{ kind: 'double' }, '1e21'],
    [{ kind: 'double' }, '9007199254740993'],
    [{ kind: 'double' }, '0x10'],
    [{ kind: 'double' }, 'x'],
    [{ kind: 'float' }, '0.1'],
    [decimal, '1.5'],
    [decimal, '1.500'],
    [decimal, '1'],
    [decimal, '01.50'],
    [decimal, '.50'],
    [decimal, '1.'],
    [decimal, '-0.00'],
    [decimal, '1000.00'],
    [decimal, '1.5e'],
    [decimal, '1.-5'],
    [decimal, 'a.bc'],
    [wholeDecimal, '7.'],
    [wholeDecimal, '-0'],
    [wholeDecimal, ''],
    [wholeDecimal, '100000'],
    [{ kind: 'uuid' }, '01234567-89AB-cdef-0123-456789abcdef'],
    [{ kind: 'binary' }, 'AP8'],
    [{ kind: 'string' }, '\ud83d'],
    [{ kind: 'date', unit: 'iso8601', form: null }, '1970-02-30'],
    [days, '86401'],
    [days, '1970-01-01'],
    [clock, '86400000'],
    [clock, '-1'],
    [seconds, '1717718400.5'],
    [seconds, '1e9'],
    [seconds, '-0'],
    [nanoseconds, '1'],
    [formed, '1970-01-01 00:00:00.5Z'],
    [formed, '1970-01-01 01:00:00.50+01:00'],
  ])('%j %j', (shape, text) => {
    expect(keyOf(shape, text)).toBeNull()
  })
})

test('every decimal is a key where it is written with the digits of its scale', () => {
  fc.assert(
    fc.property(fc.integer({ min: -99_999, max: 99_999 }), (unscaled) => {
      const text = (unscaled / 100).toFixed(2)
      expect(keyOf(decimal, text)).toBe(Object.is(unscaled, -0) ? null : BigInt(unscaled))
      expect(canonicalNumber(text)).toBe(canonicalNumber(`${unscaled}e-2`))
    }),
  )
})
