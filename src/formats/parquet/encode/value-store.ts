import type { Vector } from '../../arrow/vector.ts'
import type { PageBuffer } from './page-buffer.ts'
import type { Shredded } from './shredded.ts'

/**
 * Byte strings as a PLAIN page has them, each behind its length in four bytes: slot i is `data[offsets[i], offsets[i + 1] - 4)`.
 * All slots are present.
 */
export interface PlainBytes {
  readonly layout: 'plain-bytes'
  readonly length: number
  readonly nullCount: 0
  readonly validity: null
  readonly offsets: Int32Array
  readonly data: Uint8Array
}

/** Unscaled decimals as the numbers that Parquet has for those of up to 18 digits. All slots are present. */
export interface PlainDecimals {
  readonly layout: 'plain-decimals'
  readonly length: number
  readonly nullCount: 0
  readonly validity: null
  readonly values: Int32Array | BigInt64Array
}

/** What values are taken from: longer decimals also as the big-endian bytes that Parquet has for them (`fixed-bytes`). */
export type StoredVector = Vector | PlainBytes | PlainDecimals

/** Which slots of a vector hold the values in question. */
export type Picked = Pick<Shredded, 'slots' | 'first'>

/** The smallest and the largest value, as PLAIN has them (without a length in front). */
export interface Range {
  readonly lower: Uint8Array
  readonly upper: Uint8Array
}

/** The values of one column chunk: PLAIN pages, a dictionary, and what is known of them all. */
export interface ValueStore {
  /** The PLAIN values of the page in the making. */
  readonly page: PageBuffer
  /** Null for a type that is never worth one. */
  readonly dictionary: Dictionary | null
  /** Of those written to `page` or observed so far. For float and double; 0 for others. */
  readonly nanCount: number

  /** The vector that slots are taken from until the next call. @throws RangeError where it has not the layout of the column's type. */
  open(vector: StoredVector): void
  /** Bytes that the picked values `[from, to)` take in PLAIN. */
  plainSize(picked: Picked, from: number, to: number): number
  writePlain(picked: Picked, from: number, to: number): void
  /** Of the values written to `page` and those that the dictionary observed; undefined where there was none, NaNs left out. */
  range(): Range | undefined
  /** Makes ready for another chunk. */
  clear(): void
}

export interface Dictionary {
  /** Entries. */
  readonly length: number
  /** In PLAIN. */
  readonly byteLength: number
  /** Whether values were found that it is slow with: no more should be added. */
  readonly crowded: boolean
  /** Adds the picked values `[from, to)` of the open vector; their indexes go to `indexes[at…]`. */
  add(picked: Picked, from: number, to: number, indexes: Int32Array, at: number): void
  /** Forgets the entries from `length` on; after that nothing can be added. */
  truncate(length: number): void
  /** Writes the values at `indexes[0, count)` to the store's page. */
  writePlain(indexes: Int32Array, count: number): void
  /** The entries in PLAIN. Valid until the next change. */
  encode(): Uint8Array
  /** Makes the range know all entries. */
  observe(): void
  /** Counts the NaNs that `indexes[0, count)` lead to. */
  observeNans(indexes: Int32Array, count: number): void
  clear(): void
}
