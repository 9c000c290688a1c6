import type { StoredVector } from '../encode/value-store.ts'
import type { FileLeaf } from './file-schema.ts'

/** Unscaled decimals as big-endian bytes of `length`, widened by their sign. Throws a RangeError for one that does not fit. */
export function toBigEndian(leaf: FileLeaf, values: StoredVector, length: number): StoredVector {
  const data = new Uint8Array(values.length * length)
  const own = new Uint8Array(16)
  for (let i = 0; i < values.length; i++) {
    const { bytes, start, end } = unscaledAt(values, i, own)
    const size = end - start
    const sign = size > 0 && bytes[start] >= 0x80 ? 0xff : 0
    const at = i * length
    for (let k = 0; k < length - size; k++) data[at + k] = sign
    for (let k = 0; k < size; k++) {
      const to = length - size + k
      if (to >= 0) data[at + to] = bytes[start + k]
      else if (bytes[start + k] !== sign) throw tooLong(leaf)
    }
    if (size > length && data[at] >= 0x80 !== (sign === 0xff)) throw tooLong(leaf)
  }
  return { layout: 'fixed-bytes', length: values.length, nullCount: 0, validity: null, width: length, data }
}

/** Unscaled decimals as numbers of 32 or 64 bits. */
export function toWords(leaf: FileLeaf, values: StoredVector, words: 1 | 2): StoredVector {
  const wide = toBigEndian(leaf, values, words * 4)
  const bytes = (wide as { data: Uint8Array }).data
  const view = new DataView(bytes.buffer)
  const out = words === 1 ? new Int32Array(values.length) : new BigInt64Array(values.length)
  if (out instanceof Int32Array) for (let i = 0; i < out.length; i++) out[i] = view.getInt32(i * 4)
  else for (let i = 0; i < out.length; i++) out[i] = view.getBigInt64(i * 8)
  return { layout: 'plain-decimals', length: values.length, nullCount: 0, validity: null, values: out }
}

function unscaledAt(values: StoredVector, i: number, own: Uint8Array): { bytes: Uint8Array; start: number; end: number } {
  switch (values.layout) {
    case 'fixed': {
      const view = new DataView(own.buffer)
      view.setBigInt64(0, BigInt(values.values[i]))
      return { bytes: own, start: 0, end: 8 }
    }
    case 'fixed-bytes':
      return { bytes: values.data, start: i * values.width, end: (i + 1) * values.width }
    case 'bytes':
      return { bytes: values.data, start: values.offsets[i], end: values.offsets[i + 1] }
    case 'plain-bytes':
      return { bytes: values.data, start: values.offsets[i], end: values.offsets[i + 1] - 4 }
    case 'plain-decimals':
    case 'boolean':
    case 'decimal':
    case 'list':
    case 'map':
    case 'struct':
      throw new TypeError(`expected decimals, found ${values.layout}`)
  }
}

function tooLong({ path }: FileLeaf): RangeError {
  return new RangeError(`column ${path}: a decimal is longer than the type of its column allows`)
}
