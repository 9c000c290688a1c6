/** A value that a column can hold for a JSON value. */
export interface Fit<V> {
  readonly value: V
  /** Whether it says all that the document says. If not, the document's text is kept beside it. */
  readonly isExact: boolean
}

/** A 64-bit integer: a number where it is a safe one, otherwise a bigint. */
export type Int64 = number | bigint

export function toInt64(value: bigint): Int64 {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/**
 * What a column without columns beneath it holds. boolean: boolean. int, date: number. long, time, timestamp, timestamptz: Int64.
 * float, double: number. decimal: the unscaled value, bigint. string (UTF-8), binary, uuid: bytes.
 */
export type Scalar = boolean | number | bigint | Uint8Array
