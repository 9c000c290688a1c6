import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { floorShifted, isSame, parseDecimal } from '../../../../../src/formats/json/exact/decimal.ts'
import { anyNumber } from '../json-texts.ts'
import { canonicalNumber } from '../plain-json.ts'

describe('parseDecimal', () => {
  test.each([
    ['0', '', 0, false],
    ['-0', '', 0, true],
    ['-0.000e5', '', 0, true],
    ['0e999999999999', '', 0, false],
    ['1', '1', 0, false],
    ['-120', '12', 1, true],
    ['0.00120', '12', -4, false],
    ['100.001', '100001', -3, false],
    ['1e5', '1', 5, false],
    ['1E+05', '1', 5, false],
    ['12.50e-3', '125', -4, false],
    ['1e999999999999999999999', '1', 1e15, false],
    ['1.5e-999999999999999999999', '15', -1e15 - 1, false],
  ])('%s', (text, digits, exponent, isNegative) => {
    expect(parseDecimal(text)).toEqual({ digits, exponent, isNegative })
  })

  test('numbers are the same exactly if their values are', () => {
    fc.assert(
      fc.property(fc.array(anyNumber, { minLength: 2, maxLength: 6 }), (texts) => {
        for (const a of texts) {
          for (const b of [...texts, a.replace(/(?=[eE]|$)/, a.includes('.') ? '0' : '.0')]) {
            // The exponent is held within bounds.
            if (/e[+-]?\d{13}/i.test(a + b)) continue
            const [first, second] = [a, b].map((text) => canonicalNumber(text).replace(/^-0$/, '0'))
            expect([a, b, isSame(parseDecimal(a), parseDecimal(b))]).toEqual([a, b, first === second])
          }
        }
      }),
    )
  })

  test('a number of a million digits, and an exponent of a million digits, cost no more than their length', () => {
    const digits = '1234567890'.repeat(100_000)
    const startMs = performance.now()
    expect(parseDecimal(`${digits}.${'0'.repeat(1_000_000)}1`).digits).toHaveLength(2_000_001)
    expect(parseDecimal(`-0.${'0'.repeat(1_000_000)}${digits}`)).toMatchObject({ exponent: -1_999_999, isNegative: true })
    expect(parseDecimal(`1e${digits}`).exponent).toBe(1e15)
    expect(performance.now() - startMs).toBeLessThan(1000)
  })
})

describe('floorShifted', () => {
  test.each([
    ['0', 0, 1, 0n, true],
    ['-0.0', 5, 1, 0n, true],
    ['12', 0, 2, 12n, true],
    ['12', 3, 5, 12_000n, true],
    ['1.25', 2, 3, 125n, true],
    ['1.25', 1, 2, 12n, false],
    ['-1.25', 1, 3, -13n, false],
    ['0.001', 0, 1, 0n, false],
    ['-0.001', 0, 1, -1n, false],
    ['-1', -3, 5, -1n, false],
    ['-1e-999999999999', 6, 18, -1n, false],
    ['1e-999999999999', 6, 18, 0n, false],
    ['99e36', 0, 38, 99n * 10n ** 36n, true],
  ])('%s × 10^%i in %i digits is %s', (text, shift, maxDigits, value, isExact) => {
    expect(floorShifted(parseDecimal(text), shift, maxDigits)).toEqual({ value, isExact })
  })

  test.each([
    ['100', 0, 2],
    ['1', 3, 3],
    ['99e37', 0, 38],
    ['1e999999999999999', 0, 1000],
    ['123456.7', 0, 5],
  ])('%s × 10^%i has more than %i digits', (text, shift, maxDigits) => {
    expect(floorShifted(parseDecimal(text), shift, maxDigits)).toBeNull()
  })
})
