import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Int64Builder } from '../../../../../src/formats/arrow/builders/numbers.ts'
import { isSame, parseDecimal } from '../../../../../src/formats/json/exact/decimal.ts'
import { longDouble, readLongInteger } from '../../../../../src/formats/json/scan/long-numbers.ts'
import { giveUp, Source } from '../../../../../src/formats/json/scan/source.ts'

function sourceOf(text: string): Source {
  const source = new Source()
  source.bytes = new TextEncoder().encode(text)
  source.view = new DataView(source.bytes.buffer)
  source.end = text.length
  return source
}

function asDouble(text: string): number {
  const point = text.indexOf('.')
  return longDouble(sourceOf(text), 0, text.length, point < 0 ? 0 : text.length - point - 1)
}

function asLong(text: string): bigint | null {
  const column = new Int64Builder()
  if (readLongInteger(sourceOf(text), column, 0, text.length) === giveUp) return null
  return (column.snapshot().values as BigInt64Array)[0]
}

/** Numbers of 9 to 18 digits and a point anywhere: few of them are what their double prints. */
const anyLongNumber = fc.tuple(fc.bigInt(10n ** 8n, 10n ** 18n), fc.nat(24), fc.boolean()).map(([digits, fraction, negative]) => {
  const padded = String(digits).padStart(fraction + 1, '0')
  const whole = padded.slice(0, padded.length - fraction)
  return `${negative ? '-' : ''}${whole}${fraction === 0 ? '' : `.${padded.slice(padded.length - fraction)}`}`
})

/** What doubles print, and numbers that differ from it by a little in the last digit. */
const anyNearNumber = fc
  .tuple(fc.double({ noNaN: true, noDefaultInfinity: true, min: 1e-5, max: 1e17 }), fc.integer({ min: -3, max: 3 }))
  .map(([value, more]) => String(value).replace(/\d+$/, (digits) => String(BigInt(digits) + BigInt(more)).padStart(digits.length, '0')))
  .filter((text) => /^\d+(\.\d+)?$/.test(text))

describe('a double of many digits', () => {
  test('is the nearest one, and says all that the text says', () => {
    fc.assert(
      fc.property(fc.oneof(anyLongNumber, anyNearNumber), (text) => {
        const value = asDouble(text)
        if (Number.isNaN(value)) return
        expect(value).toBe(Number(text))
        expect(isSame(parseDecimal(String(value)), parseDecimal(text))).toBe(true)
      }),
      { numRuns: 20_000 },
    )
  })

  test('is taken without a text nearly always where a program printed it', () => {
    let taken = 0
    const values = fc.sample(fc.double({ noNaN: true, min: 1e-3, max: 1e15 }), { numRuns: 5000, seed: 7 })
    const long = values.map(String).filter((text) => text.replace('.', '').replace(/^0+/, '').length >= 16)
    for (const text of long) if (!Number.isNaN(asDouble(text))) taken++
    expect(long.length).toBeGreaterThan(1000)
    expect(taken / long.length).toBeGreaterThan(0.97)
  })

  test.each(['0.30000000000000004', '-0.1234567890123456', '179769313.4862315', '9007199254740993.5'])('%s', (text) => {
    const value = asDouble(text)
    expect(value).toBe(String(Number(text)) === text ? Number(text) : Number.NaN)
  })
})

describe('an integer of many digits', () => {
  test('keeps all of them', () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (value) => {
        fc.pre(value >= 10n ** 10n || value <= -(10n ** 10n))
        expect(asLong(String(value))).toBe(value)
      }),
      { numRuns: 5000 },
    )
  })

  test.each([-(2n ** 63n), 2n ** 63n - 1n, -(2n ** 32n) * 5n, 2n ** 62n, -(2n ** 53n) - 1n, 10n ** 18n])('%s', (value) => {
    expect(asLong(String(value))).toBe(value)
  })

  test.each(['9223372036854775808', '-9223372036854775809', '9999999999999999999', '12345678901234567890'])(
    '%s is none of 64 bits',
    (text) => {
      expect(asLong(text)).toBeNull()
    },
  )
})
