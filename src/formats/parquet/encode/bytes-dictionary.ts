import type { ByteSlots } from './byte-slots.ts'
import { prefixOf, type RangeOfBytes } from './bytes-range.ts'
import type { PageBuffer } from './page-buffer.ts'
import { maxProbes } from './probes.ts'
import type { Dictionary, Picked } from './value-store.ts'

/** What of the first and of the second four bytes belongs to a value of up to eight bytes. */
const firstMasks = Int32Array.of(0, 0xff, 0xffff, 0xffffff, -1, -1, -1, -1, -1)
const secondMasks = Int32Array.of(0, 0, 0, 0, 0, 0xff, 0xffff, 0xffffff, -1)

/** Numbers that an entry has in `#entries`: its first two words, its length, its last two words, its hash, where it ends in `#data`. */
const width = 8
const hashAt = 5
const endAt = 6

/**
 * Distinct byte strings of a column chunk. The first eight and the last eight bytes, as four words, tell those of up to sixteen bytes
 * apart; longer ones are compared whole.
 */
export class BytesDictionary implements Dictionary {
  readonly #page: PageBuffer
  readonly #slots: ByteSlots
  readonly #range: RangeOfBytes
  /** Bytes of the length in front of an entry. */
  readonly #front: 0 | 4
  /** Entries plus one by hash, 0 where there is none; open addressing. */
  #table = new Int32Array(1024)
  #shift = 22
  #entries = new Int32Array(width * 64)
  /** The entries in PLAIN. */
  #data = new Uint8Array(4096)
  #view = new DataView(this.#data.buffer)
  length = 0
  byteLength = 0
  crowded = false

  constructor(page: PageBuffer, slots: ByteSlots, range: RangeOfBytes, front: 0 | 4) {
    this.#page = page
    this.#slots = slots
    this.#range = range
    this.#front = front
  }

  add({ slots: picked, first }: Picked, from: number, to: number, indexes: Int32Array, at: number): void {
    const { offsets, view, wordsEnd, gap } = this.#slots
    let table = this.#table
    let entries = this.#entries
    for (let i = from; i < to; i++, at++) {
      const slot = picked === null ? first + i : picked[i]
      const start = offsets[slot]
      const length = offsets[slot + 1] - gap - start
      if (length <= 8 && start <= wordsEnd) {
        const a = view.getInt32(start, true) & firstMasks[length]
        const b = view.getInt32(start + 4, true) & secondMasks[length]
        const hash = shortHash(a, b, length)
        const entry = table[hash >>> this.#shift] - 1
        const known = entry * width
        if (entry >= 0 && entries[known] === a && entries[known + 1] === b && entries[known + 2] === length) {
          indexes[at] = entry
          continue
        }
        indexes[at] = this.#find(hash, a, b, 0, 0, start, length)
      } else indexes[at] = length > 8 ? this.#findLong(start, length) : this.#findLast(start, length)
      table = this.#table
      entries = this.#entries
    }
  }

  truncate(length: number): void {
    this.byteLength = this.#endOf(length - 1)
    this.length = length
  }

  writePlain(indexes: Int32Array, count: number): void {
    const page = this.#page
    for (let i = 0; i < count; i++) {
      const start = this.#endOf(indexes[i] - 1)
      const end = this.#endOf(indexes[i])
      page.reserve(end - start)
      page.bytes.set(this.#data.subarray(start, end), page.end)
      page.end += end - start
    }
  }

  encode(): Uint8Array {
    return this.#data.subarray(0, this.byteLength)
  }

  observe(): void {
    for (let entry = 0; entry < this.length; entry++) {
      const start = this.#endOf(entry - 1) + this.#front
      const end = this.#endOf(entry)
      this.#range.observe(this.#data, this.#view, start, end, prefixOf(this.#view, start, end - start, this.#range.flip))
    }
  }

  observeNans(): void {}

  clear(): void {
    this.#table.fill(0)
    this.length = 0
    this.byteLength = 0
    this.crowded = false
  }

  /** Where an entry ends in `#data`, and the next one begins. */
  #endOf(entry: number): number {
    return entry < 0 ? 0 : this.#entries[entry * width + endAt]
  }

  /** The entry of a value of more than eight bytes. */
  #findLong(start: number, length: number): number {
    const { view } = this.#slots
    const [a, b] = [view.getInt32(start, true), view.getInt32(start + 4, true)]
    const [c, d] = [view.getInt32(start + length - 8, true), view.getInt32(start + length - 4, true)]
    const hash = longHash(view, shortHash(a ^ Math.imul(c, 0x27d4eb2f), b + d, length), start + 8, start + length - 8)
    return this.#find(hash, a, b, c, d, start, length)
  }

