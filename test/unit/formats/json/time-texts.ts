import fc from 'fast-check'
import type { TimeShape } from '../../../../src/formats/json/shape.ts'
import { anyNumber, digits } from './json-texts.ts'

const two = (max: number): fc.Arbitrary<string> => fc.integer({ min: 0, max }).map((n) => String(n).padStart(2, '0'))
const year = fc.oneof(
  { arbitrary: fc.integer({ min: 1960, max: 2100 }), weight: 4 },
  fc.constantFrom(0, 1, 2, 1582, 1900, 2000, 2254, 2255, 9998, 9999),
)
const dayText = fc.oneof(
  { arbitrary: fc.tuple(year, two(13), two(32)), weight: 1 },
  {
    arbitrary: fc
      .tuple(year, fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 28 }))
      .map(([y, m, d]) => [y, String(m).padStart(2, '0'), String(d).padStart(2, '0')] as const),
    weight: 6,
  },
  fc.constantFrom(
    [2024, '02', '29'] as const,
    [2023, '02', '29'] as const,
    [1900, '02', '29'] as const,
    [9999, '12', '31'] as const,
    [1, '01', '01'] as const,
  ),
)
const dateText = dayText.map(([y, m, d]) => `${String(y).padStart(4, '0')}-${m}-${d}`)
const clockText = fc
  .tuple(
    two(24),
    two(60),
    fc.oneof({ arbitrary: two(60), weight: 5 }, fc.constant('')),
    fc.oneof(fc.constant(''), fc.constant('.000'), digits(3), digits(10)),
  )
  .map(([h, m, s, f]) => `${h}:${m}${s === '' ? '' : `:${s}${f === '' || f.startsWith('.') ? f : `.${f}`}`}`)
const zones = ['Z', 'Z', 'Z', 'z', '+02:00', '+0200', '-05:30', '+18:00', '-18:00', '+18:01', '+00:00', '-00:00', '+02', '+2:00', '+01:60']
const zoneText = fc.constantFrom('', '', ...zones)
const timestampText = fc
  .tuple(dateText, fc.constantFrom('T', 'T', 'T', ' ', 't', '_', '  '), clockText, zoneText)
  .map((parts) => parts.join(''))

/** Numbers near to those that dates and times are in some unit. */
export const numericTime = fc.oneof(
  { arbitrary: anyNumber, weight: 1 },
  {
    arbitrary: fc
      .tuple(
        fc.integer({ min: -3_000_000_000, max: 5_000_000_000 }),
        fc.constantFrom('', '000', '000000', '000000000', '.5', '.123456', '123.4567', 'e0', '999999'),
      )
      .map((parts) => parts.join('')),
    weight: 3,
  },
  fc.tuple(fc.integer({ min: -800_000, max: 3_000_000 }), fc.constantFrom(1, 1e3, 1e6)).map(([day, unit]) => String(day * 86_400 * unit)),
)

/** Texts of dates and times: in the shape's form, nearly in it, or in some other. */
export function isoText({ kind, form }: TimeShape): fc.Arbitrary<string> {
  if (kind === 'date') return dateText
  const fraction = form?.fraction ?? 3
  const inForm = fc.tuple(two(23), two(59), two(59), digitsOf(Math.min(fraction, 6))).map(([hour, minute, second, micros]) => {
    return `${hour}:${minute}:${second}${fraction === 0 ? '' : `.${micros}${'0'.repeat(Math.max(0, fraction - 6))}`}`
  })
  const time = fc.oneof({ arbitrary: inForm, weight: 3 }, clockText)
  if (kind === 'time') return time
  const zone = kind === 'timestamp' ? fc.constant('') : fc.oneof(fc.constant(form?.zone ?? 'Z'), fc.constantFrom(...zones))
  const near = fc.tuple(dateText, fc.constant(form?.separator ?? 'T'), time, zone).map((parts) => parts.join(''))
  return fc.oneof({ arbitrary: near, weight: 3 }, timestampText)
}

function digitsOf(length: number): fc.Arbitrary<string> {
  return fc.integer({ min: 0, max: 10 ** length - 1 }).map((value) => String(value).padStart(length, '0'))
}
