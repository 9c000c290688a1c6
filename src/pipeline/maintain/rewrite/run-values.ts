import type { LeafRun } from '../../../formats/parquet/encode/row-group-writer.ts'
import { live } from '../../../formats/parquet/encode/shredded.ts'
import type { StoredVector } from '../../../formats/parquet/encode/value-store.ts'

/** Single values of a leaf that is in no list, by row. */
export interface RunValues {
  /** The bytes of a string as text; null where there is none. */
  utf8(row: number): string | null
  /** A whole number; null where there is none. */
  bigint(row: number): bigint | null
  /** What is equal for equal values alone, in whatever vectors they are; null where there is none. */
  key(row: number): string | null
}

/** Gives access to rows of a leaf that is in no list. */
export function valuesOf(runs: readonly LeafRun[], rows: number): RunValues {
  const vectors: (StoredVector | null)[] = []
  const runOf = new Int32Array(rows)
  const slotOf = new Int32Array(rows).fill(-1)
  let row = 0
  for (const { length, definition, slots, first, values } of runs) {
    const run = vectors.push(values) - 1
    for (let i = 0, value = 0; i < length; i++, row++) {
      runOf[row] = run
      if (definition !== null && definition[i] !== live) continue
      slotOf[row] = slots === null ? first + value : slots[value]
      value++
    }
  }
  if (row !== rows) throw new RangeError(`a column has ${row} values in ${rows} rows`)
  // Values of a dictionary, and equal ones one behind another, are made into text once.
  const texts = vectors.map(() => new Map<number, string>())
  const text = (at: number, make: (vector: StoredVector, slot: number) => string): string | null => {
    const slot = slotOf[at]
    if (slot < 0) return null
    const known = texts[runOf[at]]
    const made = known.get(slot) ?? make(vectors[runOf[at]]!, slot)
    known.set(slot, made)
    return made
  }
  return {
    utf8: (at) => text(at, (vector, slot) => Buffer.from(bytesAt(vector, slot)).toString('utf8')),
    key: (at) => text(at, keyAt),
    bigint(at) {
      const vector = vectors[runOf[at]]
      return slotOf[at] < 0 || vector?.layout !== 'fixed' ? null : BigInt(vector.values[slotOf[at]])
    },
  }
}

function keyAt(vector: StoredVector, slot: number): string {
  switch (vector.layout) {
    case 'fixed': {
      const value = vector.values[slot]
      return Object.is(value, -0) ? '-0' : String(value)
    }
    case 'plain-decimals':
      return String(vector.values[slot])
    case 'boolean':
      return String((vector.values[slot >> 3] >> (slot & 7)) & 1)
    case 'bytes':
    case 'plain-bytes':
    case 'fixed-bytes': {
      const { buffer, byteOffset, length } = bytesAt(vector, slot)
      return Buffer.from(buffer, byteOffset, length).toString('latin1')
    }
    case 'decimal':
    case 'list':
    case 'map':
    case 'struct':
      throw new TypeError(`values of layout ${vector.layout} are not compared`)
  }
}

function bytesAt(vector: StoredVector, slot: number): Uint8Array {
  if (vector.layout === 'fixed-bytes') return vector.data.subarray(slot * vector.width, (slot + 1) * vector.width)
  if (vector.layout === 'bytes') return vector.data.subarray(vector.offsets[slot], vector.offsets[slot + 1])
  if (vector.layout === 'plain-bytes') return vector.data.subarray(vector.offsets[slot], vector.offsets[slot + 1] - 4)
  throw new TypeError(`expected bytes, found ${vector.layout}`)
}
