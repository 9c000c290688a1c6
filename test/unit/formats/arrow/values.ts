import { isPresent, type Vector } from '../../../../src/formats/arrow/vector.ts'

/** A column's slots as plain values: null, numbers and bigints, bytes, arrays of elements, arrays of a struct's members. */
export function valuesOf(vector: Vector): unknown[] {
  return Array.from({ length: vector.length }, (_, i) => (isPresent(vector, i) ? valueAt(vector, i) : null))
}

function valueAt(vector: Vector, i: number): unknown {
  switch (vector.layout) {
    case 'fixed':
      return vector.values[i]
    case 'boolean':
      return (vector.values[i >> 3] & (1 << (i & 7))) !== 0
    case 'bytes':
      return vector.data.slice(vector.offsets[i], vector.offsets[i + 1])
    case 'list':
      return valuesOf(vector.element).slice(vector.offsets[i], vector.offsets[i + 1])
    case 'struct':
      return vector.children.map((child) => valuesOf(child)[i])
  }
}
