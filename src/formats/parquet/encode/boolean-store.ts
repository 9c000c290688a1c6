import { PageBuffer } from './page-buffer.ts'
import type { Picked, Range, StoredVector, ValueStore } from './value-store.ts'

/** The values of a boolean column: a bit each, the first in the lowest bit. */
export class BooleanStore implements ValueStore {
  readonly page = new PageBuffer()
  readonly dictionary = null
  readonly nanCount = 0
  #values: Uint8Array = new Uint8Array(0)
  /** Bits in the last byte of the page; 0 where it is full. */
  #held = 0
  #anyTrue = false
  #anyFalse = false

  open(vector: StoredVector): void {
    if (vector.layout !== 'boolean') throw new RangeError(`expected a vector of booleans, found one of layout ${vector.layout}`)
    if (vector.values.length * 8 < vector.length) throw new RangeError('its values are fewer than its slots')
    this.#values = vector.values
  }

  plainSize(_picked: Picked, from: number, to: number): number {
    return (to - from + 7) >> 3
  }

  writePlain({ slots, first }: Picked, from: number, to: number): void {
    const { page } = this
    const values = this.#values
    page.reserve(((to - from) >> 3) + 2)
    // A page that was closed starts with a new byte.
    if (page.byteLength === 0) this.#held = 0
    let held = this.#held
    let byte = held > 0 ? page.bytes[--page.end] : 0
    let count = 0
    for (let i = from; i < to; i++) {
      const slot = slots === null ? first + i : slots[i]
      const bit = (values[slot >> 3] >> (slot & 7)) & 1
      byte |= bit << held
      count += bit
      if (++held === 8) {
        page.bytes[page.end++] = byte
        byte = 0
        held = 0
      }
    }
    if (held > 0) page.bytes[page.end++] = byte
    this.#held = held
    if (count > 0) this.#anyTrue = true
    if (count < to - from) this.#anyFalse = true
  }

  range(): Range | undefined {
    if (!this.#anyTrue && !this.#anyFalse) return undefined
    return { lower: Uint8Array.of(this.#anyFalse ? 0 : 1), upper: Uint8Array.of(this.#anyTrue ? 1 : 0) }
  }

  clear(): void {
    this.page.clear()
    this.#held = 0
    this.#anyTrue = false
    this.#anyFalse = false
  }
}
