/**
 * Reads parsed JSON into types that can not be wrong. Each function gives the value as what it should be, or throws an Error that
 * names the place, what was expected and what kind of value was found (never the value itself, which may be a credential).
 */

export type JsonObject = Readonly<Record<string, unknown>>

export function expectObject(value: unknown, place: string): JsonObject {
  if (!isObject(value)) throw unexpected('an object', value, place)
  return value
}

export function expectList(value: unknown, place: string): readonly unknown[] {
  if (!Array.isArray(value)) throw unexpected('a list', value, place)
  return value as readonly unknown[]
}

export function expectString(value: unknown, place: string): string {
  if (typeof value !== 'string') throw unexpected('a string', value, place)
  return value
}

/** A whole number of at most 2^53 − 1 either side of zero. */
export function expectInteger(value: unknown, place: string): number {
  if (!Number.isSafeInteger(value)) throw unexpected('an integer', value, place)
  return value as number
}

const int64Min = -(2n ** 63n)
const int64Max = 2n ** 63n - 1n

/** A 64-bit integer, whatever `parseJson` made of it. */
export function expectInt64(value: unknown, place: string): bigint {
  const integer = Number.isSafeInteger(value) ? BigInt(value as number) : value
  if (typeof integer !== 'bigint' || integer < int64Min || integer > int64Max) throw unexpected('a 64-bit integer', value, place)
  return integer
}

/** An object whose values are all strings, as properties and summaries are. */
export function expectStringMap(value: unknown, place: string): Readonly<Record<string, string>> {
  const map = expectObject(value, place)
  for (const [key, item] of Object.entries(map)) expectString(item, `${place}.${key}`)
  return map as Readonly<Record<string, string>>
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unexpected(expected: string, value: unknown, place: string): Error {
  return new Error(`${place}: expected ${expected}, found ${kindOf(value)}`)
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'bigint') return 'an integer out of range'
  if (typeof value === 'object') return 'an object'
  return `a ${typeof value}`
}
