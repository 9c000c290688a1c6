import type { FixedBytesVector } from '../../../formats/arrow/vector.ts'
import { FixedBytesExtremes } from './bytes.ts'
import type { Bounds, Extremes } from './extremes.ts'

/**
 * uuid, in the order of its unsigned bytes (RFC 9562, section 6.11). Readers that compare UUIDs as two signed numbers, as Iceberg's
 * own did for long (apache/iceberg#14216), would find the upper bound below the lower one and skip files that hold what they
 * look for: there are bounds only where both orders are the same, which is where all values have the same sign bits.
 */
export class UuidExtremes implements Extremes {
  readonly nanCount = null
  readonly #bytes = new FixedBytesExtremes()
  /** Bit 7: whether some value has the sign bit of its first half, of its second, and whether some has it not. */
  #first = 0
  #second = 0
  #notFirst = 0
  #notSecond = 0

  add(column: FixedBytesVector, present: Uint8Array | null): void {
    this.#bytes.add(column, present)
    const { length, data } = column
    for (let i = 0; i < length; i++) {
      if (present !== null && (present[i >> 3] & (1 << (i & 7))) === 0) continue
      this.#first |= data[16 * i]
      this.#notFirst |= ~data[16 * i]
      this.#second |= data[16 * i + 8]
      this.#notSecond |= ~data[16 * i + 8]
    }
  }

  bounds(): Bounds | undefined {
    const mixed = (this.#first & this.#notFirst) | (this.#second & this.#notSecond)
    return (mixed & 0x80) === 0 ? this.#bytes.bounds() : undefined
  }
}
