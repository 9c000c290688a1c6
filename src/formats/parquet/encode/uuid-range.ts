import { BytesRange, type RangeOfBytes } from './bytes-range.ts'
import type { Range } from './value-store.ts'

/**
 * The range of a uuid column, in the order of its unsigned bytes (RFC 9562, section 6.11). Readers that compare UUIDs as two signed
 * numbers (apache/iceberg#14216) would find the upper end below the lower one: there is a range only where both orders are the same,
 * which is where all values have the same sign bits.
 */
export class UuidRange implements RangeOfBytes {
  readonly flip = -0x80000000
  /** Every value is to be seen. */
  readonly lowerPrefix = 0x7fffffff
  readonly upperPrefix = -0x80000000
  readonly #bytes = new BytesRange(false)
  /** Of the first bytes of both halves: the bits that some value has, and that some has not. */
  #some = 0
  #notAll = 0

  observe(data: Uint8Array, view: DataView, start: number, end: number, prefix: number): void {
    this.#bytes.observe(data, view, start, end, prefix)
    const signs = (data[start] << 8) | data[start + 8]
    this.#some |= signs
    this.#notAll |= ~signs
  }

  range(): Range | undefined {
    return (this.#some & this.#notAll & 0x8080) === 0 ? this.#bytes.range() : undefined
  }

  clear(): void {
    this.#bytes.clear()
    this.#some = 0
    this.#notAll = 0
  }
}

/** Whether two uuids have the same sign bits. */
export function haveOneSign(a: Uint8Array, b: Uint8Array): boolean {
  return ((a[0] ^ b[0]) & 0x80) === 0 && ((a[8] ^ b[8]) & 0x80) === 0
}
