import type { BooleanVector } from '../vector.ts'
import type { Builder } from './builder.ts'
import { grown } from './grown.ts'
import { Validity } from './validity.ts'

/** boolean columns: a bit a slot. */
export class BooleanBuilder implements Builder {
  #bits = new Uint8Array(128)
  readonly #validity = new Validity()
  length = 0

  get byteLength(): number {
    return (this.length + 7) >> 3
  }

  append(value: boolean): void {
    const byte = this.length >> 3
    if (byte === this.#bits.length) this.#bits = grown(this.#bits, Uint8Array, byte + 1)
    const bit = 1 << (this.length++ & 7)
    if (value) this.#bits[byte] |= bit
    else this.#bits[byte] &= ~bit
  }

  appendNull(): void {
    this.#validity.markNull(this.length)
    this.append(false)
  }

  truncate(length: number): void {
    this.#validity.truncate(length, this.length)
    this.length = length
  }

  snapshot(): BooleanVector {
    const validity = this.#validity.snapshot(this.length)
    const values = this.#bits.subarray(0, this.byteLength)
    return { layout: 'boolean', length: this.length, nullCount: this.#validity.nulls, validity, values }
  }

  clear(): void {
    this.#validity.clear()
    this.length = 0
  }
}
