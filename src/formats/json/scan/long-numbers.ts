import type { Int64Builder } from '../../arrow/builders/numbers.ts'
import { giveUp, type Source } from './source.ts'

/**
 * Numbers of more digits than a double holds, without text or BigInt: their first digits and those after them are two doubles.
 * All take the text `[p, end)` of a JSON number without an exponent.
 */

const powersOfTen = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`))
/** 2^27 + 1: times this, a double falls into two halves whose products are exact (Dekker 1971). */
const splitter = 134_217_729
/** The share of an ulp that the rest of a division may be wrong by, and far more. */
const margin = 2 ** -20

const scratch = new Float64Array(1)
const scratchWords = new Int32Array(scratch.buffer)

/**
 * The double nearest to a number of 9 to 17 digits, zeros in front not counted, of which `fraction` come after the point, where
 * that double's shortest text is this very number. NaN where it is not, and where that is too close to tell.
 */
export function longDouble({ bytes }: Source, p: number, end: number, fraction: number): number {
  const negative = bytes[p] === 0x2d
  if (negative) p++
  while (bytes[p] === 0x30 || bytes[p] === 0x2e) p++
  let head = 0
  let tail = 0
  let digits = 0
  for (; p < end; p++) {
    const digit = bytes[p] - 0x30
    if (digit < 0) continue
    if (digits++ < 8) head = head * 10 + digit
    else tail = tail * 10 + digit
  }
  if (digits < 9 || digits > 17 || fraction > 22) return Number.NaN
  // Eight digits and a power of five up to the ninth are less than 2^53: exact, as the sum of `whole` and `below` is.
  const scaled = head * powersOfTen[digits - 8]
  const whole = scaled + tail
  const below = tail - (whole - scaled)
  const divisor = powersOfTen[fraction]
  const quotient = whole / divisor
  const correction = (remainder(whole, quotient, divisor) + below) / divisor
  const value = quotient + correction
  /** What the text says more than the double. */
  const rest = correction - (value - quotient)
  scratch[0] = value
  // Below a power of two doubles are denser.
  if ((scratchWords[1] & 0xfffff) === 0 && scratchWords[0] === 0) return Number.NaN
  scratchWords[1] = (scratchWords[1] & 0x7ff00000) - (52 << 20)
  scratchWords[0] = 0
  const ulp = scratch[0]
  const half = ulp / 2
  const slack = ulp * margin
  const last = tail % 10
  const unit = 1 / divisor
  const away = Math.abs(rest)
  const isNearest = away < half - slack && away < unit / 2 - slack
  // The two numbers with one digit less that it stands between are read as other doubles.
  const isShortest = last !== 0 && rest - last * unit < -half - slack && rest + (10 - last) * unit > half + slack
  if (!isNearest || !isShortest) return Number.NaN
  return negative ? -value : value
}

/** `whole` − `quotient` × `divisor`, exactly: a division's remainder is a double. */
function remainder(whole: number, quotient: number, divisor: number): number {
  const product = quotient * divisor
  const a = splitter * quotient
  const aHigh = a - (a - quotient)
  const aLow = quotient - aHigh
  const b = splitter * divisor
  const bHigh = b - (b - divisor)
  const bLow = divisor - bHigh
  const error = aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow)
  return whole - product - error
}

/** Appends an integer of 11 to 19 digits. Gives up where it has more, or is no 64-bit integer. */
export function readLongInteger({ bytes }: Source, column: Int64Builder, p: number, end: number): number {
  const negative = bytes[p] === 0x2d
  if (negative) p++
  const digits = end - p
  if (digits < 11 || digits > 19) return giveUp
  let head = 0
  let tail = 0
  for (const middle = p + 10; p < middle; p++) head = head * 10 + (bytes[p] - 0x30)
  for (; p < end; p++) tail = tail * 10 + (bytes[p] - 0x30)
  if (digits === 19 && (head > 9_223_372_036 || (head === 9_223_372_036 && tail > (negative ? 854_775_808 : 854_775_807)))) return giveUp
  // Sixteen bits at a time, so that each product and sum is exact.
  const power = powersOfTen[digits - 10]
  const headHigh = Math.floor(head / 0x10000)
  const lower = (head - headHigh * 0x10000) * power + tail
  const lowerHigh = Math.floor(lower / 0x10000)
  const upper = headHigh * power + lowerHigh
  const upperHigh = Math.floor(upper / 0x10000)
  const low = (lower - lowerHigh * 0x10000) | ((upper - upperHigh * 0x10000) << 16)
  if (negative) column.appendHalves(-low | 0, low === 0 ? -upperHigh : ~upperHigh)
  else column.appendHalves(low, upperHigh)
  return end
}
