/** In the place of a definition level: the slot is there, as far as has been looked. */
export const live = 255

/**
 * What of a batch's rows reaches one node of the schema, as levels (Dremel: parquet-format, "Nested Encoding") and the slots of the
 * node's vector that they lead to. On the way from the root to a leaf each node that can be null or repeated narrows or widens it.
 */
export interface Shredded {
  /** Levels. */
  readonly length: number
  /** Repetition levels; null where all are 0. */
  readonly repetition: Uint8Array | null
  /** `live`, or the definition level at which it ended; null where all are live. */
  readonly definition: Uint8Array | null
  /** Live levels: each leads to a slot. */
  readonly count: number
  /** The slots, ascending; null where they follow one another from `first` on. */
  readonly slots: Int32Array | null
  readonly first: number
}

/** A batch's rows at the root. */
export function rowsOf(length: number): Shredded {
  return { length, repetition: null, definition: null, count: length, slots: null, first: 0 }
}

/** Ends the levels whose slots are null at one node of the schema. Its answers share buffers: each is valid until the next. */
export class Nulls {
  readonly #level: number
  #definition = new Uint8Array(0)
  #slots = new Int32Array(0)

  /** `level`: the definition level of a null here. */
  constructor(level: number) {
    this.#level = level
  }

  end(from: Shredded, validity: Uint8Array | null): Shredded {
    if (validity === null) return from
    const { length, first } = from
    if (length > this.#definition.length) {
      this.#definition = new Uint8Array(length)
      this.#slots = new Int32Array(length)
    }
    const [definition, slots] = [this.#definition, this.#slots]
    const level = this.#level
    let count = 0
    if (from.definition === null && from.slots === null) {
      // No branch on what is null, which is hard to foretell.
      for (let i = 0; i < length; i++) {
        const slot = first + i
        const present = (validity[slot >> 3] >> (slot & 7)) & 1
        definition[i] = -present | level
        slots[count] = slot
        count += present
      }
    } else {
      let seen = 0
      for (let i = 0; i < length; i++) {
        const known = from.definition === null ? live : from.definition[i]
        definition[i] = known
        if (known !== live) continue
        const slot = from.slots === null ? first + seen : from.slots[seen]
        seen++
        const present = (validity[slot >> 3] >> (slot & 7)) & 1
        definition[i] = -present | level
        slots[count] = slot
        count += present
      }
    }
    return count === from.count ? from : { ...from, definition, slots, count, first: 0 }
  }
}

/** Goes from lists (or maps) to their elements. Its answers share buffers: each is valid until the next. */
export class Elements {
  readonly #emptyLevel: number
  readonly #repetitionLevel: number
  #definition = new Uint8Array(0)
  #repetition = new Uint8Array(0)
  #slots = new Int32Array(0)

  /** `emptyLevel`: the definition level of an empty list. `repetitionLevel`: that of all elements of a list but the first. */
  constructor(emptyLevel: number, repetitionLevel: number) {
    this.#emptyLevel = emptyLevel
    this.#repetitionLevel = repetitionLevel
  }

  /** `offsets`: slot i of the list holds the elements `[offsets[i], offsets[i + 1])`; there are `elements` in all. */
  expand(from: Shredded, offsets: Int32Array, elements: number): Shredded {
    this.#reserve(from.length + elements + 4)
    const [definition, repetition] = [this.#definition, this.#repetition]
    const [emptyLevel, repetitionLevel] = [this.#emptyLevel, this.#repetitionLevel]
    const first = from.count === 0 ? 0 : offsets[from.slots === null ? from.first : from.slots[0]]
    let gaps = 0
    let [seen, length, count] = [0, 0, 0]
    for (let i = 0; i < from.length; i++) {
      repetition[length] = from.repetition === null ? 0 : from.repetition[i]
      if (from.definition !== null && from.definition[i] !== live) {
        definition[length++] = from.definition[i]
        continue
      }
      const slot = from.slots === null ? from.first + seen : from.slots[seen]
      seen++
      const size = offsets[slot + 1] - offsets[slot]
      gaps |= offsets[slot] ^ (first + count)
      count += size
      definition[length++] = size === 0 ? emptyLevel : live
      // Short lists are frequent and their length is hard to foretell: what is written too much is overwritten.
      repetition[length] = repetition[length + 1] = repetition[length + 2] = repetitionLevel
      definition[length] = definition[length + 1] = definition[length + 2] = live
      const end = length + Math.max(0, size - 1)
      for (length += 3; length < end; length++) {
        repetition[length] = repetitionLevel
        definition[length] = live
      }
      length = end
    }
    if (gaps === 0) return { length, repetition, definition, count, slots: null, first }
    return { length, repetition, definition, count, slots: this.#elementsOf(from, offsets), first: 0 }
  }

  /** The elements' slots where they do not follow one another: between them are some that null lists own. */
  #elementsOf(from: Shredded, offsets: Int32Array): Int32Array {
    const slots = this.#slots
    let count = 0
    for (let i = 0; i < from.count; i++) {
      const slot = from.slots === null ? from.first + i : from.slots[i]
      for (let element = offsets[slot]; element < offsets[slot + 1]; element++) slots[count++] = element
    }
    return slots
  }

  #reserve(length: number): void {
    if (length <= this.#definition.length) return
    this.#definition = new Uint8Array(length)
    this.#repetition = new Uint8Array(length)
    this.#slots = new Int32Array(length)
  }
}
