import { ByteSlots, type Layout } from './byte-slots.ts'
import { BytesDictionary } from './bytes-dictionary.ts'
import { prefixOf, type RangeOfBytes } from './bytes-range.ts'
import { PageBuffer } from './page-buffer.ts'
import type { Picked, Range, StoredVector, ValueStore } from './value-store.ts'

/** From this length on a call that copies bytes is faster than a loop over words of eight. */
const longBytes = 160

/** The values of a column of byte strings: string and binary with their length in front, uuid, fixed and long decimals without. */
export class BytesStore implements ValueStore {
  readonly page = new PageBuffer()
  readonly dictionary: BytesDictionary
  readonly nanCount = 0
  readonly #slots: ByteSlots
  readonly #range: RangeOfBytes
  /** Bytes of the length in front of a value. */
  readonly #front: 0 | 4

  /** `layout`: of the vectors. `fixedLength`: bytes of every value; 0 where they differ. */
  constructor(layout: Layout, fixedLength: number, range: RangeOfBytes) {
    this.#front = fixedLength === 0 ? 4 : 0
    this.#slots = new ByteSlots(layout, fixedLength)
    this.#range = range
    this.dictionary = new BytesDictionary(this.page, this.#slots, this.#range, this.#front)
  }

  open(vector: StoredVector): void {
    this.#slots.open(vector)
  }

  plainSize({ slots, first }: Picked, from: number, to: number): number {
    const { offsets, gap } = this.#slots
    let size = (to - from) * (this.#front - gap)
    if (slots === null) return size + offsets[first + to] - offsets[first + from]
    for (let i = from; i < to; i++) size += offsets[slots[i] + 1] - offsets[slots[i]]
    return size
  }

  writePlain(picked: Picked, from: number, to: number): void {
    const { slots, first } = picked
    const { page } = this
    page.reserve(this.plainSize(picked, from, to))
    const { bytes, view: out } = page
    const { offsets, data, view, wordsEnd, gap } = this.#slots
    const range = this.#range
    const front = this.#front
    const { flip } = range
    let { lowerPrefix, upperPrefix } = range
    let at = page.end
    // Values that are PLAIN already are copied as one.
    const isCopied = slots === null && gap === 4 && to > from
    if (isCopied) bytes.set(data.subarray(offsets[first + from] - 4, offsets[first + to] - 4), at)
    for (let i = from; i < to; i++) {
      const slot = slots === null ? first + i : slots[i]
      const start = offsets[slot]
      const end = offsets[slot + 1] - gap
      const length = end - start
      if (isCopied) at += 4
      else if (front === 4) {
        out.setInt32(at, length, true)
        at += 4
      }
      if (isCopied) {
        // They are there.
      } else if (length > longBytes) bytes.set(data.subarray(start, end), at)
      else if (end <= wordsEnd) {
        for (let k = 0; k < length; k += 8) out.setBigInt64(at + k, view.getBigInt64(start + k, true), true)
      } else for (let k = 0; k < length; k++) bytes[at + k] = data[start + k]
      at += length
      const prefix = prefixOf(view, start, length, flip)
      if (prefix <= lowerPrefix || prefix >= upperPrefix) {
        range.observe(data, view, start, end, prefix)
        lowerPrefix = range.lowerPrefix
        upperPrefix = range.upperPrefix
      }
    }
    page.end = at
  }

  range(): Range | undefined {
    return this.#range.range()
  }

  clear(): void {
    this.page.clear()
    this.dictionary.clear()
    this.#range.clear()
  }
}
