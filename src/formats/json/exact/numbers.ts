/** The numbers of a JSON text as columns hold them. `text`: as the grammar of JSON numbers has it (RFC 8259 section 6). */

import { floorShifted, isSame, parseDecimal } from './decimal.ts'
import { type Fit, type Int64, toInt64 } from './fit.ts'

const shortInteger = /^-?\d{1,15}$/
const longMin = -(2n ** 63n)
const longMax = 2n ** 63n - 1n

/** Integers from −2^31 to 2^31 − 1, in whatever way they are written. */
export function intOf(text: string): Fit<number> | null {
  const fit = longOf(text)
  if (fit === null || typeof fit.value === 'bigint' || fit.value !== (fit.value | 0)) return null
  return { value: fit.value, isExact: fit.isExact }
}

/** Integers from −2^63 to 2^63 − 1, in whatever way they are written. */
export function longOf(text: string): Fit<Int64> | null {
  // Plus 0 makes 0 of −0.
  if (shortInteger.test(text)) return { value: Number(text) + 0, isExact: true }
  const fit = unscaledOf(text, 19, 0)
  if (fit === null || fit.value < longMin || fit.value > longMax) return null
  return { value: toInt64(fit.value), isExact: fit.isExact }
}

/** The unscaled value of a number that has at most `scale` digits after its point and `precision` in all, in whatever way it is written. */
export function unscaledOf(text: string, precision: number, scale: number): Fit<bigint> | null {
  const fit = floorShifted(parseDecimal(text), scale, precision)
  if (fit === null || !fit.isExact) return null
  return isNegativeZero(text, fit.value) ? { value: 0n, isExact: false } : fit
}

/** The double nearest to a number; null beyond the largest one, and where nothing but zero is left of it. */
export function doubleOf(text: string): Fit<number> | null {
  return approximate(text, Number(text))
}

/** The 32-bit float nearest to the double nearest to a number; null as for `doubleOf`. */
export function floatOf(text: string): Fit<number> | null {
  return approximate(text, Math.fround(Number(text)))
}

/** Whether a number that a column without a negative zero takes for 0 is one: `-0.0`, `-0e1`. The integer `-0` is 0. */
export function isNegativeZero(text: string, value: bigint): boolean {
  return value === 0n && text[0] === '-' && text !== '-0'
}

function approximate(text: string, value: number): Fit<number> | null {
  if (!Number.isFinite(value)) return null
  const shown = String(value)
  if (shown === text) return { value, isExact: true }
  const decimal = parseDecimal(text)
  if (value === 0 && decimal.digits !== '') return null
  return { value, isExact: isSame(decimal, parseDecimal(shown)) }
}
