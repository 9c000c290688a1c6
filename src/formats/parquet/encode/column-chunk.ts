import type { PageCodec } from './codec.ts'
import { maxWidth } from './hybrid.ts'
import { type EncodedPages, PageEncoder } from './page-encoder.ts'
import type { Leaf } from './schema-elements.ts'
import type { Shredded } from './shredded.ts'
import type { Range, StoredVector, ValueStore } from './value-store.ts'

/** Levels that are taken in one step. */
const stride = 4096
/** Levels after which a page is closed, so that readers inflate little at a time; indexes are small, and small pages dear. */
const plainPageLevels = 16 * 1024
const indexedPageLevels = 64 * 1024
/** From this many values on the share of distinct ones is believed. */
const sample = 1024
const maxEntries = 1 << maxWidth

export interface ChunkOptions {
  readonly codec: PageCodec
  readonly pageSizeBytes: number
  readonly dictionarySizeBytes: number
}

/** What a column chunk came to. */
export interface EncodedChunk extends EncodedPages {
  readonly leaf: Leaf
  /** Levels: nulls and empty lists included. */
  readonly valueCount: number
  readonly nullCount: number
  /** For float and double; 0 for others. */
  readonly nanCount: number
  /** Of what is neither null nor NaN. */
  readonly range: Range | undefined
}

/**
 * One column chunk: takes a leaf's values batch by batch and turns them into compressed pages.
 * Values are looked up in a dictionary until it grows past its bound or more than half of the values turn out distinct; then the
 * pages to come, and all before if none needs the dictionary yet, are PLAIN, as parquet-format's Encodings.md allows.
 */
export class ColumnChunk {
  readonly #leaf: Leaf
  readonly #store: ValueStore
  readonly #options: ChunkOptions
  readonly #pages: PageEncoder
  /** Dictionary indexes of the page in progress. */
  #indexes = new Int32Array(0)
  #usesDictionary: boolean
  /** Values of the page in progress, and the bytes they take: as PLAIN while they may still become that. */
  #values = 0
  #valueBytes = 0
  /** Values in pages of indexes. */
  #indexed = 0
  #valueCount = 0
  #nullCount = 0
  /** Another dictionary that values come from, and the entries here of its entries; −1 where there is none yet. */
  #foreign: StoredVector | undefined
  #entryOf: Int32Array | null = null

  constructor(leaf: Leaf, store: ValueStore, options: ChunkOptions) {
    this.#leaf = leaf
    this.#store = store
    this.#options = options
    this.#pages = new PageEncoder(leaf, options.codec)
    this.#usesDictionary = store.dictionary !== null
  }

  /** About how many bytes there are so far: of closed pages, and those that wait uncompressed. */
  get byteLength(): number {
    return this.#pages.compressedBytes + this.#valueBytes + (this.#store.dictionary?.byteLength ?? 0)
  }

