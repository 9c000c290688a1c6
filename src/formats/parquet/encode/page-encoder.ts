import type { PageCodec } from './codec.ts'
import { bitWidth, encodeHybrid, hybridBound } from './hybrid.ts'
import { LevelBuffer } from './level-buffer.ts'
import type { PageBuffer } from './page-buffer.ts'
import { dataPageHeader, dictionaryPageHeader, encodings, type PageSizes } from './page-header.ts'
import type { Leaf } from './schema-elements.ts'
import type { Shredded } from './shredded.ts'

/** What the pages of a column chunk came to. */
export interface EncodedPages {
  /** Headers and compressed pages, in order. */
  readonly parts: readonly Uint8Array[]
  readonly compressedBytes: number
  readonly plainBytes: number
  /** Of the dictionary page in front; 0 where there is none. */
  readonly dictionaryPageBytes: number
  readonly plainPages: number
  readonly indexedPages: number
}

/** The pages of one column chunk (data page version 1): gathers the levels of the page in progress and keeps those that are closed. */
export class PageEncoder {
  readonly #codec: PageCodec
  readonly #repetition: LevelBuffer
  readonly #definition: LevelBuffer
  /** What stands in front of the values of a page; of a page of indexes, all. */
  #front = new Uint8Array(0)
  #view = new DataView(this.#front.buffer)
  #parts: Uint8Array[] = []
  /** Bytes that the last page was compressed to: about what the next one will be. */
  #expected = 1024
  #plainBytes = 0
  #plainPages = 0
  compressedBytes = 0
  indexedPages = 0
  /** Of the page in progress. */
  levels = 0

  constructor(leaf: Leaf, codec: PageCodec) {
    this.#codec = codec
    this.#repetition = new LevelBuffer(leaf.maxRepetition, 0)
    this.#definition = new LevelBuffer(leaf.maxDefinition, leaf.maxDefinition)
  }

  /** No fewer bytes than the levels of the page in progress take when `more` have come; `listed`: whether those may differ. */
  levelBound(more: number, listed: boolean): number {
    return this.#repetition.bound(more, listed) + this.#definition.bound(more, listed)
  }

  /** The levels `[from, to)` join the page in progress. */
  append({ repetition, definition }: Shredded, from: number, to: number): void {
    if (repetition === null) this.#repetition.appendUsual(to - from)
    else this.#repetition.append(repetition, from, to)
    if (definition === null) this.#definition.appendUsual(to - from)
    else this.#definition.append(definition, from, to)
    this.levels += to - from
  }

  /** Closes the page in progress, with PLAIN values, which are cleared. */
  closePlain(values: PageBuffer): void {
    const end = this.#encodeLevels(0)
    this.#close(values.behind(this.#front.subarray(0, end)), encodings.plain)
    values.clear()
    this.#plainPages++
  }

  /** Closes the page in progress, with `indexes[0, count)` into a dictionary of `entries`, at least one. */
  closeIndexed(indexes: Int32Array, count: number, entries: number): void {
    const width = Math.max(1, bitWidth(entries - 1))
    const start = this.#encodeLevels(1 + hybridBound(count, width))
    this.#view.setUint8(start, width)
    const end = encodeHybrid(indexes, count, width, this.#view, start + 1)
    this.#close(this.#front.subarray(0, end), encodings.rleDictionary)
    this.indexedPages++
  }

  /** The pages behind that of their dictionary, if they have one. A new chunk begins. */
  finish(dictionary: { readonly page: Uint8Array; readonly entries: number } | undefined): EncodedPages {
    const pages = this.#parts
    this.#parts = []
    const before = this.compressedBytes
    if (dictionary !== undefined) this.#push(dictionary.page, (sizes) => dictionaryPageHeader(sizes, dictionary.entries))
    const encoded = {
      parts: [...this.#parts, ...pages],
      compressedBytes: this.compressedBytes,
      plainBytes: this.#plainBytes,
      dictionaryPageBytes: this.compressedBytes - before,
      plainPages: this.#plainPages,
      indexedPages: this.indexedPages,
    }
    this.#parts = []
    this.compressedBytes = this.#plainBytes = this.#plainPages = this.indexedPages = 0
    return encoded
  }

  /** Writes the levels to the front, with room for `more` bytes behind them. */
  #encodeLevels(more: number): number {
    const bound = this.levelBound(0, false) + more
    if (bound > this.#front.length) {
      this.#front = new Uint8Array(bound * 2)
      this.#view = new DataView(this.#front.buffer)
    }
    return this.#definition.encode(this.#view, this.#repetition.encode(this.#view, 0))
  }

  #close(page: Uint8Array, encoding: number): void {
    this.#push(page, (sizes) => dataPageHeader(sizes, this.levels, encoding))
    this.levels = 0
  }

  #push(page: Uint8Array, headerOf: (sizes: PageSizes) => Uint8Array): void {
    if (page.length > 0x7fffffff) throw new RangeError(`a page of ${page.length} bytes is longer than Parquet's 32-bit sizes reach`)
    const compressed = this.#codec.compress(page, this.#expected)
    const header = headerOf({ plain: page.length, compressed: compressed.length })
    this.#expected = compressed.length
    this.#parts.push(header, compressed)
    this.compressedBytes += header.length + compressed.length
    this.#plainBytes += header.length + page.length
  }
}
