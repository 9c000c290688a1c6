import type { BooleanVector } from '../../../formats/arrow/vector.ts'
import type { Bounds, Extremes } from './extremes.ts'

/** boolean: false is less than true. */
export class BooleanExtremes implements Extremes {
  readonly nanCount = null
  #hasFalse = false
  #hasTrue = false

  add({ length, values }: BooleanVector, present: Uint8Array | null): void {
    for (let byte = 0; byte * 8 < length; byte++) {
      const slots = length - byte * 8 < 8 ? (1 << (length - byte * 8)) - 1 : 0xff
      const counted = present === null ? slots : slots & present[byte]
      if ((counted & values[byte]) !== 0) this.#hasTrue = true
      if ((counted & ~values[byte]) !== 0) this.#hasFalse = true
    }
  }

  bounds(): Bounds | undefined {
    if (!this.#hasFalse && !this.#hasTrue) return undefined
    return { lower: Uint8Array.of(this.#hasFalse ? 0 : 1), upper: Uint8Array.of(this.#hasTrue ? 1 : 0) }
  }
}