  /**
   * `vector`: null where no level is live. `isIndexed`: it is a dictionary, whose slots are distinct values, each meant by many levels.
   */
  append(vector: StoredVector | null, from: Shredded, isIndexed = false): void {
    if (vector !== null) this.#open(vector, isIndexed)
    const pages = this.#pages
    const { length, repetition, definition } = from
    let value = 0
    for (let level = 0; level < length;) {
      let rows = stride
      let end = rowEnd(repetition, level + rows, length)
      let values = countLive(definition, level, end)
      let bytes = this.#bytesOf(from, value, value + values)
      while (pages.levels > 0 || rows > 1) {
        if (this.#valueBytes + bytes + pages.levelBound(end - level, definition !== null) <= this.#options.pageSizeBytes) break
        if (pages.levels > 0) this.#closePage()
        else {
          rows >>= 1
          end = rowEnd(repetition, level + rows, length)
          values = countLive(definition, level, end)
        }
        bytes = this.#bytesOf(from, value, value + values)
      }
      // A dictionary that was given up leaves the values to be taken as PLAIN, which are larger.
      if (!this.#take(from, value, value + values)) continue
      this.#valueBytes += bytes
      pages.append(from, level, end)
      if (pages.levels >= (this.#isIndexing() ? indexedPageLevels : plainPageLevels)) this.#closePage()
      this.#valueCount += end - level
      this.#nullCount += end - level - values
      level = end
      value += values
    }
  }

  /** The chunk; a new one begins. */
  finish(): EncodedChunk {
    if (this.#pages.levels > 0) this.#closePage()
    const store = this.#store
    const { dictionary } = store
    const hasDictionary = this.#pages.indexedPages > 0
    if (hasDictionary) dictionary!.observe()
    const chunk: EncodedChunk = {
      ...this.#pages.finish(hasDictionary ? { page: dictionary!.encode(), entries: dictionary!.length } : undefined),
      leaf: this.#leaf,
      valueCount: this.#valueCount,
      nullCount: this.#nullCount,
      nanCount: store.nanCount,
      range: store.range(),
    }
    store.clear()
    this.#foreign = undefined
    this.#usesDictionary = dictionary !== null
    this.#indexed = this.#valueCount = this.#nullCount = 0
    return chunk
  }

  #open(vector: StoredVector, isIndexed: boolean): void {
    if (!isIndexed) this.#entryOf = null
    else if (vector !== this.#foreign || this.#entryOf === null) {
      this.#entryOf = new Int32Array(vector.length).fill(-1)
      this.#foreign = vector
    }
    try {
      this.#store.open(vector)
    } catch (error) {
      throw new RangeError(`column ${this.#leaf.path.join('.')}: ${(error as Error).message}`, { cause: error })
    }
  }

  /** Whether the values were taken; else the dictionary was given up for them. */
  #take(from: Shredded, start: number, end: number): boolean {
    const count = this.#values + end - start
    if (!this.#usesDictionary) this.#store.writePlain(from, start, end)
    else {
      const dictionary = this.#store.dictionary!
      const known = dictionary.length
      this.#reserve(count)
      if (this.#entryOf === null) dictionary.add(from, start, end, this.#indexes, this.#values)
      else this.#translate(from, start, end, this.#entryOf)
      if (dictionary.byteLength > this.#options.dictionarySizeBytes || dictionary.length > maxEntries || dictionary.crowded) {
        dictionary.truncate(known)
        this.#giveUpDictionary()
        return false
      }
    }
    this.#values = count
    if (this.#usesDictionary && !this.#isIndexing() && count >= sample && this.#isMostlyDistinct()) this.#giveUpDictionary()
    return true
  }

  /** Looks up each entry of another dictionary only once. */
  #translate(from: Shredded, start: number, end: number, entryOf: Int32Array): void {
    const dictionary = this.#store.dictionary!
    const indexes = this.#indexes
    const slots = from.slots!
    for (let i = start, at = this.#values; i < end; i++, at++) {
      const slot = slots[i]
      const entry = entryOf[slot]
      if (entry >= 0) indexes[at] = entry
      else {
        dictionary.add(from, i, i + 1, indexes, at)
        entryOf[slot] = indexes[at]
      }
    }
  }

  /** What is indexed in the page in progress becomes PLAIN where no page needs the dictionary yet; else that page is closed. */
  #giveUpDictionary(): void {
    const dictionary = this.#store.dictionary!
    if (this.#pages.indexedPages > 0) {
      if (this.#pages.levels > 0) this.#closePage()
    } else {
      dictionary.writePlain(this.#indexes, this.#values)
      dictionary.observeNans(this.#indexes, this.#values)
      dictionary.observe()
      dictionary.clear()
    }
    this.#usesDictionary = false
  }

  #closePage(): void {
    const { dictionary, page } = this.#store
    if (this.#usesDictionary && !this.#isIndexing() && this.#isMostlyDistinct()) this.#giveUpDictionary()
    // A page of nulls before the first value has no dictionary yet.
    if (this.#usesDictionary && dictionary!.length > 0) {
      dictionary!.observeNans(this.#indexes, this.#values)
      this.#pages.closeIndexed(this.#indexes, this.#values, dictionary!.length)
      this.#indexed += this.#values
      this.#values = 0
      if (this.#isMostlyDistinct()) this.#usesDictionary = false
    } else this.#pages.closePlain(page)
    this.#values = this.#valueBytes = 0
  }

  #isMostlyDistinct(): boolean {
    return this.#store.dictionary!.length * 2 > this.#indexed + this.#values
  }

  /** Whether the page in progress will be one of indexes, for sure. */
  #isIndexing(): boolean {
    return this.#usesDictionary && this.#pages.indexedPages > 0
  }

  #bytesOf(from: Shredded, start: number, end: number): number {
    // An index takes fewer than 32 bits.
    return this.#isIndexing() ? (end - start) * 4 : this.#store.plainSize(from, start, end)
  }

  #reserve(indexes: number): void {
    // Whole groups of eight, as the encoder wants them.
    if (indexes + 7 <= this.#indexes.length) return
    const larger = new Int32Array(Math.max(indexes + 7, this.#indexes.length * 2, stride))
    larger.set(this.#indexes)
    this.#indexes = larger
  }
}

/** The end of the row that the level before `level` belongs to: pages begin with a row. */
function rowEnd(repetition: Uint8Array | null, level: number, length: number): number {
  let end = Math.min(level, length)
  if (repetition !== null) while (end < length && repetition[end] !== 0) end++
  return end
}

function countLive(definition: Uint8Array | null, from: number, to: number): number {
  if (definition === null) return to - from
  let count = 0
  // Of all levels `live` alone has the highest bit; a branch would be hard to foretell.
  for (let i = from; i < to; i++) count += definition[i] >> 7
  return count
}
