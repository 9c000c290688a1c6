import type { FixedVector } from '../../../formats/arrow/vector.ts'
import { serializeSingleValue } from '../../../formats/iceberg/single-value.ts'
import type { Bounds, Extremes } from './extremes.ts'

/** int and date. */
export class IntExtremes implements Extremes {
  readonly nanCount = null
  #low = 0x7fffffff
  #high = -0x80000000

  add({ length, values }: FixedVector & { readonly values: Int32Array }, present: Uint8Array | null): void {
    let low = this.#low
    let high = this.#high
    for (let i = 0; i < length; i++) {
      if (present !== null && (present[i >> 3] & (1 << (i & 7))) === 0) continue
      const value = values[i]
      if (value < low) low = value
      if (value > high) high = value
    }
    this.#low = low
    this.#high = high
  }

  bounds(): Bounds | undefined {
    if (this.#low > this.#high) return undefined
    return { lower: serializeSingleValue('int', this.#low), upper: serializeSingleValue('int', this.#high) }
  }
}

/** float and double. Which zero is a bound is left to `dataFileMetrics`. */
export class FloatExtremes implements Extremes {
  readonly #type: 'float' | 'double'
  #nans = 0
  #low = Infinity
  #high = -Infinity

  constructor(type: 'float' | 'double') {
    this.#type = type
  }

  get nanCount(): bigint {
    return BigInt(this.#nans)
  }

  add({ length, values }: FixedVector & { readonly values: Float32Array | Float64Array }, present: Uint8Array | null): void {
    let low = this.#low
    let high = this.#high
    let nans = 0
    for (let i = 0; i < length; i++) {
      if (present !== null && (present[i >> 3] & (1 << (i & 7))) === 0) continue
      const value = values[i]
      if (value < low) low = value
      if (value > high) high = value
      if (Number.isNaN(value)) nans++
    }
    this.#low = low
    this.#high = high
    this.#nans += nans
  }

  bounds(): Bounds | undefined {
    if (this.#low > this.#high) return undefined
    return { lower: serializeSingleValue(this.#type, this.#low), upper: serializeSingleValue(this.#type, this.#high) }
  }
}
