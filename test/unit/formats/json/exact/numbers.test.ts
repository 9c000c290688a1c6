import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { doubleOf, floatOf, intOf, longOf, unscaledOf } from '../../../../../src/formats/json/exact/numbers.ts'
import { anyNumber } from '../json-texts.ts'
import { canonicalNumber } from '../plain-json.ts'

const exactly = (value: number | bigint): object => ({ value, isExact: true })
const nearly = (value: number | bigint): object => ({ value, isExact: false })

describe('int', () => {
  test.each(['0', '7', '-7', '2147483647', '-2147483648', '1.0', '1e3', '-12.50e1', '0e999999999', '20000000000e-1'])(
    '%s is exact',
    (text) => {
      expect(intOf(text)).toEqual(exactly(Number(text)))
    },
  )

  test('the integer −0 is 0; a negative zero with a fraction or an exponent is nearly so', () => {
    expect(intOf('-0')).toEqual(exactly(0))
    for (const text of ['-0.0', '-0e1', '-0E-9', '-0.00e5']) expect(intOf(text)).toEqual(nearly(0))
  })

  test.each([
    '2147483648',
    '-2147483649',
    '1.5',
    '1e-1',
    '1e10',
    '1e999999999',
    '-1e-999999999',
    '9007199254740993',
    '99999999999999999999',
  ])('%s does not fit', (text) => {
    expect(intOf(text)).toBeNull()
  })
})

describe('long', () => {
  test.each([
    ['9007199254740991', 9_007_199_254_740_991],
    ['9007199254740992', 9_007_199_254_740_992n],
    ['9007199254740993', 9_007_199_254_740_993n],
    ['-9007199254740993', -9_007_199_254_740_993n],
    ['9223372036854775807', 2n ** 63n - 1n],
    ['-9223372036854775808', -(2n ** 63n)],
    ['9223372036854775807.000', 2n ** 63n - 1n],
    ['922337203685477580.7e1', 2n ** 63n - 1n],
    ['1e18', 10n ** 18n],
    ['999999999999999', 999_999_999_999_999],
  ])('%s is exact', (text, value) => {
    expect(longOf(text)).toEqual(exactly(value))
  })

  test('the integer −0 is 0; a negative zero with a fraction or an exponent is nearly so', () => {
    expect(longOf('-0')).toEqual(exactly(0))
    expect(longOf('-0.0')).toEqual(nearly(0))
  })

  test.each(['9223372036854775808', '-9223372036854775809', '1e19', '0.1', '9223372036854775807.1', '1e-1'])('%s does not fit', (text) => {
    expect(longOf(text)).toBeNull()
  })

  test('any number fits exactly if it is an integer of 64 bits', () => {
    fc.assert(
      fc.property(anyNumber, (text) => {
        const [, digits, exponent] = /^(-?\d+)e(-?\d+)$/.exec(canonicalNumber(text)) ?? ['', '0', '0']
        const isWhole = BigInt(exponent) >= 0n && BigInt(exponent) < 20n
        const value = isWhole ? BigInt(digits) * 10n ** BigInt(exponent) : null
        const fits = value !== null && BigInt.asIntN(64, value) === value
        const found = longOf(text)
        expect(found === null ? null : BigInt(found.value)).toBe(fits ? value : null)
      }),
    )
  })
})

