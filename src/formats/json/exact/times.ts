/** Dates and times as text (ISO 8601, as RFC 3339 narrows it). Columns hold days and microseconds, 64-bit for the latter. */

import type { TimeForm, TimeShape } from '../shape.ts'
import { dateOf, dayOf, firstDay, lastDay, secondsPerDay } from './calendar.ts'
import type { Fit, Int64 } from './fit.ts'

const date = String.raw`(\d{4})-(\d{2})-(\d{2})`
const time = String.raw`(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?`
const dateText = new RegExp(`^${date}$`)
const timeText = new RegExp(`^${time}$`)
const timestampText = new RegExp(`^${date}[Tt ]${time}([Zz]|[+-]\\d{2}:?\\d{2})?$`)
const zoneText = /^([+-])(\d{2}):?(\d{2})$/

const maxZoneSeconds = 18 * 3600
const microsPerSecond = 1_000_000
/** Microseconds of as many seconds are safe integers. */
const maxSafeSeconds = Math.floor(Number.MAX_SAFE_INTEGER / microsPerSecond) - 1

/** A moment, or a time of day: whole seconds, and what is left in microseconds. */
interface Time {
  readonly seconds: number
  readonly micros: number
}

/**
 * The value of a text for a column of this shape; null where it is no such text, where there is no such date or time, or where it lies
 * outside the years 1 to 9999 (UTC). Exact where the column's form writes the value in the same way.
 */
export function timeOfText(shape: TimeShape, text: string): Fit<Int64> | null {
  if (shape.kind === 'date') {
    const found = dateText.exec(text)
    const day = found === null ? null : dayOf({ year: Number(found[1]), month: Number(found[2]), day: Number(found[3]) })
    return day === null ? null : { value: day, isExact: true }
  }
  const parsed = shape.kind === 'time' ? parseTime(text) : parseTimestamp(text, shape.kind === 'timestamptz')
  if (parsed === null) return null
  const printed = shape.kind === 'time' ? printTime(parsed, shape.form) : printTimestamp(parsed, shape)
  return { value: toMicros(parsed), isExact: printed === text }
}

function parseTime(text: string): Time | null {
  const found = timeText.exec(text)
  return found === null ? null : timeOfDay(found[1], found[2], found[3], found[4])
}

function parseTimestamp(text: string, hasZone: boolean): Time | null {
  const found = timestampText.exec(text)
  if (found === null || (found[8] !== undefined) !== hasZone) return null
  const day = dayOf({ year: Number(found[1]), month: Number(found[2]), day: Number(found[3]) })
  const local = timeOfDay(found[4], found[5], found[6], found[7])
  const zone = hasZone ? zoneSeconds(found[8]) : 0
  if (day === null || local === null || zone === null) return null
  const seconds = day * secondsPerDay + local.seconds - zone
  if (seconds < firstDay * secondsPerDay || seconds >= (lastDay + 1) * secondsPerDay) return null
  return { seconds, micros: local.micros }
}

/** Null where the clock has no such time. Digits past the sixth of a fraction are left out. */
function timeOfDay(hours: string, minutes: string, seconds = '0', fraction = ''): Time | null {
  const [hour, minute, second] = [Number(hours), Number(minutes), Number(seconds)]
  if (hour > 23 || minute > 59 || second > 59) return null
  return { seconds: hour * 3600 + minute * 60 + second, micros: Number(fraction.slice(0, 6).padEnd(6, '0')) }
}

/** How far a zone's clock is ahead of UTC; null where there is no such zone. */
function zoneSeconds(zone: string): number | null {
  if (zone === 'Z' || zone === 'z') return 0
  const found = zoneText.exec(zone)
  if (found === null || Number(found[3]) > 59) return null
  const seconds = Number(found[2]) * 3600 + Number(found[3]) * 60
  if (seconds > maxZoneSeconds) return null
  return found[1] === '-' ? -seconds : seconds
}

function toMicros({ seconds, micros }: Time): Int64 {
  if (Math.abs(seconds) <= maxSafeSeconds) return seconds * microsPerSecond + micros
  return BigInt(seconds) * BigInt(microsPerSecond) + BigInt(micros)
}

function printTime({ seconds, micros }: Time, form: TimeForm | null): string {
  const clock = `${pad(Math.floor(seconds / 3600), 2)}:${pad(Math.floor(seconds / 60) % 60, 2)}:${pad(seconds % 60, 2)}`
  const digits = form === null ? neededDigits(micros) : form.fraction
  return digits === 0 ? clock : `${clock}.${`${pad(micros, 6)}000`.slice(0, digits)}`
}

function printTimestamp({ seconds, micros }: Time, { kind, form }: TimeShape): string {
  const zone = kind === 'timestamp' ? '' : (form?.zone ?? 'Z')
  const local = seconds + (zoneSeconds(zone) ?? 0)
  const ofDay = Math.floor(local / secondsPerDay)
  const { year, month, day } = dateOf(ofDay)
  const clock = printTime({ seconds: local - ofDay * secondsPerDay, micros }, form)
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}${form?.separator ?? 'T'}${clock}${zone}`
}

function neededDigits(micros: number): number {
  if (micros === 0) return 0
  return micros % 1000 === 0 ? 3 : 6
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, '0')
}
