import type { BytesVector, ColumnBatch, FixedVector, Vector } from './vector.ts'

/** The rows of a batch whose numbers these are, in this order, as a batch of its own: nothing of it is shared with the other. */
export function gatherBatch({ columns }: ColumnBatch, rows: Uint32Array): ColumnBatch {
  return { length: rows.length, columns: columns.map((column) => gather(column, rows)) }
}

/** The slots of a column whose numbers these are, in this order. */
export function gather(vector: Vector, rows: Uint32Array): Vector {
  const slots = { length: rows.length, ...gatherValidity(vector, rows) }
  switch (vector.layout) {
    case 'fixed':
      return { layout: 'fixed', ...slots, values: gatherValues(vector.values, rows) }
    case 'bytes':
      return { layout: 'bytes', ...slots, ...gatherBytes(vector, rows) }
    case 'boolean': {
      const values = new Uint8Array((rows.length + 7) >> 3)
      for (let i = 0; i < rows.length; i++) if ((vector.values[rows[i] >> 3] & (1 << (rows[i] & 7))) !== 0) values[i >> 3] |= 1 << (i & 7)
      return { layout: 'boolean', ...slots, values }
    }
    case 'decimal': {
      const values = new BigInt64Array(2 * rows.length)
      for (let i = 0; i < rows.length; i++) {
        values[2 * i] = vector.values[2 * rows[i]]
        values[2 * i + 1] = vector.values[2 * rows[i] + 1]
      }
      return { layout: 'decimal', ...slots, values }
    }
    case 'fixed-bytes': {
      const { width, data } = vector
      const copy = new Uint8Array(width * rows.length)
      for (let i = 0; i < rows.length; i++) copy.set(data.subarray(rows[i] * width, (rows[i] + 1) * width), i * width)
      return { layout: 'fixed-bytes', ...slots, width, data: copy }
    }
    case 'list': {
      const { offsets, inner } = gatherSpans(vector.offsets, rows)
      return { layout: 'list', ...slots, offsets, element: gather(vector.element, inner) }
    }
    case 'map': {
      const { offsets, inner } = gatherSpans(vector.offsets, rows)
      return { layout: 'map', ...slots, offsets, keys: gather(vector.keys, inner), values: gather(vector.values, inner) }
    }
    case 'struct':
      return { layout: 'struct', ...slots, children: vector.children.map((child) => gather(child, rows)) }
  }
}

function gatherValidity({ validity, nullCount }: Vector, rows: Uint32Array): Pick<Vector, 'validity' | 'nullCount'> {
  if (validity === null || nullCount === 0) return { validity: null, nullCount: 0 }
  const gathered = new Uint8Array((rows.length + 7) >> 3)
  let present = 0
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]
    if ((validity[row >> 3] & (1 << (row & 7))) === 0) continue
    gathered[i >> 3] |= 1 << (i & 7)
    present++
  }
  return present === rows.length ? { validity: null, nullCount: 0 } : { validity: gathered, nullCount: rows.length - present }
}

function gatherValues(values: FixedVector['values'], rows: Uint32Array): FixedVector['values'] {
  if (values instanceof BigInt64Array) {
    // Moved as halves: each bigint would be an object.
    const halves = new Int32Array(values.buffer, values.byteOffset, 2 * values.length)
    const gathered = new BigInt64Array(rows.length)
    const to = new Int32Array(gathered.buffer)
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]
      to[2 * i] = halves[2 * row]
      to[2 * i + 1] = halves[2 * row + 1]
    }
    return gathered
  }
  const gathered =
    values instanceof Int32Array
      ? new Int32Array(rows.length)
      : values instanceof Float32Array
        ? new Float32Array(rows.length)
        : new Float64Array(rows.length)
  for (let i = 0; i < rows.length; i++) gathered[i] = values[rows[i]]
  return gathered
}

function gatherBytes({ offsets, data }: BytesVector, rows: Uint32Array): Pick<BytesVector, 'offsets' | 'data'> {
  const ends = new Int32Array(rows.length + 1)
  for (let i = 0; i < rows.length; i++) ends[i + 1] = ends[i] + offsets[rows[i] + 1] - offsets[rows[i]]
  const copy = new Uint8Array(ends[rows.length])
  for (let i = 0; i < rows.length; i++) {
    const start = offsets[rows[i]]
    const [to, length] = [ends[i], ends[i + 1] - ends[i]]
    // A loop beats set(subarray) for short values.
    if (length < 64) for (let j = 0; j < length; j++) copy[to + j] = data[start + j]
    else copy.set(data.subarray(start, start + length), to)
  }
  return { offsets: ends, data: copy }
}

/** The offsets of gathered lists, and the elements that they hold. */
function gatherSpans(offsets: Int32Array, rows: Uint32Array): { readonly offsets: Int32Array; readonly inner: Uint32Array } {
  const ends = new Int32Array(rows.length + 1)
  for (let i = 0; i < rows.length; i++) ends[i + 1] = ends[i] + offsets[rows[i] + 1] - offsets[rows[i]]
  const inner = new Uint32Array(ends[rows.length])
  for (let i = 0, to = 0; i < rows.length; i++) for (let j = offsets[rows[i]]; j < offsets[rows[i] + 1]; j++) inner[to++] = j
  return { offsets: ends, inner }
}
