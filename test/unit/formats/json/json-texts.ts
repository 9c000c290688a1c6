import fc from 'fast-check'
import { names } from './shapes.ts'

/** Texts of JSON values: strings, numbers and whatever else there is, in the ways in which they can be written. */

export const space = fc.constantFrom('', '', '', '', '', ' ', '\n', '\t\r\n ')

/** A string, written in one of the ways that JSON has for it. */
export function written(text: string): fc.Arbitrary<string> {
  return fc.constantFrom(JSON.stringify(text), JSON.stringify(text), escapedWhole(text), JSON.stringify(text).replaceAll('/', '\\/'))
}

function escapedWhole(text: string): string {
  const units = text.split('').map((unit, i) => {
    const hex = unit.charCodeAt(0).toString(16).padStart(4, '0')
    return `\\u${i % 2 === 0 ? hex : hex.toUpperCase()}`
  })
  return `"${units.join('')}"`
}

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ maxLength: 12 }),
  fc.constantFrom(...names, 'true', 'null', '1', 'ab\ud800', '\udfff\ud800', 'ünïcödé 漢字 🎉'),
)
export const anyString = texts.chain(written)
export const anyName = fc.constantFrom(...names)

export const digits = (maxLength: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...'0012345678999'.split('')), { minLength: 1, maxLength }).map((all) => all.join(''))

const wholeText = fc.oneof(digits(3), digits(12), digits(22), digits(45)).map((text) => text.replace(/^0+(?=\d)/, ''))
const fractionText = fc.oneof(
  { arbitrary: fc.constant(''), weight: 2 },
  fc.oneof(digits(3), digits(9), digits(40)).map((text) => `.${text}`),
)
const exponentText = fc.oneof(
  { arbitrary: fc.constant(''), weight: 4 },
  fc
    .tuple(fc.constantFrom('e', 'E', 'e+', 'E-', 'e-'), fc.oneof(digits(1), digits(2), digits(3), digits(25)))
    .map(([sign, text]) => sign + text),
)

/** Numbers beside which columns end, or which are written in a way of their own. */
const edges = [
  ['0', '-0', '0.0', '-0.0', '-0e1', '0e999999999', '-0E-5', '1e0', '1.0', '10e-1', '1E3', '0.1', '0.10', '1.5'],
  ['2147483647', '2147483648', '-2147483648', '-2147483649', '9007199254740991', '9007199254740992', '9007199254740993'],
  ['9223372036854775807', '9223372036854775808', '-9223372036854775808', '-9223372036854775809', '999999999999999', '1000000000000000'],
  [
    '1e15',
    '1e18',
    '9.2e18',
    '1e19',
    '1e21',
    '1e22',
    '1e23',
    '16777216',
    '16777217',
    '0.30000000000000004',
    '123456789012345678901234567890',
  ],
  ['3.4028234663852886e38', '3.4028235677973366e38', '3.5e38', '1.401298464324817e-45', '7e-46', '1e-46', '1.1754943508222875e-38'],
  [
    '1.7976931348623157e308',
    '1.7976931348623159e308',
    '1e309',
    '5e-324',
    '2e-324',
    '1e400',
    '-1e400',
    '1e-400',
    '1e999999999',
    '-1e-999999999',
  ],
  [
    '253402300799',
    '253402300800',
    '-62135596800',
    '-62135596801',
    '1717718400.123',
    '1717718400123456789',
    '86399.999999',
    '86400',
    '-1e-9',
  ],
  ['253402300799.999999', '253402300799999999', '253402300799999999.9', '9007199254740.993', '9007199254', '9007199256'],
].flat()

export const anyNumber = fc.oneof(
  { arbitrary: fc.constantFrom(...edges), weight: 3 },
  fc.tuple(fc.constantFrom('', '-'), wholeText, fractionText, exponentText).map((parts) => parts.join('')),
  fc.integer().map(String),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? '-0.0' : String(value))),
  fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? '-0.0' : String(value))),
)

/** Any JSON value, now and then a deep one. */
export const anyValue = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { arbitrary: fc.oneof(anyString, anyNumber, fc.constantFrom('true', 'false', 'null', '[]', '{}', '{ }')), weight: 5 },
    fc.tuple(fc.array(tie('value'), { maxLength: 4 }), space).map(([elements, gap]) => `[${gap}${elements.join(`,${gap}`)}${gap}]`),
    fc.array(fc.tuple(anyName.chain(written), tie('value')), { maxLength: 4 }).chain(objectText),
    fc.integer({ min: 1, max: 300 }).map((depth) => `${'[{"a":'.repeat(depth)}1${'}]'.repeat(depth)}`),
  ),
})).value

/** An object of these members, names written already. */
export function objectText(members: readonly (readonly [string, string])[]): fc.Arbitrary<string> {
  return fc.tuple(space, space).map(([before, after]) => {
    const text = members.map(([name, value]) => `${before}${name}${after}:${before}${value}`).join(`${after},`)
    return `{${text}${after}}`
  })
}