  /** The entry of a value so near to the end of the buffer that whole words can not be read. */
  #findLast(start: number, length: number): number {
    const words = new DataView(new ArrayBuffer(8))
    for (let i = 0; i < length; i++) words.setUint8(i, this.#slots.data[start + i])
    const [a, b] = [words.getInt32(0, true), words.getInt32(4, true)]
    return this.#find(shortHash(a, b, length), a, b, 0, 0, start, length)
  }

  /** The entry of a value, a new one perhaps. */
  #find(hash: number, a: number, b: number, c: number, d: number, start: number, length: number): number {
    const entries = this.#entries
    const table = this.#table
    const mask = table.length - 1
    let place = hash >>> this.#shift
    let entry = table[place] - 1
    for (let probes = 0; entry >= 0; probes++) {
      const at = entry * width
      if (
        entries[at] === a &&
        entries[at + 1] === b &&
        entries[at + 2] === length &&
        (length <= 8 || (entries[at + 3] === c && entries[at + 4] === d && (length <= 16 || this.#holds(entry, hash, start, length))))
      ) {
        return entry
      }
      if (probes === maxProbes) this.crowded = true
      place = (place + 1) & mask
      entry = table[place] - 1
    }
    return this.#insert(place, hash, a, b, c, d, start, length)
  }

  /** Whether an entry is the value at `start`, which has its length, its first and its last eight bytes. */
  #holds(entry: number, hash: number, start: number, length: number): boolean {
    const at = entry * width
    if (this.#entries[at + hashAt] !== hash) return false
    return areEqual(this.#slots.view, start + 8, this.#view, this.#entries[at + endAt] - length + 8, length - 16)
  }

  #insert(place: number, hash: number, a: number, b: number, c: number, d: number, start: number, length: number): number {
    const entry = this.length++
    const at = this.byteLength
    const end = at + this.#front + length
    if (this.length * width > this.#entries.length) {
      const larger = new Int32Array(this.#entries.length * 2)
      larger.set(this.#entries)
      this.#entries = larger
    }
    if (end > this.#data.length) {
      const larger = new Uint8Array(Math.max(end, this.#data.length * 2))
      larger.set(this.#data)
      this.#data = larger
      this.#view = new DataView(larger.buffer)
    }
    if (this.#front === 4) this.#view.setInt32(at, length, true)
    this.#data.set(this.#slots.data.subarray(start, start + length), at + this.#front)
    this.byteLength = end
    this.#entries.set([a, b, length, c, d, hash, end], entry * width)
    this.#table[place] = this.length
    if (this.length * 2 > this.#table.length) this.#grow()
    return entry
  }

  #grow(): void {
    const table = new Int32Array(this.#table.length * 2)
    this.#shift--
    for (let entry = 0; entry < this.length; entry++) {
      let place = this.#entries[entry * width + hashAt] >>> this.#shift
      while (table[place] !== 0) place = (place + 1) & (table.length - 1)
      table[place] = entry + 1
    }
    this.#table = table
  }
}

function shortHash(a: number, b: number, length: number): number {
  const mixed = Math.imul(a + length, 0x85ebca77) ^ Math.imul(b, 0xc2b2ae3d)
  return Math.imul(mixed ^ (mixed >>> 15), 0x9e3779b1)
}

/** Takes the bytes `[from, to)` into a hash, if there are any. */
function longHash(view: DataView, hash: number, from: number, to: number): number {
  let mixed = hash
  // The last word may reach into the last eight bytes, which are in the hash already: no harm.
  for (let i = from; i < to; i += 4) {
    mixed = Math.imul(mixed ^ view.getInt32(i, true), 0x85ebca77)
    mixed ^= mixed >>> 15
  }
  return Math.imul(mixed, 0x9e3779b1)
}

/** Whether `length` bytes are equal; up to three more are compared, which are those of the last eight. */
function areEqual(a: DataView, aStart: number, b: DataView, bStart: number, length: number): boolean {
  for (let i = 0; i < length; i += 4) if (a.getInt32(aStart + i, true) !== b.getInt32(bStart + i, true)) return false
  return true
}
