import type { Fit } from './fit.ts'

/** A number as it is written: ± `digits` × 10^`exponent`. */
export interface Decimal {
  readonly isNegative: boolean
  /** Without zeros at either end; empty where the number is zero. */
  readonly digits: string
  /** 0 where the number is zero. Held within ± `farthestExponent`: no column reaches there. */
  readonly exponent: number
}

/** Far from what any column holds, near enough for a double to count digits there: a text's length can not make up for it. */
const farthestExponent = 1e15

const zero = '0'.charCodeAt(0)

/** Reads a JSON number, in a time that the length of its text decides: its exponent may be anything. */
export function parseDecimal(text: string): Decimal {
  const isNegative = text[0] === '-'
  const exponentAt = text.search(/[eE]/)
  const pointAt = text.indexOf('.')
  const mantissaEnd = exponentAt < 0 ? text.length : exponentAt
  const whole = text.slice(isNegative ? 1 : 0, pointAt < 0 ? mantissaEnd : pointAt)
  const fraction = pointAt < 0 ? '' : text.slice(pointAt + 1, mantissaEnd)
  const all = whole + fraction
  let [from, to] = [0, all.length]
  while (from < to && all.charCodeAt(from) === zero) from++
  while (to > from && all.charCodeAt(to - 1) === zero) to--
  if (from === to) return { isNegative, digits: '', exponent: 0 }
  const written = exponentAt < 0 ? 0 : Number(text.slice(exponentAt + 1))
  const exponent = Math.max(-farthestExponent, Math.min(farthestExponent, written)) - fraction.length + (all.length - to)
  return { isNegative, digits: all.slice(from, to), exponent }
}

/** Whether two numbers that a double comes near to are the same; the zeros are. */
export function isSame(a: Decimal, b: Decimal): boolean {
  return a.digits === b.digits && a.exponent === b.exponent && (a.isNegative === b.isNegative || a.digits === '')
}

/**
 * The largest integer not above `decimal` × 10^`shift`; null where the integer has more than `maxDigits` digits. Exact where it is that
 * very number.
 */
export function floorShifted(decimal: Decimal, shift: number, maxDigits: number): Fit<bigint> | null {
  const { isNegative, digits } = decimal
  if (digits === '') return { value: 0n, isExact: true }
  const exponent = decimal.exponent + shift
  const wholeDigits = digits.length + exponent
  if (wholeDigits > maxDigits) return null
  if (exponent >= 0) {
    const value = BigInt(digits + '0'.repeat(exponent))
    return { value: isNegative ? -value : value, isExact: true }
  }
  const value = BigInt(digits.slice(0, Math.max(0, wholeDigits)))
  return { value: isNegative ? -value - 1n : value, isExact: false }
}
