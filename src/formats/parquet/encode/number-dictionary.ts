import type { PageBuffer } from './page-buffer.ts'
import type { NumberRange } from './number-range.ts'
import { maxProbes } from './probes.ts'
import type { Dictionary, Picked } from './value-store.ts'

/** The column chunk whose numbers these are: the words of the vector that is being added, and the page that is being filled. */
interface Chunk {
  readonly words: Int32Array
  readonly page: PageBuffer
}

/** Distinct numbers of a column chunk, found by their bits: −0.0 and +0.0 are two entries, and so are two NaNs. */
export class NumberDictionary implements Dictionary {
  readonly #store: Chunk
  readonly #width: 1 | 2
  readonly #range: NumberRange
  /** Entries plus one by hash, 0 where there is none; open addressing. */
  #table = new Int32Array(1024)
  #shift = 22
  /** Words of the entries, `#width` each. */
  #entries = new Int32Array(512)
  #nans = new Set<number>()
  length = 0
  crowded = false

  constructor(store: Chunk, width: 1 | 2, range: NumberRange) {
    this.#store = store
    this.#width = width
    this.#range = range
  }

  get byteLength(): number {
    return this.length * this.#width * 4
  }

  add({ slots, first }: Picked, from: number, to: number, indexes: Int32Array, at: number): void {
    const width = this.#width
    const words = this.#store.words
    let table = this.#table
    let entries = this.#entries
    let [lastLow, lastHigh, last] = [0, 0, -1]
    for (let i = from; i < to; i++, at++) {
      const slot = (slots === null ? first + i : slots[i]) * width
      const low = words[slot]
      const high = width === 2 ? words[slot + 1] : 0
      // Equal numbers come together often: a partition, a status, a time.
      if (low === lastLow && high === lastHigh && last >= 0) {
        indexes[at] = last
        continue
      }
      const mask = table.length - 1
      let place = hash(low, high) >>> this.#shift
      let entry = table[place] - 1
      let probes = 0
      while (entry >= 0 && (entries[entry * width] !== low || (width === 2 && entries[entry * 2 + 1] !== high))) {
        place = (place + 1) & mask
        entry = table[place] - 1
        probes++
      }
      if (entry < 0) {
        if (probes > maxProbes) this.crowded = true
        entry = this.#insert(place, low, high)
        table = this.#table
        entries = this.#entries
      }
      indexes[at] = last = entry
      lastLow = low
      lastHigh = high
    }
  }

  truncate(length: number): void {
    this.length = length
    for (const entry of this.#nans) if (entry >= length) this.#nans.delete(entry)
  }

  writePlain(indexes: Int32Array, count: number): void {
    const { page } = this.#store
    const [width, entries] = [this.#width, this.#entries]
    page.reserve(count * width * 4)
    const out = page.words
    let at = page.end >> 2
    for (let i = 0; i < count; i++) {
      out[at++] = entries[indexes[i] * width]
      if (width === 2) out[at++] = entries[indexes[i] * 2 + 1]
    }
    page.end += count * width * 4
  }

  encode(): Uint8Array {
    return new Uint8Array(this.#entries.buffer, 0, this.byteLength)
  }

  observe(): void {
    const nans = this.#range.nanCount
    this.#range.observe(this.#entries, { slots: null, first: 0 }, 0, this.length)
    // Entries are no values: those were counted page by page.
    this.#range.countNans(nans - this.#range.nanCount)
  }

  observeNans(indexes: Int32Array, count: number): void {
    if (this.#nans.size === 0) return
    let found = 0
    for (let i = 0; i < count; i++) if (this.#nans.has(indexes[i])) found++
    this.#range.countNans(found)
  }

  clear(): void {
    this.#table.fill(0)
    this.#nans.clear()
    this.length = 0
    this.crowded = false
  }

  #insert(place: number, low: number, high: number): number {
    const entry = this.length++
    const width = this.#width
    if (this.length * width > this.#entries.length) {
      const larger = new Int32Array(this.#entries.length * 2)
      larger.set(this.#entries)
      this.#entries = larger
    }
    this.#entries[entry * width] = low
    if (width === 2) this.#entries[entry * 2 + 1] = high
    this.#table[place] = this.length
    if (this.#range.isNan(low, high)) this.#nans.add(entry)
    if (this.length * 2 > this.#table.length) this.#grow()
    return entry
  }

  #grow(): void {
    const [width, entries] = [this.#width, this.#entries]
    const table = new Int32Array(this.#table.length * 2)
    this.#shift--
    for (let entry = 0; entry < this.length; entry++) {
      let place = hash(entries[entry * width], width === 2 ? entries[entry * 2 + 1] : 0) >>> this.#shift
      while (table[place] !== 0) place = (place + 1) & (table.length - 1)
      table[place] = entry + 1
    }
    this.#table = table
  }
}

function hash(low: number, high: number): number {
  const mixed = low ^ Math.imul(high, 0x85ebca77)
  return Math.imul(mixed ^ (mixed >>> 15), 0x9e3779b1)
}
