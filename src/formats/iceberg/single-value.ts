import { dataViewOf } from '../bytes/data-view.ts'
import { compareBytes } from './bounds.ts'
import type { SingleValue } from './data-file.ts'
import { parsePrimitive } from './primitive-type.ts'
import type { PrimitiveType } from './schema.ts'
import { fromBigEndian, minimalBigEndian } from './unscaled.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** A value that is there. */
export type PresentValue = Exclude<SingleValue, null>

const microsPerDay = 86_400_000_000n

/**
 * Binary single-value serialization (table specification, appendix D). A 64-bit type takes a whole number as well as a bigint,
 * since a column may have been int when its value was written.
 * @throws Error where the value does not belong to the type.
 */
export function serializeSingleValue(type: PrimitiveType, value: PresentValue): Uint8Array {
  const primitive = parsePrimitive(type)
  switch (primitive.kind) {
    case 'boolean':
      if (typeof value !== 'boolean') mismatch(type, value)
      return Uint8Array.of(value ? 1 : 0)
    case 'int':
    case 'date':
      if (typeof value !== 'number' || (value | 0) !== value) mismatch(type, value)
      return littleEndian(4, (view) => view.setInt32(0, value, true))
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz': {
      const long = toBigInt(type, value)
      if (BigInt.asIntN(64, long) !== long) mismatch(type, value)
      return littleEndian(8, (view) => view.setBigInt64(0, long, true))
    }
    case 'float':
      if (typeof value !== 'number') mismatch(type, value)
      return littleEndian(4, (view) => view.setFloat32(0, value, true))
    case 'double':
      if (typeof value !== 'number') mismatch(type, value)
      return littleEndian(8, (view) => view.setFloat64(0, value, true))
    case 'string':
      if (typeof value !== 'string' || !value.isWellFormed()) mismatch(type, value)
      return encoder.encode(value)
    case 'uuid':
      if (!(value instanceof Uint8Array) || value.length !== 16) mismatch(type, value)
      return value
    case 'fixed':
    case 'binary':
      if (!(value instanceof Uint8Array)) mismatch(type, value)
      return value
    case 'decimal':
      break
  }
  return minimalBigEndian(toBigInt(type, value))
}

/**
 * Reads a value of appendix D. Where a column was widened (table specification, "Schema Evolution") the bounds of its old files
 * are as short as the old type's: 4 bytes of a long are an int, of a double a float, of a timestamp a date.
 * @throws Error where the bytes are no value of the type.
 */
export function parseSingleValue(type: PrimitiveType, bytes: Uint8Array): PresentValue {
  const view = dataViewOf(bytes)
  const primitive = parsePrimitive(type)
  switch (primitive.kind) {
    case 'boolean':
      expectLength(type, bytes, 1)
      return bytes[0] !== 0
    case 'int':
    case 'date':
      expectLength(type, bytes, 4)
      return view.getInt32(0, true)
    case 'long':
      expectLength(type, bytes, 4, 8)
      return bytes.length === 4 ? BigInt(view.getInt32(0, true)) : view.getBigInt64(0, true)
    case 'timestamp':
      expectLength(type, bytes, 4, 8)
      return bytes.length === 4 ? BigInt(view.getInt32(0, true)) * microsPerDay : view.getBigInt64(0, true)
    case 'time':
    case 'timestamptz':
      expectLength(type, bytes, 8)
      return view.getBigInt64(0, true)
    case 'float':
      expectLength(type, bytes, 4)
      return view.getFloat32(0, true)
    case 'double':
      expectLength(type, bytes, 4, 8)
      return bytes.length === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true)
    case 'string':
      try {
        return utf8.decode(bytes)
      } catch {
        throw new Error(`iceberg: expected UTF-8 bytes for a string, found ${bytes.length} others`)
      }
    case 'uuid':
      expectLength(type, bytes, 16)
      return bytes
    case 'fixed':
    case 'binary':
      return bytes
    case 'decimal':
      break
  }
  if (bytes.length < 1 || bytes.length > 16) mismatch(type, bytes)
  return fromBigEndian(bytes)
}

/**
 * The order that bounds follow: false before true, numbers by size with −0.0 before +0.0, text by its UTF-8 bytes, bytes unsigned.
 * Negative, zero or positive; NaN has no place in it.
 */
export function compareSingleValues(a: PresentValue, b: PresentValue): number {
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b)
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b)
  if (a < b) return -1
  if (a > b) return 1
  if (a === 0 && b === 0) return Number(Object.is(b, -0)) - Number(Object.is(a, -0))
  return 0
}

/** UTF-8 byte order is code point order; UTF-16 puts what is above U+FFFF before U+E000–U+FFFF. */
function compareText(a: string, b: string): number {
  let i = 0
  while (i < a.length && i < b.length && a[i] === b[i]) i++
  if (i === a.length || i === b.length) return a.length - b.length
  const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)]
  return rank(x) - rank(y)
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit
}

function toBigInt(type: PrimitiveType, value: PresentValue): bigint {
  if (typeof value === 'bigint') return value
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : mismatch(type, value)
}

function littleEndian(size: number, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(size)
  write(new DataView(bytes.buffer))
  return bytes
}

function expectLength(type: PrimitiveType, bytes: Uint8Array, ...lengths: readonly number[]): void {
  if (!lengths.includes(bytes.length)) {
    throw new Error(`iceberg: expected ${lengths.join(' or ')} bytes for a ${type}, found ${bytes.length}`)
  }
}

function mismatch(type: PrimitiveType, value: PresentValue): never {
  throw new Error(`iceberg: expected a ${type}, found ${value instanceof Uint8Array ? `${value.length} bytes` : `a ${typeof value}`}`)
}
