import type { DecimalVector } from '../../../formats/arrow/vector.ts'
import { minimalBigEndian } from '../../../formats/iceberg/unscaled.ts'
import type { Bounds, Extremes } from './extremes.ts'

/** decimal, by its unscaled value. Within a row group values are compared as four words of 32 bits, without BigInts. */
export class DecimalExtremes implements Extremes {
  readonly nanCount = null
  #low: bigint | undefined
  #high: bigint | undefined

  add({ length, values }: DecimalVector, present: Uint8Array | null): void {
    const words = new Int32Array(values.buffer, values.byteOffset, length * 4)
    let low = -1
    let high = -1
    for (let i = 0; i < length; i++) {
      if (present !== null && (present[i >> 3] & (1 << (i & 7))) === 0) continue
      if (low < 0) low = high = i
      else if (isLess(words, i, low)) low = i
      else if (isLess(words, high, i)) high = i
    }
    if (low < 0) return
    const smallest = unscaledAt(values, low)
    const largest = unscaledAt(values, high)
    if (this.#low === undefined || smallest < this.#low) this.#low = smallest
    if (this.#high === undefined || largest > this.#high) this.#high = largest
  }

  bounds(): Bounds | undefined {
    if (this.#low === undefined || this.#high === undefined) return undefined
    return { lower: minimalBigEndian(this.#low), upper: minimalBigEndian(this.#high) }
  }
}

/** The highest word is signed, the others are not: with their sign bit turned over a signed comparison is an unsigned one. */
function isLess(words: Int32Array, a: number, b: number): boolean {
  const top = words[4 * a + 3] - words[4 * b + 3]
  if (top !== 0) return top < 0
  for (let k = 2; k >= 0; k--) {
    const x = words[4 * a + k] ^ -0x80000000
    const y = words[4 * b + k] ^ -0x80000000
    if (x !== y) return x < y
  }
  return false
}

function unscaledAt(values: BigInt64Array, i: number): bigint {
  return (values[2 * i + 1] << 64n) | BigInt.asUintN(64, values[2 * i])
}
