import type { FixedVector } from '../../arrow/vector.ts'
import type { PlainBytes, StoredVector } from '../encode/value-store.ts'
import type { PageBytes } from './bit-view.ts'
import { decodeDeltas } from './delta.ts'
import { decodeHybrid } from './hybrid.ts'
import type { FileLeaf } from './file-schema.ts'

/** parquet.thrift, `Type`. */
export const physical = { boolean: 0, int32: 1, int64: 2, int96: 3, float: 4, double: 5, bytes: 6, fixed: 7 } as const
/** parquet.thrift, `Encoding`. */
export const valueEncodings = {
  plain: 0,
  plainDictionary: 2,
  rle: 3,
  deltaBinaryPacked: 5,
  deltaLengthByteArray: 6,
  deltaByteArray: 7,
  rleDictionary: 8,
  byteStreamSplit: 9,
} as const

const present = { nullCount: 0, validity: null } as const
const numbers = { 1: Int32Array, 2: BigInt64Array, 4: Float32Array, 5: Float64Array } as const
const widths: Readonly<Record<number, number>> = { 1: 4, 2: 8, 3: 12, 4: 4, 5: 8 }

/**
 * The `count` values of a page from `start` on, none of them null: as the vector of the physical type, with INT96 as fixed bytes.
 * The vector shares nothing that changes. Throws an Error for an encoding that the type can not have or bytes that end too soon.
 */
export function decodeValues(page: PageBytes, start: number, encoding: number, leaf: FileLeaf, count: number): StoredVector {
  switch (encoding) {
    case valueEncodings.plain:
      return plainValues(page, start, leaf, count)
    case valueEncodings.rle:
      if (leaf.physical === physical.boolean) return packedBooleans(page, start, count)
      break
    case valueEncodings.deltaBinaryPacked:
      if (leaf.physical === physical.int32 || leaf.physical === physical.int64) {
        const { words } = decodeDeltas(page, start, leaf.physical === physical.int32 ? 1 : 2, count)
        return fixed(leaf.physical === physical.int32 ? words : new BigInt64Array(words.buffer, 0, count), count)
      }
      break
    case valueEncodings.deltaLengthByteArray:
      if (leaf.physical === physical.bytes) return lengthBytes(page, start, count)
      break
    case valueEncodings.deltaByteArray:
      if (leaf.physical === physical.bytes || leaf.physical === physical.fixed) return prefixedBytes(page, start, leaf, count)
      break
    case valueEncodings.byteStreamSplit:
      if (leaf.physical !== physical.boolean && leaf.physical !== physical.bytes && leaf.physical !== physical.int96) {
        return plainValues(unsplit(page, start, widthOf(leaf), count), 0, leaf, count)
      }
  }
  throw new Error(`column ${leaf.path}: encoding ${encoding} is not read here for its type`)
}

function plainValues({ bytes, view, end }: PageBytes, start: number, leaf: FileLeaf, count: number): StoredVector {
  if (leaf.physical === physical.bytes) return plainBytes(bytes, view, start, end, count)
  const size = leaf.physical === physical.boolean ? (count + 7) >> 3 : count * widthOf(leaf)
  if (start + size > end) throw cutOff(leaf)
  const own = bytes.slice(start, start + size)
  switch (leaf.physical) {
    case physical.boolean:
      return { layout: 'boolean', length: count, ...present, values: own }
    case physical.int96:
    case physical.fixed:
      return { layout: 'fixed-bytes', length: count, ...present, width: widthOf(leaf), data: own }
    default:
      return fixed(new numbers[leaf.physical as keyof typeof numbers](own.buffer), count)
  }
}

function plainBytes(bytes: Uint8Array, view: DataView, start: number, end: number, count: number): PlainBytes {
  const offsets = new Int32Array(count + 1)
  let at = start + 4
  for (let i = 0; i < count; i++) {
    offsets[i] = at
    if (at > end) throw new RangeError('parquet: a page of byte strings ends before its last one')
    at += view.getUint32(at - 4, true) + 4
  }
  if (at - 4 > end) throw new RangeError('parquet: a page of byte strings ends before its last one')
  offsets[count] = at
  return { layout: 'plain-bytes', length: count, ...present, offsets, data: bytes }
}

function packedBooleans(page: PageBytes, start: number, count: number): StoredVector {
  const bits = new Int32Array(count)
  // Four bytes of length first; data pages of version 2 have them too.
  decodeHybrid(page, start + 4, page.end, 1, bits, count)
  const values = new Uint8Array((count + 7) >> 3)
  for (let i = 0; i < count; i++) values[i >> 3] |= bits[i] << (i & 7)
  return { layout: 'boolean', length: count, ...present, values }
}

function lengthBytes(page: PageBytes, start: number, count: number): StoredVector {
  const { words, end } = decodeDeltas(page, start, 1, count)
  const offsets = new Int32Array(count + 1)
  let at = 0
  for (let i = 0; i < count; i++) offsets[i + 1] = at += words[i]
  if (words.some((length) => length < 0) || end + at > page.end) throw new RangeError('parquet: byte strings end before their last one')
  return { layout: 'bytes', length: count, ...present, offsets, data: page.bytes.slice(end, end + at) }
}

function prefixedBytes(page: PageBytes, start: number, leaf: FileLeaf, count: number): StoredVector {
  const prefixes = decodeDeltas(page, start, 1, count)
  const suffixes = decodeDeltas(page, prefixes.end, 1, count)
  const offsets = new Int32Array(count + 1)
  for (let i = 0; i < count; i++) {
    const [prefix, suffix] = [prefixes.words[i], suffixes.words[i]]
    if (prefix < 0 || suffix < 0 || prefix > (i === 0 ? 0 : offsets[i] - offsets[i - 1])) throw cutOff(leaf)
    offsets[i + 1] = offsets[i] + prefix + suffix
  }
  const data = new Uint8Array(offsets[count])
  let at = suffixes.end
  for (let i = 0; i < count; i++) {
    const prefix = prefixes.words[i]
    if (prefix > 0) data.copyWithin(offsets[i], offsets[i - 1], offsets[i - 1] + prefix)
    if (at + suffixes.words[i] > page.end) throw cutOff(leaf)
    data.set(page.bytes.subarray(at, (at += suffixes.words[i])), offsets[i] + prefix)
  }
  if (leaf.physical === physical.bytes) return { layout: 'bytes', length: count, ...present, offsets, data }
  if (data.length !== count * leaf.length) throw cutOff(leaf)
  return { layout: 'fixed-bytes', length: count, ...present, width: leaf.length, data }
}

/** BYTE_STREAM_SPLIT undone: first all first bytes, then all second ones. */
function unsplit({ bytes, end }: PageBytes, start: number, width: number, count: number): PageBytes {
  if (start + count * width > end) throw new RangeError('parquet: a page of split bytes ends too soon')
  const out = new Uint8Array(count * width)
  for (let k = 0; k < width; k++) for (let i = 0; i < count; i++) out[i * width + k] = bytes[start + k * count + i]
  return { bytes: out, view: new DataView(out.buffer), end: out.length }
}

function widthOf({ physical: type, length }: FileLeaf): number {
  return type === physical.fixed ? length : widths[type]
}

function fixed(values: FixedVector['values'], length: number): FixedVector {
  return { layout: 'fixed', length, ...present, values }
}

function cutOff({ path }: FileLeaf): RangeError {
  return new RangeError(`column ${path}: a page ends before its last value`)
}
