import { live, type Shredded } from '../encode/shredded.ts'
import type { StoredVector } from '../encode/value-store.ts'
import { RowColumn } from './row-column.ts'
import { ValueGatherer } from './value-gatherer.ts'

/** Collects the rows of one leaf. What is appended is copied; a dictionary once, however many rows mean its entries. */
export class LeafRows {
  readonly #values = new ValueGatherer()
  #levels = 0
  #repetition: Uint8Array | null = null
  #definition: Uint8Array | null = null
  /** Where each value lies among those gathered, once a dictionary came. */
  #slots: Int32Array | null = null
  #slotCount = 0
  #isIndexed = true
  #dictionary: StoredVector | null = null
  #dictionaryAt = 0

  /** About the memory that is taken. */
  get byteLength(): number {
    const levels = (this.#repetition?.length ?? 0) + (this.#definition?.length ?? 0)
    return this.#values.byteLength + levels + (this.#slots?.byteLength ?? 0)
  }

  /** Levels and their values, as `ColumnChunk.append` takes them. @throws RangeError where byte strings come to 2 GiB. */
  append(vector: StoredVector | null, from: Shredded, isIndexed = false): void {
    const { length, count } = from
    const total = this.#levels + length
    this.#repetition = joined(this.#repetition, from.repetition, 0, this.#levels, length)
    this.#definition = joined(this.#definition, from.definition, live, this.#levels, length)
    this.#levels = total
    if (vector === null || count === 0) return
    // More entries than values are not worth it.
    if (isIndexed && (vector === this.#dictionary || vector.length <= count)) this.#appendIndexed(vector, from.slots!, count)
    else {
      this.#isIndexed = false
      if (this.#slots !== null) this.#pushSlots(count, (i) => this.#values.length + i)
      this.#values.add(vector, from, count)
    }
  }

  /** What there is of `rows` rows. */
  finish(rows: number): RowColumn {
    const levels = { repetition: this.#repetition?.subarray(0, this.#levels), definition: this.#definition?.subarray(0, this.#levels) }
    const slots = this.#slots?.subarray(0, this.#slotCount) ?? null
    return new RowColumn(rows, levels, this.#values.finish(), slots, this.#isIndexed && slots !== null)
  }

  #appendIndexed(vector: StoredVector, slots: Int32Array, count: number): void {
    if (this.#slots === null) {
      this.#slots = new Int32Array(0)
      this.#pushSlots(this.#values.length, (i) => i)
    }
    if (vector !== this.#dictionary) {
      this.#dictionary = vector
      this.#dictionaryAt = this.#values.length
      this.#values.add(vector, { slots: null, first: 0 }, vector.length)
    }
    this.#pushSlots(count, (i) => this.#dictionaryAt + slots[i])
  }

  #pushSlots(count: number, slotOf: (i: number) => number): void {
    let slots = this.#slots!
    const at = this.#slotCount
    if (at + count > slots.length) {
      slots = new Int32Array(Math.max(at + count, Math.ceil(slots.length * 1.5)))
      slots.set(this.#slots!)
      this.#slots = slots
    }
    for (let i = 0; i < count; i++) slots[at + i] = slotOf(i)
    this.#slotCount = at + count
  }
}

/** Levels with `length` more behind the `at` that there are; null stands for levels that are all `usual`. */
function joined(all: Uint8Array | null, more: Uint8Array | null, usual: number, at: number, length: number): Uint8Array | null {
  if (all === null && more === null) return null
  let room = all
  if (room === null || room.length < at + length) {
    room = new Uint8Array(Math.max(at + length, Math.ceil(at * 1.5)))
    if (all === null) room.fill(usual, 0, at)
    else room.set(all.subarray(0, at))
  }
  if (more === null) room.fill(usual, at, at + length)
  else room.set(more.subarray(0, length), at)
  return room
}
