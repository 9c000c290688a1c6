import { isPresent, type Vector } from '../../../../src/formats/arrow/vector.ts'

/**
 * A column's slots as plain values: null, booleans, numbers and bigints (a decimal's is unscaled), bytes, arrays of elements,
 * arrays of a struct's members, arrays of a map's `[key, value]`.
 */
export function valuesOf(vector: Vector): unknown[] {
  const value = reader(vector)
  return Array.from({ length: vector.length }, (_, i) => (isPresent(vector, i) ? value(i) : null))
}

function reader(vector: Vector): (i: number) => unknown {
  switch (vector.layout) {
    case 'fixed':
      return (i) => vector.values[i]
    case 'boolean':
      return (i) => (vector.values[i >> 3] & (1 << (i & 7))) !== 0
    case 'bytes':
      return (i) => vector.data.slice(vector.offsets[i], vector.offsets[i + 1])
    case 'decimal':
      return (i) => (vector.values[2 * i + 1] << 64n) | BigInt.asUintN(64, vector.values[2 * i])
    case 'fixed-bytes':
      return (i) => vector.data.slice(i * vector.width, (i + 1) * vector.width)
    case 'list': {
      const elements = valuesOf(vector.element)
      return (i) => elements.slice(vector.offsets[i], vector.offsets[i + 1])
    }
    case 'map': {
      const [keys, values] = [valuesOf(vector.keys), valuesOf(vector.values)]
      const entries = keys.map((key, i) => [key, values[i]])
      return (i) => entries.slice(vector.offsets[i], vector.offsets[i + 1])
    }
    case 'struct': {
      const children = vector.children.map(valuesOf)
      return (i) => children.map((child) => child[i])
    }
  }
}