describe('double', () => {
  test.each([
    '0',
    '1',
    '0.1',
    '1.10',
    '100e-2',
    '1e21',
    '1e22',
    '9007199254740992',
    '5e-324',
    '1.7976931348623157e308',
    '-2.5E-3',
    '123456789.25',
  ])('%s is exact', (text) => {
    expect(doubleOf(text)).toEqual(exactly(Number(text)))
  })

  test.each(['-0', '-0.0', '-0e5', '-0E-999999999'])('%s is the negative zero, exactly', (text) => {
    expect(doubleOf(text)).toEqual(exactly(-0))
  })

  test.each(['9007199254740993', '0.1000000000000000055511151231257827', '1.00000000000000000000001', '123456789012345678901234567890'])(
    '%s loses digits',
    (text) => {
      expect(doubleOf(text)).toEqual(nearly(Number(text)))
    },
  )

  test('a double whose shortest text is another one is not exact, though it is the same double', () => {
    expect(doubleOf('5.0e-324')).toEqual(exactly(5e-324))
    expect(doubleOf('4.9e-324')).toEqual(nearly(5e-324))
  })

  test.each(['1.7976931348623159e308', '1e309', '-1e400', '1e999999999', '2e-324', '1e-400', '-1e-999999999'])(
    '%s does not fit',
    (text) => {
      expect(doubleOf(text)).toBeNull()
    },
  )

  test('any double that is written as ECMAScript writes it is exact', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = Object.is(value, -0) ? '-0' : String(value)
        expect(doubleOf(text)).toEqual(exactly(value))
      }),
    )
  })

  test('any number is exact if the text of its double has its value', () => {
    fc.assert(
      fc.property(anyNumber, (text) => {
        const value = Number(text)
        const same = Number.isFinite(value) && canonicalNumber(text).replace(/^-0$/, '0') === canonicalNumber(String(value))
        expect(doubleOf(text)?.isExact ?? false).toBe(same)
      }),
    )
  })
})

describe('float', () => {
  test.each(['0', '0.5', '1.25', '16777216', '-3.4028234663852886e38', '1.401298464324817e-45', '0.10000000149011612'])(
    '%s is exact',
    (text) => {
      expect(floatOf(text)).toEqual(exactly(Number(text)))
    },
  )

  test.each(['0.1', '16777217', '3.4028235e38', '1.4e-45', '1e-45', '123456789'])('%s loses digits', (text) => {
    expect(floatOf(text)).toEqual(nearly(Math.fround(Number(text))))
  })

  test.each(['3.5e38', '3.4028235677973366e38', '7e-46', '1e-46', '-1e-50', '1e309'])('%s does not fit', (text) => {
    expect(floatOf(text)).toBeNull()
  })

  test('the negative zero is one', () => {
    expect(floatOf('-0.0')).toEqual(exactly(-0))
  })
})

describe('decimal', () => {
  test.each([
    ['0', 5, 2, 0n],
    ['-0', 5, 2, 0n],
    ['1', 5, 2, 100n],
    ['123.45', 5, 2, 12_345n],
    ['-123.4500', 5, 2, -12_345n],
    ['1.2345e2', 5, 2, 12_345n],
    ['1e-2', 5, 2, 1n],
    ['0.99', 2, 2, 99n],
    ['99999', 5, 0, 99_999n],
    ['9'.repeat(38), 38, 0, 10n ** 38n - 1n],
    [`-0.${'9'.repeat(38)}`, 38, 38, -(10n ** 38n) + 1n],
    ['1e37', 38, 0, 10n ** 37n],
  ])('%s is exact in decimal(%i, %i)', (text, precision, scale, value) => {
    expect(unscaledOf(text, precision, scale)).toEqual(exactly(value))
  })

  test('a negative zero with a fraction or an exponent is nearly 0', () => {
    expect(unscaledOf('-0.00', 5, 2)).toEqual(nearly(0n))
    expect(unscaledOf('-0e9', 5, 2)).toEqual(nearly(0n))
  })

  test.each([
    ['1000', 5, 2],
    ['0.001', 5, 2],
    ['-999.999', 5, 2],
    ['1', 2, 2],
    ['1e38', 38, 0],
    ['1e999999999', 38, 0],
    ['1e-999999999', 38, 38],
    ['0.5', 5, 0],
  ])('%s does not fit decimal(%i, %i)', (text, precision, scale) => {
    expect(unscaledOf(text, precision, scale)).toBeNull()
  })
})
