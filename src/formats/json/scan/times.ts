import type { Int32Builder, Int64Builder } from '../../arrow/builders/numbers.ts'
import { endOfNumber, readInteger } from './numbers.ts'
import { giveUp, type Source } from './source.ts'
import { areDigits } from './words.ts'

/** A TimeForm as the scanner compares it. */
export interface ScannedForm {
  readonly separator: number
  /** Digits of the fraction; −1: as many of 0, 3 and 6 as are needed. */
  readonly fraction: number
  /** The zone's bytes; its first is 0 where there is none. */
  readonly zone: Uint8Array
  readonly offsetMicros: number
}

/** The date that was read last, as words of its text: most documents carry the same day as the one before. First it is 1970-01-01. */
const known = { year: 0x30373931, rest: 0x2d31302d, last: 0x3130, days: 0 }

/** Days since 1970-01-01 of `YYYY-MM-DD`; NaN where it is no date of the years 2 to 9998 (no zone moves those out of range). */
function readDays(source: Source, p: number): number {
  const { view, bytes } = source
  const year = view.getInt32(p, true)
  const rest = view.getInt32(p + 4, true)
  const last = view.getInt16(p + 8, true)
  if (year === known.year && rest === known.rest && last === known.last) return known.days
  if (!areDigits(year) || (rest & 0xff0000ff) !== 0x2d00002d) return Number.NaN
  const y = (bytes[p] - 0x30) * 1000 + (bytes[p + 1] - 0x30) * 100 + twoDigits(bytes, p + 2)
  const month = twoDigits(bytes, p + 5)
  const day = twoDigits(bytes, p + 8)
  if (y < 2 || y > 9998 || !(month >= 1 && month <= 12) || !(day >= 1 && day <= daysIn(y, month))) return Number.NaN
  known.days = daysOfCivil(y, month, day)
  known.year = year
  known.rest = rest
  known.last = last
  return known.days
}

export function readDate(source: Source, column: Int32Builder, p: number): number {
  if (source.bytes[p] !== 0x22 || source.bytes[p + 11] !== 0x22) return giveUp
  const days = readDays(source, p + 1)
  if (days !== days) return giveUp
  column.append(days)
  return p + 12
}

/** Takes only text in the column's own form. */
export function readTimestamp(source: Source, column: Int64Builder, p: number, form: ScannedForm): number {
  const { bytes } = source
  if (bytes[p] !== 0x22 || bytes[p + 11] !== form.separator || bytes[p + 14] !== 0x3a || bytes[p + 17] !== 0x3a) return giveUp
  const days = readDays(source, p + 1)
  const hours = twoDigits(bytes, p + 12)
  const minutes = twoDigits(bytes, p + 15)
  const seconds = twoDigits(bytes, p + 18)
  if (days !== days || !(hours <= 23 && minutes <= 59 && seconds <= 59)) return giveUp
  p += 20
  let micros = 0
  let digits = 0
  if (bytes[p] === 0x2e) {
    for (let digit = bytes[++p] - 0x30; digit >= 0 && digit <= 9 && digits < 9; digit = bytes[++p] - 0x30) {
      if (digits < 6) micros = micros * 10 + digit
      else if (digit !== 0) return giveUp
      digits++
    }
    for (let i = digits; i < 6; i++) micros *= 10
    if (digits === 0) return giveUp
  }
  if (form.fraction < 0 ? digits !== (micros === 0 ? 0 : micros % 1000 === 0 ? 3 : 6) : digits !== form.fraction) return giveUp
  const { zone } = form
  for (let i = 0; i < zone.length; i++) if (bytes[p++] !== zone[i]) return giveUp
  if (bytes[p] !== 0x22) return giveUp
  const whole = (days * 86_400 + hours * 3600 + minutes * 60 + seconds) * 1e6
  const value = whole + micros - form.offsetMicros
  // Before 1684 and after 2255 a double does not hold every microsecond.
  if (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) column.appendNumber(value)
  else column.append(BigInt(days) * 86_400_000_000n + BigInt((hours * 3600 + minutes * 60 + seconds) * 1e6 + micros - form.offsetMicros))
  return p + 1
}

/** `microsPerUnit`: at least 1. Numbers whose microseconds a double holds: three hundred years around 1970. */
export function readEpoch(source: Source, column: Int64Builder, p: number, microsPerUnit: number): number {
  const value = readInteger(source, p) * microsPerUnit
  if (!(value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER)) return giveUp
  column.appendNumber(value)
  return endOfNumber()
}

/** 100, which no date or time has, where they are none. */
function twoDigits(bytes: Uint8Array, p: number): number {
  const tens = bytes[p] - 0x30
  const ones = bytes[p + 1] - 0x30
  return tens >>> 0 > 9 || ones >>> 0 > 9 ? 100 : tens * 10 + ones
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** Days since 1970-01-01 in the proleptic Gregorian calendar, counted in years that begin in March. */
function daysOfCivil(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year
  // None of these is negative, and truncating is cheaper than Math.floor.
  const era = (shifted / 400) | 0
  const yearOfEra = shifted - era * 400
  const dayOfYear = (((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) | 0) + day - 1
  return era * 146_097 + yearOfEra * 365 + (yearOfEra >> 2) - ((yearOfEra / 100) | 0) + dayOfYear - 719_468
}
