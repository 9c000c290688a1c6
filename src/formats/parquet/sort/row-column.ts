import type { LeafRun } from '../encode/row-group-writer.ts'
import { live } from '../encode/shredded.ts'
import type { StoredVector } from '../encode/value-store.ts'
import { ValueGatherer } from './value-gatherer.ts'

/** Levels of a leaf; undefined where all are the usual ones. */
interface Levels {
  readonly repetition: Uint8Array | undefined
  readonly definition: Uint8Array | undefined
}

/** One leaf of rows that can be taken in any order. */
export class RowColumn {
  /** Null where no row has a value. */
  readonly values: StoredVector | null
  readonly #levels: Levels
  /** Where each value lies in `values`; null: one behind another. */
  readonly #slots: Int32Array | null
  readonly #isIndexed: boolean
  /** By row, its first level, and where the last one ends; null where each row has one. */
  readonly #levelOf: Int32Array | null
  /** By level, the values before it; null where each level has one. */
  readonly #valueOf: Int32Array | null

  /** `isIndexed`: `values` are entries of dictionaries alone, and `slots` lead to them. @throws RangeError where there are not `rows` rows. */
  constructor(rows: number, levels: Levels, values: StoredVector | null, slots: Int32Array | null, isIndexed: boolean) {
    this.values = values
    this.#levels = levels
    this.#slots = slots
    this.#isIndexed = isIndexed
    this.#levelOf = levels.repetition === undefined ? null : rowStarts(levels.repetition, rows)
    this.#valueOf = levels.definition === undefined ? null : valuesBefore(levels.definition)
  }

  /** The slot in `values` of a row's value, of a leaf that is in no list; −1 for null. */
  slotAt(row: number): number {
    if (this.#levels.definition === undefined) return this.#slotOf(row)
    return this.#levels.definition[row] === live ? this.#slotOf(this.#valueOf![row]) : -1
  }

  /** The rows `[from, to)`, in their own order. Shares the column's memory. */
  range(from: number, to: number): LeafRun {
    const [start, end] = this.#levelOf === null ? [from, to] : [this.#levelOf[from], this.#levelOf[to]]
    const [first, last] = this.#valueOf === null ? [start, end] : [this.#valueOf[start], this.#valueOf[end]]
    const count = last - first
    return {
      length: end - start,
      repetition: this.#levels.repetition?.subarray(start, end) ?? null,
      definition: count === end - start ? null : (this.#levels.definition?.subarray(start, end) ?? null),
      count,
      slots: this.#slots?.subarray(first, last) ?? null,
      first: this.#slots === null ? first : 0,
      values: count === 0 ? null : this.values,
      isIndexed: this.#isIndexed,
    }
  }

  /** The rows `order[from, to)`, in that order. */
  take(order: Int32Array, from: number, to: number): LeafRun {
    const { repetition, definition } = this.#levels
    const levelOf = this.#levelOf
    let length = to - from
    if (levelOf !== null) {
      length = 0
      for (let i = from; i < to; i++) length += levelOf[order[i] + 1] - levelOf[order[i]]
    }
    const taken = { repetition: repetition && new Uint8Array(length), definition: definition && new Uint8Array(length) }
    const slots = new Int32Array(length)
    let [at, count] = [0, 0]
    for (let i = from; i < to; i++) {
      const start = levelOf === null ? order[i] : levelOf[order[i]]
      const end = levelOf === null ? start + 1 : levelOf[order[i] + 1]
      for (let level = start; level < end; level++, at++) {
        if (taken.repetition !== undefined) taken.repetition[at] = repetition![level]
        if (taken.definition !== undefined) taken.definition[at] = definition![level]
        if (definition === undefined) slots[count++] = this.#slotOf(level)
        else if (definition[level] === live) slots[count++] = this.#slotOf(this.#valueOf![level])
      }
    }
    return {
      length,
      repetition: taken.repetition ?? null,
      definition: count === length ? null : (taken.definition ?? null),
      count,
      ...this.#valuesAt(slots.subarray(0, count)),
    }
  }

  /** Entries of dictionaries stay where they are; other values are copied, so that they are read one behind another. */
  #valuesAt(slots: Int32Array): Pick<LeafRun, 'values' | 'slots' | 'first' | 'isIndexed'> {
    if (slots.length === 0) return { values: null, slots: null, first: 0, isIndexed: false }
    if (this.#slots !== null) return { values: this.values, slots, first: 0, isIndexed: this.#isIndexed }
    const gatherer = new ValueGatherer()
    gatherer.add(this.values!, { slots, first: 0 }, slots.length)
    return { values: gatherer.finish(), slots: null, first: 0, isIndexed: false }
  }

  #slotOf(value: number): number {
    return this.#slots === null ? value : this.#slots[value]
  }
}

function rowStarts(repetition: Uint8Array, rows: number): Int32Array {
  const starts = new Int32Array(rows + 1)
  let row = 0
  for (let level = 0; level < repetition.length; level++) if (repetition[level] === 0) starts[row++] = level
  if (row !== rows) throw new RangeError(`a column has ${row} rows of ${rows}`)
  starts[rows] = repetition.length
  return starts
}

function valuesBefore(definition: Uint8Array): Int32Array {
  const before = new Int32Array(definition.length + 1)
  for (let level = 0; level < definition.length; level++) before[level + 1] = before[level] + (definition[level] >> 7)
  return before
}
