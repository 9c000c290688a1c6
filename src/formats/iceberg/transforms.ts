import type { SingleValue } from './data-file.ts'
import { murmur3 } from './murmur3.ts'
import { parsePrimitive } from './primitive-type.ts'
import type { PrimitiveType } from './schema.ts'
import type { PresentValue } from './single-value.ts'
import { minimalBigEndian } from './unscaled.ts'

/** A partition transform taken apart (table specification, "Partition Transforms"). */
type Transform =
  | { readonly kind: 'identity' | 'void' | 'year' | 'month' | 'day' | 'hour' }
  | { readonly kind: 'bucket' | 'truncate'; readonly width: number }

const microsPerHour = 3_600_000_000n
const encoder = new TextEncoder()

/**
 * The type of a transform's results, which are a partition field's values.
 * @throws Error where the transform is unknown or does not take the source type.
 */
export function transformResultType(transform: string, sourceType: PrimitiveType): PrimitiveType {
  const { kind } = parseTransform(transform)
  const source = parsePrimitive(sourceType).kind
  const allowed: readonly string[] | undefined = sources[kind]
  if (allowed !== undefined && !allowed.includes(source)) {
    throw new Error(`iceberg: transform ${transform} takes ${allowed.join(', ')}, not ${sourceType}`)
  }
  return kind === 'identity' || kind === 'truncate' || kind === 'void' ? sourceType : kind === 'day' ? 'date' : 'int'
}

/** Result types that do not depend on the source column, for specs whose source column is gone. */
export function fixedResultType(transform: string): PrimitiveType | undefined {
  const { kind } = parseTransform(transform)
  if (kind === 'identity' || kind === 'truncate') return undefined
  return kind === 'day' ? 'date' : 'int'
}

/**
 * Applies a transform to one value; null gives null.
 * @throws Error where the transform is unknown or does not take the source type.
 */
export function applyTransform(transform: string, sourceType: PrimitiveType, value: SingleValue): SingleValue {
  return transformFunction(transform, sourceType)(value)
}

/** The transform as a function, for many values. @throws Error as `applyTransform`. */
export function transformFunction(transform: string, sourceType: PrimitiveType): (value: SingleValue) => SingleValue {
  transformResultType(transform, sourceType)
  const apply = presentFunction(parseTransform(transform), parsePrimitive(sourceType).kind)
  return (value) => (value === null ? null : apply(value))
}

const dates = ['date', 'timestamp', 'timestamptz']
const sources: Partial<Record<Transform['kind'], readonly string[]>> = {
  year: dates,
  month: dates,
  day: dates,
  hour: ['timestamp', 'timestamptz'],
  truncate: ['int', 'long', 'decimal', 'string', 'binary'],
  bucket: ['int', 'long', 'decimal', 'date', 'time', 'timestamp', 'timestamptz', 'string', 'uuid', 'fixed', 'binary'],
}

function parseTransform(transform: string): Transform {
  switch (transform) {
    case 'identity':
    case 'void':
    case 'year':
    case 'month':
    case 'day':
    case 'hour':
      return { kind: transform }
    default: {
      const match = /^(bucket|truncate)\[(\d{1,10})\]$/.exec(transform)
      const width = Number(match?.[2])
      if (match === null || width < 1 || width > 0x7fff_ffff)
        throw new Error(`iceberg: partition transform "${transform.slice(0, 64)}" is not known`)
      return { kind: match[1] as 'bucket' | 'truncate', width }
    }
  }
}

function presentFunction(transform: Transform, source: string): (value: PresentValue) => SingleValue {
  switch (transform.kind) {
    case 'identity':
      return (value) => value
    case 'void':
      return () => null
    case 'year':
      return (value) => Math.floor(months(days(source, value)) / 12)
    case 'month':
      return (value) => months(days(source, value))
    case 'day':
      return (value) => days(source, value)
    case 'hour':
      // An int, as in the reference implementation, also for hours that are further away than an int can say.
      return (value) => Number(BigInt.asIntN(32, floorDivide(value as bigint, microsPerHour)))
    case 'bucket':
      return (value) => (murmur3(hashedBytes(source, value)) & 0x7fff_ffff) % transform.width
    case 'truncate':
      break
  }
  return (value) => truncate(source, value, transform.width)
}

/**
 * Months from 1970-01 of a day, in the proleptic Gregorian calendar. Counted in years that begin in March, so that the leap day is
 * the last one; `Date` ends before the last microsecond that a timestamp can hold.
 */
function months(daysFromEpoch: number): number {
  const daysFromMarch0000 = daysFromEpoch + 719_468
  const era = Math.floor(daysFromMarch0000 / 146_097)
  const dayOfEra = daysFromMarch0000 - era * 146_097
  const leapDays = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  return (era * 400 + yearOfEra - 1970) * 12 + 2 + monthFromMarch
}

function days(source: string, value: PresentValue): number {
  return source === 'date' ? Number(value) : Number(floorDivide(value as bigint, 24n * microsPerHour))
}

/** Division that rounds down: times before 1970 belong to the day and hour that they lie in. */
function floorDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor
  return value % divisor < 0n ? quotient - 1n : quotient
}

/** What appendix B hashes: integers, dates and times as a 64-bit integer, so that a widened column keeps its buckets. */
function hashedBytes(source: string, value: PresentValue): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (typeof value === 'string') return encoder.encode(value)
  if (source === 'decimal') return minimalBigEndian(BigInt(value))
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value), true)
  return bytes
}

function truncate(source: string, value: PresentValue, width: number): PresentValue {
  if (value instanceof Uint8Array) return value.subarray(0, width)
  if (typeof value === 'string') return firstCodePoints(value, width)
  // Below the smallest multiple the result wraps around, as it does in the reference implementation.
  if (source === 'int') return Number(BigInt.asIntN(32, floorToMultiple(BigInt(value), width)))
  if (source === 'long') return BigInt.asIntN(64, floorToMultiple(BigInt(value), width))
  return floorToMultiple(BigInt(value), width)
}

function floorToMultiple(value: bigint, width: number): bigint {
  return floorDivide(value, BigInt(width)) * BigInt(width)
}

function firstCodePoints(text: string, count: number): string {
  let end = 0
  for (let seen = 0; seen < count && end < text.length; seen++) end += text.codePointAt(end)! > 0xffff ? 2 : 1
  return text.slice(0, end)
}
