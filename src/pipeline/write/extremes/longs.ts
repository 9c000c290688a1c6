import type { FixedVector } from '../../../formats/arrow/vector.ts'
import type { Bounds, Extremes } from './extremes.ts'

/**
 * long, time and timestamps. Values are compared as two halves of 32 bits, since reading one as a BigInt may allocate it: the upper
 * halves signed, the lower ones with their sign bit turned over, which makes a signed comparison an unsigned one.
 */
export class LongExtremes implements Extremes {
  readonly nanCount = null
  #lowUpper = 0x7fffffff
  #lowLower = 0x7fffffff
  #highUpper = -0x80000000
  #highLower = -0x80000000

  add({ length, values }: FixedVector, present: Uint8Array | null): void {
    const halves = new Int32Array(values.buffer, values.byteOffset, length * 2)
    let lowUpper = this.#lowUpper
    let lowLower = this.#lowLower
    let highUpper = this.#highUpper
    let highLower = this.#highLower
    for (let i = 0; i < length; i++) {
      if (present !== null && (present[i >> 3] & (1 << (i & 7))) === 0) continue
      const lower = halves[2 * i] ^ -0x80000000
      const upper = halves[2 * i + 1]
      if (upper < lowUpper || (upper === lowUpper && lower < lowLower)) {
        lowUpper = upper
        lowLower = lower
      }
      if (upper > highUpper || (upper === highUpper && lower > highLower)) {
        highUpper = upper
        highLower = lower
      }
    }
    this.#lowUpper = lowUpper
    this.#lowLower = lowLower
    this.#highUpper = highUpper
    this.#highLower = highLower
  }

  bounds(): Bounds | undefined {
    const isEmpty = this.#lowUpper > this.#highUpper || (this.#lowUpper === this.#highUpper && this.#lowLower > this.#highLower)
    if (isEmpty) return undefined
    return { lower: littleEndian(this.#lowUpper, this.#lowLower), upper: littleEndian(this.#highUpper, this.#highLower) }
  }
}

function littleEndian(upper: number, lower: number): Uint8Array {
  const bytes = new Uint8Array(8)
  const view = new DataView(bytes.buffer)
  view.setInt32(0, lower ^ -0x80000000, true)
  view.setInt32(4, upper, true)
  return bytes
}
