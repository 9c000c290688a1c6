import type { Picked, Range } from './value-store.ts'

/** The range of the numbers of a column, given as 32-bit words, two for a number of 64 bits (low, high). */
export interface NumberRange {
  readonly nanCount: number
  /** Whether a number is NaN. */
  isNan(low: number, high: number): boolean
  countNans(count: number): void
  /** Numbers `[from, to)` of those picked. */
  observe(words: Int32Array, picked: Picked, from: number, to: number): void
  range(): Range | undefined
  clear(): void
}

/** int, date, and decimals of at most 9 digits. */
export class Int32Range implements NumberRange {
  readonly nanCount = 0
  #lower = 0x7fffffff
  #upper = -0x80000000

  isNan(): boolean {
    return false
  }

  countNans(): void {}

  observe(words: Int32Array, { slots, first }: Picked, from: number, to: number): void {
    let [lower, upper] = [this.#lower, this.#upper]
    for (let i = from; i < to; i++) {
      const value = words[slots === null ? first + i : slots[i]]
      if (value < lower) lower = value
      if (value > upper) upper = value
    }
    this.#lower = lower
    this.#upper = upper
  }

  range(): Range | undefined {
    return this.#lower > this.#upper
      ? undefined
      : { lower: bytesOf(Int32Array.of(this.#lower)), upper: bytesOf(Int32Array.of(this.#upper)) }
  }

  clear(): void {
    this.#lower = 0x7fffffff
    this.#upper = -0x80000000
  }
}

/** long, time, timestamps, and decimals of 10 to 18 digits: the high words decide, mostly. */
export class Int64Range implements NumberRange {
  readonly nanCount = 0
  readonly #lower = new Int32Array(2)
  readonly #upper = new Int32Array(2)
  #any = false

  isNan(): boolean {
    return false
  }

  countNans(): void {}

  observe(words: Int32Array, { slots, first }: Picked, from: number, to: number): void {
    if (from === to) return
    if (!this.#any) {
      const at = 2 * (slots === null ? first + from : slots[from])
      this.#lower.set(words.subarray(at, at + 2))
      this.#upper.set(words.subarray(at, at + 2))
      this.#any = true
    }
    let [lowerLow, lowerHigh, upperLow, upperHigh] = [this.#lower[0] >>> 0, this.#lower[1], this.#upper[0] >>> 0, this.#upper[1]]
    for (let i = from; i < to; i++) {
      const at = 2 * (slots === null ? first + i : slots[i])
      const low = words[at] >>> 0
      const high = words[at + 1]
      if (high < lowerHigh || (high === lowerHigh && low < lowerLow)) {
        lowerLow = low
        lowerHigh = high
      }
      if (high > upperHigh || (high === upperHigh && low > upperLow)) {
        upperLow = low
        upperHigh = high
      }
    }
    this.#lower[0] = lowerLow
    this.#lower[1] = lowerHigh
    this.#upper[0] = upperLow
    this.#upper[1] = upperHigh
  }

  range(): Range | undefined {
    return this.#any ? { lower: bytesOf(this.#lower).slice(), upper: bytesOf(this.#upper).slice() } : undefined
  }

  clear(): void {
    this.#any = false
  }
}

/** float and double. A NaN is in no range; a zero is −0.0 below and +0.0 above, since readers do not agree on which is less. */
export class FloatRange implements NumberRange {
  nanCount = 0
  readonly #make: typeof Float32Array | typeof Float64Array
  #lower = Infinity
  #upper = -Infinity

  constructor(make: typeof Float32Array | typeof Float64Array) {
    this.#make = make
  }

  isNan(low: number, high: number): boolean {
    const exponentAndMore = this.#make === Float64Array ? high & 0x7fffffff : low & 0x7fffffff
    if (this.#make === Float32Array) return exponentAndMore > 0x7f800000
    return exponentAndMore > 0x7ff00000 || (exponentAndMore === 0x7ff00000 && low !== 0)
  }

  countNans(count: number): void {
    this.nanCount += count
  }

  observe(words: Int32Array, { slots, first }: Picked, from: number, to: number): void {
    const numbers = new this.#make(words.buffer as ArrayBuffer, words.byteOffset, words.byteLength / this.#make.BYTES_PER_ELEMENT)
    let [lower, upper, nans] = [this.#lower, this.#upper, 0]
    for (let i = from; i < to; i++) {
      const value = numbers[slots === null ? first + i : slots[i]]
      if (value < lower) lower = value
      if (value > upper) upper = value
      if (Number.isNaN(value)) nans++
    }
    this.#lower = lower
    this.#upper = upper
    this.nanCount += nans
  }

  range(): Range | undefined {
    if (this.#lower > this.#upper) return undefined
    const lower = this.#lower === 0 ? -0 : this.#lower
    const upper = this.#upper === 0 ? 0 : this.#upper
    return { lower: bytesOf(this.#make.of(lower)), upper: bytesOf(this.#make.of(upper)) }
  }

  clear(): void {
    this.nanCount = 0
    this.#lower = Infinity
    this.#upper = -Infinity
  }
}

function bytesOf(array: Int32Array | Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(array.buffer)
}
