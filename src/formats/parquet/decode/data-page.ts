import type { StoredVector } from '../encode/value-store.ts'
import { type PageBytes, pageBytes } from './bit-view.ts'
import type { Convert } from './convert.ts'
import type { FileLeaf } from './file-schema.ts'
import { decodeHybrid, decodeLevels, type Levels } from './hybrid.ts'
import { inflatePage } from './inflate-page.ts'
import type { PageHeader } from './page-header.ts'
import { decodeValues, valueEncodings } from './values.ts'

/** A data page, decoded. */
export interface DataPage {
  /** Levels. */
  readonly length: number
  /** Null where all are 0. */
  readonly repetition: Uint8Array | null
  /** With `live` for the largest; null where all are. */
  readonly definition: Uint8Array | null
  /** The values, or the dictionary that `indexes` lead into. */
  readonly values: StoredVector
  readonly indexes: Int32Array | null
  /** All memory that this page has for itself. */
  readonly own: readonly ArrayBufferView[]
}

export interface PageContext {
  readonly leaf: FileLeaf
  readonly codec: number
  readonly convert: Convert
  readonly dictionary: StoredVector | null
}

const rle = 3
const allUsual: Levels = { levels: null, count: 0 }

/** Decodes a data page of version 1 or 2. Throws an Error where it is damaged or encoded in a way that is not read here. */
export function decodeDataPage(header: PageHeader, body: Uint8Array, context: PageContext): DataPage {
  const { leaf } = context
  const { valueCount: length } = header
  const isV2 = header.type === 3
  const levelBytes = header.definitionBytes + header.repetitionBytes
  if (levelBytes > body.length || levelBytes > header.plainBytes)
    throw new RangeError(`column ${leaf.path}: a page is shorter than its levels`)
  const inflated =
    isV2 && !header.isCompressed ? body : inflatePage(context.codec, body.subarray(levelBytes), header.plainBytes - levelBytes)
  const page = pageBytes(isV2 && !header.isCompressed ? body.subarray(levelBytes) : inflated)
  const levels = isV2 ? levelsOfV2(header, body, leaf) : levelsOfV1(header, page, leaf)
  const { definition, repetition } = levels
  const count = leaf.definition === 0 ? length : definition.count
  const { values, indexes } = valuesOf(page, levels.end, header.encoding, count, context)
  const own = [repetition.levels, definition.levels, indexes, ...(values === context.dictionary ? [] : memoryOf(values))]
  return {
    length,
    repetition: repetition.levels,
    definition: definition.levels,
    values,
    indexes,
    // What is not compressed is read where it lies.
    own: [page.bytes, ...own.filter((one) => one !== null)].filter(({ buffer }) => buffer !== body.buffer),
  }
}

function memoryOf(vector: StoredVector): readonly ArrayBufferView[] {
  switch (vector.layout) {
    case 'bytes':
    case 'plain-bytes':
      return [vector.offsets, vector.data]
    case 'fixed-bytes':
      return [vector.data]
    case 'fixed':
    case 'boolean':
    case 'decimal':
    case 'plain-decimals':
      return [vector.values]
    case 'list':
    case 'map':
    case 'struct':
      return []
  }
}

function valuesOf(page: PageBytes, start: number, encoding: number, count: number, { leaf, convert, dictionary }: PageContext) {
  if (encoding !== valueEncodings.rleDictionary && encoding !== valueEncodings.plainDictionary) {
    return { values: convert(decodeValues(page, start, encoding, leaf, count)), indexes: null }
  }
  const indexes = new Int32Array(count)
  if (count === 0) return { values: dictionary ?? convert(decodeValues(page, page.end, valueEncodings.plain, leaf, 0)), indexes }
  if (dictionary === null) throw new RangeError(`column ${leaf.path}: a page needs a dictionary, and there is none`)
  const width = start < page.end ? page.bytes[start] : 33
  if (width > 32) throw new RangeError(`column ${leaf.path}: indexes of ${width} bits`)
  decodeHybrid(page, start + 1, page.end, width, indexes, count)
  let outside = 0
  for (let i = 0; i < count; i++) outside |= indexes[i] >>> 0 >= dictionary.length ? 1 : 0
  if (outside === 1) throw new RangeError(`column ${leaf.path}: an index leads past the dictionary of ${dictionary.length}`)
  return { values: dictionary, indexes }
}

interface PageLevels {
  readonly definition: Levels
  readonly repetition: Levels
  /** Where the values begin. */
  readonly end: number
}

function levelsOfV1({ valueCount, definitionEncoding, repetitionEncoding }: PageHeader, page: PageBytes, leaf: FileLeaf): PageLevels {
  let at = 0
  const next = (max: number, encoding: number, isDefinition: boolean): Levels => {
    if (max === 0) return allUsual
    if (encoding !== rle) throw new Error(`column ${leaf.path}: levels of encoding ${encoding} are not read here`)
    const start = at + 4
    const end = start + (start <= page.end ? page.view.getUint32(at, true) : 0)
    if (start > page.end || end > page.end) throw new RangeError(`column ${leaf.path}: a page is shorter than its levels`)
    at = end
    return decodeLevels(page, start, end, max, valueCount, isDefinition)
  }
  const repetition = next(leaf.repetitionLevel, repetitionEncoding, false)
  const definition = next(leaf.definition, definitionEncoding, true)
  return { repetition, definition, end: at }
}

function levelsOfV2({ valueCount, definitionBytes, repetitionBytes }: PageHeader, body: Uint8Array, leaf: FileLeaf): PageLevels {
  const levels = pageBytes(body.subarray(0, repetitionBytes + definitionBytes))
  const repetition =
    leaf.repetitionLevel === 0 ? allUsual : decodeLevels(levels, 0, repetitionBytes, leaf.repetitionLevel, valueCount, false)
  const definition = leaf.definition === 0 ? allUsual : decodeLevels(levels, repetitionBytes, levels.end, leaf.definition, valueCount, true)
  return { repetition, definition, end: 0 }
}
