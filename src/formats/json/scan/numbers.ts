import type { DecimalBuilder, Float32Builder, Float64Builder, Int32Builder, Int64Builder } from '../../arrow/builders/numbers.ts'
import { longDouble, readLongInteger } from './long-numbers.ts'
import { giveUp, type Source } from './source.ts'

/** A double holds every integer of so many digits. */
const exactDigits = 15
const powersOfTen = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`))

/** Where a number ends, and its parts; one for the whole process, since it is read before anything else is. */
const parts = { end: 0, negative: false, digits: 0, fraction: 0, significand: 0, hasExponent: false, isPlain: false }

/**
 * Reads sign, digits and fraction. `isPlain`: there is no exponent, and the significand is exact. False where it is no JSON number.
 */
function readParts(source: Source, p: number): boolean {
  const { bytes } = source
  const start = p
  const negative = bytes[p] === 0x2d
  if (negative) p++
  let digit = bytes[p] - 0x30
  if (!isDigit(digit)) return false
  let significand = digit
  let digits = digit === 0 ? 0 : 1
  const isZero = digit === 0
  digit = bytes[++p] - 0x30
  if (isZero && isDigit(digit)) return false
  while (isDigit(digit)) {
    significand = significand * 10 + digit
    digits++
    digit = bytes[++p] - 0x30
  }
  let fraction = 0
  if (digit === -2) {
    digit = bytes[++p] - 0x30
    if (!isDigit(digit)) return false
    do {
      significand = significand * 10 + digit
      digits++
      fraction++
      digit = bytes[++p] - 0x30
    } while (isDigit(digit))
  }
  parts.negative = negative
  parts.significand = significand
  parts.digits = digits
  parts.fraction = fraction
  parts.hasExponent = digit === 0x35 || digit === 0x15
  parts.isPlain = digits <= exactDigits && !parts.hasExponent
  parts.end = parts.hasExponent ? source.skipNumber(start) : p
  return parts.end >= 0
}

/** `digit`: a byte less that of `0`; NaN past the end of the buffer, which is none. */
function isDigit(digit: number): boolean {
  return digit >= 0 && digit <= 9
}

/** An integer of at most fifteen digits without fraction or exponent; NaN where it is none. Its end stands in `endOfNumber`. */
export function readInteger(source: Source, p: number): number {
  if (!readParts(source, p) || !parts.isPlain || parts.fraction > 0) return Number.NaN
  return parts.negative ? -parts.significand : parts.significand
}

/** Where the number that was read last ends. */
export function endOfNumber(): number {
  return parts.end
}

export function readInt(source: Source, column: Int32Builder, p: number): number {
  const value = readInteger(source, p)
  if (!(value >= -0x8000_0000 && value <= 0x7fff_ffff)) return giveUp
  column.append(value)
  return parts.end
}

export function readLong(source: Source, column: Int64Builder, p: number): number {
  if (!readParts(source, p) || parts.fraction > 0) return giveUp
  if (parts.isPlain) {
    column.appendNumber(parts.negative ? -parts.significand : parts.significand)
    return parts.end
  }
  return parts.hasExponent ? giveUp : readLongInteger(source, column, p, parts.end)
}

export function readDouble(source: Source, column: Float64Builder, p: number): number {
  const value = readNumber(source, p)
  if (value !== value) return giveUp
  column.append(value)
  return parts.end
}

/** Takes only what a 32-bit float holds exactly. */
export function readFloat(source: Source, column: Float32Builder, p: number): number {
  const value = readNumber(source, p)
  if (Math.fround(value) !== value) return giveUp
  column.append(value)
  return parts.end
}

/** The double that a number is; NaN where it is none, or where the double would not print its digits. */
function readNumber(source: Source, p: number): number {
  if (!readParts(source, p)) return Number.NaN
  if (parts.isPlain) {
    // Both are exact, and so is their quotient's rounding.
    const value = parts.fraction === 0 ? parts.significand : parts.significand / powersOfTen[parts.fraction]
    return parts.negative ? -value : value
  }
  const long = parts.hasExponent ? Number.NaN : longDouble(source, p, parts.end, parts.fraction)
  if (long === long) return long
  const text = textOf(source, p, parts.end)
  const value = Number(text)
  return String(value) === text ? value : Number.NaN
}

/** `limit`: 10^precision as a double, or Infinity where every fifteen digits fit. */
export function readDecimal(source: Source, column: DecimalBuilder, p: number, scale: number, limit: number): number {
  if (!readParts(source, p) || !parts.isPlain || parts.fraction > scale) return giveUp
  const { significand, negative } = parts
  if (significand === 0 && negative) return giveUp
  const shift = scale - parts.fraction
  if (shift > 22 || significand * powersOfTen[shift] >= limit) return giveUp
  const scaled = significand * powersOfTen[shift]
  if (scaled <= Number.MAX_SAFE_INTEGER) column.appendNumber(negative ? -scaled : scaled)
  else {
    const unscaled = BigInt(significand) * 10n ** BigInt(shift)
    column.append(negative ? -unscaled : unscaled)
  }
  return parts.end
}

function textOf(source: Source, start: number, end: number): string {
  let text = ''
  for (let i = start; i < end && i < start + 40; i++) text += String.fromCharCode(source.bytes[i])
  return text
}
