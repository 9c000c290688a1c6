import { NumberDictionary } from './number-dictionary.ts'
import type { NumberRange } from './number-range.ts'
import { PageBuffer } from './page-buffer.ts'
import type { Picked, Range, StoredVector, ValueStore } from './value-store.ts'

type Numbers = Int32Array | BigInt64Array | Float32Array | Float64Array

/**
 * The values of a column of 32-bit or 64-bit numbers. All are moved as 32-bit words: no BigInt is made, and a NaN keeps its bits.
 * Little-endian hosts only, as Arrow's buffers are.
 */
export class NumberStore implements ValueStore {
  readonly page = new PageBuffer()
  readonly dictionary: NumberDictionary
  readonly #range: NumberRange
  readonly #make: (abstract new () => Numbers) | 'decimal'
  /** Words a value. */
  readonly #width: 1 | 2
  #words: Int32Array = new Int32Array(0)
  #packed = new Int32Array(0)

  /** `make`: what vectors have their values in. `width`: 32-bit words a value. */
  constructor(make: (abstract new () => Numbers) | 'decimal', width: 1 | 2, range: NumberRange) {
    this.#make = make
    this.#width = width
    this.#range = range
    this.dictionary = new NumberDictionary(this, this.#width, range)
  }

  get nanCount(): number {
    return this.#range.nanCount
  }

  /** Of the open vector, two for a number of 64 bits (low, high). */
  get words(): Int32Array {
    return this.#words
  }

  open(vector: StoredVector): void {
    const make = this.#make
    if (make === 'decimal' && vector.layout === 'plain-decimals' && vector.values.BYTES_PER_ELEMENT === this.#width * 4) {
      this.#words = new Int32Array(vector.values.buffer, vector.values.byteOffset, vector.values.length * this.#width)
    } else if (make === 'decimal') {
      if (vector.layout !== 'decimal') throw new RangeError(`expected a vector of decimals, found one of layout ${vector.layout}`)
      this.#words = this.#pack(vector.values, vector.validity)
    } else if (vector.layout === 'fixed' && vector.values instanceof make) {
      this.#words = new Int32Array(vector.values.buffer, vector.values.byteOffset, vector.values.length * this.#width)
    } else throw new RangeError(`expected a vector of ${make.name}, found one of layout ${vector.layout}`)
    if (this.#words.length < vector.length * this.#width) throw new RangeError('its values are fewer than its slots')
  }

  plainSize(_picked: Picked, from: number, to: number): number {
    return (to - from) * this.#width * 4
  }

  writePlain(picked: Picked, from: number, to: number): void {
    const { page } = this
    const width = this.#width
    const words = this.#words
    const { slots, first } = picked
    page.reserve((to - from) * width * 4)
    const out = page.words
    let at = page.end >> 2
    if (slots === null) out.set(words.subarray((first + from) * width, (first + to) * width), at)
    else if (width === 1) for (let i = from; i < to; i++) out[at++] = words[slots[i]]
    else {
      for (let i = from; i < to; i++, at += 2) {
        const slot = slots[i] * 2
        out[at] = words[slot]
        out[at + 1] = words[slot + 1]
      }
    }
    page.end += (to - from) * width * 4
    this.#range.observe(words, picked, from, to)
  }

  range(): Range | undefined {
    return this.#range.range()
  }

  clear(): void {
    this.page.clear()
    this.dictionary.clear()
    this.#range.clear()
  }

  /** The low 32 or 64 bits of decimals; those above must be their sign. */
  #pack(values: BigInt64Array, validity: Uint8Array | null): Int32Array {
    const width = this.#width
    const halves = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
    const length = halves.length / 4
    if (length * width > this.#packed.length) this.#packed = new Int32Array(length * width)
    const packed = this.#packed
    for (let i = 0; i < length; i++) {
      const sign = halves[i * 4 + width - 1] >> 31
      for (let k = 0; k < width; k++) packed[i * width + k] = halves[i * 4 + k]
      for (let k = width; k < 4; k++) {
        if (halves[i * 4 + k] !== sign && (validity === null || (validity[i >> 3] & (1 << (i & 7))) !== 0)) {
          throw new RangeError(`a decimal does not fit ${width * 32} bits`)
        }
      }
    }
    return packed.subarray(0, length * width)
  }
}
