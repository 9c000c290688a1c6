import { isPresent, type ListVector, type MapVector, type Vector } from '../../../../../src/formats/arrow/vector.ts'

/**
 * How a vector lies in memory. tight: its buffers are exactly as long as what they hold. loose: they are parts of larger ones, there is
 * a validity bitmap where no slot is null, and null slots own leftovers that must not be read.
 */
export type Layout = 'tight' | 'loose'

/** The slots of a vector in another layout. */
export function laidOut(vector: Vector, layout: Layout): Vector {
  return gathered(
    vector,
    Array.from({ length: vector.length }, (_, i) => i),
    layout,
  )
}

/** The given slots of a vector, in a vector of their own. */
function gathered(vector: Vector, picks: readonly number[], layout: Layout): Vector {
  const length = picks.length
  const present = picks.map((i) => isPresent(vector, i))
  const bits = bitsOf(present)
  const nullCount = present.filter((it) => !it).length
  const slots = { length, nullCount, validity: nullCount > 0 || layout === 'loose' ? bits : null }
  switch (vector.layout) {
    case 'fixed': {
      const leftover = vector.values instanceof BigInt64Array ? -7n : -7
      const numbers = picks.map((i, k) => (present[k] || layout === 'tight' ? vector.values[i] : leftover))
      const make = vector.values.constructor as unknown as new (length: number) => Int32Array
      return { ...slots, layout: 'fixed', values: placed(make, numbers as number[], layout) }
    }
    case 'decimal': {
      const halves = picks.flatMap((i, k) =>
        present[k] || layout === 'tight' ? [vector.values[2 * i], vector.values[2 * i + 1]] : [1n, 2n ** 62n],
      )
      return { ...slots, layout: 'decimal', values: placed(BigInt64Array, halves, layout) }
    }
    case 'boolean':
      return {
        ...slots,
        layout: 'boolean',
        values: bitsOf(
          picks.map((i, k) => (present[k] || layout === 'tight' ? (vector.values[i >> 3] & (1 << (i & 7))) !== 0 : k % 2 === 0)),
        ),
      }
    case 'fixed-bytes': {
      const data = picks.flatMap((i) => [...vector.data.subarray(i * vector.width, (i + 1) * vector.width)])
      return { ...slots, layout: 'fixed-bytes', width: vector.width, data: placed(Uint8Array, data, layout) }
    }
    case 'bytes': {
      const values = picks.map((i, k) =>
        present[k] || layout === 'tight' ? [...vector.data.subarray(vector.offsets[i], vector.offsets[i + 1])] : [0xff, 0x00],
      )
      return { ...slots, layout: 'bytes', offsets: offsetsOf(values), data: placed(Uint8Array, values.flat(), layout) }
    }
    case 'struct':
      return { ...slots, layout: 'struct', children: vector.children.map((child) => gathered(child, picks, layout)) }
    case 'list': {
      const elements = elementsOf(vector, picks, present, layout)
      return { ...slots, layout: 'list', offsets: offsetsOf(elements), element: gathered(vector.element, elements.flat(), layout) }
    }
    case 'map': {
      const entries = elementsOf(vector, picks, present, layout)
      const [keys, values] = [vector.keys, vector.values].map((child) => gathered(child, entries.flat(), layout))
      return { ...slots, layout: 'map', offsets: offsetsOf(entries), keys, values }
    }
  }
}

/** The elements of each list; a null one owns the first that there is, in the loose layout. */
function elementsOf(
  { offsets, ...vector }: ListVector | MapVector,
  picks: readonly number[],
  present: readonly boolean[],
  layout: Layout,
): number[][] {
  const elements = vector.layout === 'list' ? vector.element.length : vector.keys.length
  return picks.map((i, k) => {
    if (!present[k]) return layout === 'loose' && elements > 0 ? [0] : []
    return Array.from({ length: offsets[i + 1] - offsets[i] }, (_, at) => offsets[i] + at)
  })
}

function offsetsOf(lists: readonly (readonly number[])[]): Int32Array {
  const offsets = new Int32Array(lists.length + 1)
  for (const [i, list] of lists.entries()) offsets[i + 1] = offsets[i] + list.length
  return offsets
}

function bitsOf(bits: readonly boolean[]): Uint8Array {
  const bytes = new Uint8Array((bits.length + 7) >> 3)
  for (const [i, bit] of bits.entries()) if (bit) bytes[i >> 3] |= 1 << (i & 7)
  return bytes
}

function placed<E, T extends { set(values: readonly E[], at: number): void; subarray(from: number, to: number): T }>(
  make: new (length: number) => T,
  values: readonly E[],
  layout: Layout,
): T {
  const [before, behind] = layout === 'loose' ? [3, 16] : [0, 0]
  const array = new make(before + values.length + behind)
  array.set(values, before)
  return array.subarray(before, before + values.length)
}
