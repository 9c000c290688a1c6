import type { TimeShape, TimeUnit } from '../shape.ts'
import { firstDay, lastDay, secondsPerDay } from './calendar.ts'
import { floorShifted, parseDecimal } from './decimal.ts'
import { type Fit, type Int64, toInt64 } from './fit.ts'
import { isNegativeZero } from './numbers.ts'

/** A unit in microseconds, as a power of ten. */
const powerOf: Readonly<Record<Exclude<TimeUnit, 'iso8601'>, number>> = { s: 6, ms: 3, us: 0, ns: -3 }

const microsPerDay = BigInt(secondsPerDay) * 1_000_000n
const firstMicros = BigInt(firstDay) * microsPerDay
const endMicros = BigInt(lastDay + 1) * microsPerDay
/** Of the microseconds since 1970 in the years 1 to 9999. */
const maxDigits = 18

/**
 * The value of a number of the column's units (not iso8601) since 1970 or since midnight: the microsecond or the day in which it lies.
 * Null outside the years 1 to 9999, or outside a day. Exact where the number names that microsecond's or that day's begin.
 */
export function timeOfNumber(shape: TimeShape, text: string): Fit<Int64> | null {
  if (shape.unit === 'iso8601') return null
  const micros = floorShifted(parseDecimal(text), powerOf[shape.unit], maxDigits)
  if (micros === null) return null
  const { value } = micros
  const isExact = micros.isExact && !isNegativeZero(text, value)
  if (shape.kind === 'time') return value < 0n || value >= microsPerDay ? null : { value: Number(value), isExact }
  if (value < firstMicros || value >= endMicros) return null
  if (shape.kind !== 'date') return { value: toInt64(value), isExact }
  const day = (value - firstMicros) / microsPerDay
  return { value: Number(day) + firstDay, isExact: isExact && day * microsPerDay === value - firstMicros }
}
