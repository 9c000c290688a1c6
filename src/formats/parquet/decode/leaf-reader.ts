import { discard } from '../../bytes/release.ts'
import type { LeafRun } from '../encode/row-group-writer.ts'
import type { StoredVector } from '../encode/value-store.ts'
import { pageBytes } from './bit-view.ts'
import type { ChunkBytes } from './chunk-bytes.ts'
import type { Convert } from './convert.ts'
import { type DataPage, decodeDataPage } from './data-page.ts'
import type { FileLeaf } from './file-schema.ts'
import { inflatePage } from './inflate-page.ts'
import { type PageHeader, readPageHeader } from './page-header.ts'
import { decodeValues, valueEncodings } from './values.ts'

/** Levels of a leaf of a file, `live` for the largest definition level, and how many rows begin among them. */
export interface FileRun extends LeafRun {
  readonly rows: number
}

/** Enough for a page header without large statistics. */
const headerGuess = 1024

/**
 * Reads one column chunk, page after page, as many rows at a time as are asked for. Holds one inflated page and one dictionary. The memory of
 * pages is given back when it is done with them: a garbage collector that counts objects lets hundreds of megabytes pile up.
 */
export class LeafReader {
  readonly #leaf: FileLeaf
  readonly #bytes: ChunkBytes
  readonly #codec: number
  readonly #convert: Convert
  #dictionary: StoredVector | null = null
  #page: DataPage | null = null
  /** Of pages whose last rows were read. */
  #spent: ArrayBufferView[] = []
  /** Of the page: levels and values taken. */
  #level = 0
  #value = 0

  constructor(leaf: FileLeaf, bytes: ChunkBytes, codec: number, convert: Convert) {
    this.#leaf = leaf
    this.#bytes = bytes
    this.#codec = codec
    this.#convert = convert
  }

  /** The next `rows` rows, whole, until the next call. Throws an Error where the chunk has fewer, or is damaged. */
  async read(rows: number): Promise<FileRun[]> {
    this.#discardSpent()
    const runs: FileRun[] = []
    let wanted = rows
    for (;;) {
      const page = await this.#current()
      if (page === null) {
        if (wanted > 0) throw new RangeError(`column ${this.#leaf.path}: its pages end ${wanted} rows too soon`)
        return runs
      }
      // Rows may go on in the page behind the one that they began in.
      const begins = page.repetition === null || page.repetition[this.#level] === 0
      if (wanted === 0 && begins) return runs
      const run = this.#take(page, wanted)
      wanted -= run.rows
      runs.push(run)
      if (this.#level < page.length) return runs
    }
  }

  /** Gives back the memory of what was read. */
  close(): void {
    this.#spend()
    this.#discardSpent()
    this.#bytes.discard()
  }

  #spend(): void {
    if (this.#page !== null) this.#spent.push(...this.#page.own)
    this.#page = null
  }

  #discardSpent(): void {
    for (const memory of this.#spent.splice(0)) discard(memory)
  }

  /** Levels of the page up to the end of `rows` more rows. */
  #take(page: DataPage, rows: number): FileRun {
    const { repetition, definition, indexes } = page
    const from = this.#level
    let to = from
    let begun = 0
    if (repetition === null) {
      to = Math.min(page.length, from + rows)
      begun = to - from
    } else {
      for (; to < page.length; to++) {
        if (repetition[to] !== 0) continue
        if (begun === rows) break
        begun++
      }
    }
    let count = to - from
    if (definition !== null) {
      count = 0
      for (let i = from; i < to; i++) count += definition[i] >> 7
    }
    const run: FileRun = {
      rows: begun,
      length: to - from,
      repetition: repetition === null ? null : repetition.subarray(from, to),
      definition: definition === null || count === to - from ? null : definition.subarray(from, to),
      count,
      values: page.values,
      isIndexed: indexes !== null,
      slots: indexes === null ? null : indexes.subarray(this.#value, this.#value + count),
      first: indexes === null ? this.#value : 0,
    }
    this.#level = to
    this.#value += count
    return run
  }

  /** The page that the reader stands in, or the next one; null behind the last. */
  async #current(): Promise<DataPage | null> {
    while (this.#page === null || this.#level >= this.#page.length) {
      this.#spend()
      if (this.#bytes.left === 0) return null
      const header = await this.#header()
      const whole = await this.#bytes.peek(header.length + header.compressedBytes)
      const body = whole.subarray(header.length, header.length + header.compressedBytes)
      if (body.length < header.compressedBytes) throw new RangeError(`column ${this.#leaf.path}: its last page is cut off`)
      this.#bytes.skip(header.length + header.compressedBytes)
      if (header.type === 2) this.#dictionary = this.#decodeDictionary(header, body)
      else if (header.type === 0 || header.type === 3) {
        this.#page = decodeDataPage(header, body, {
          leaf: this.#leaf,
          codec: this.#codec,
          convert: this.#convert,
          dictionary: this.#dictionary,
        })
        this.#level = this.#value = 0
      }
    }
    return this.#page
  }

  async #header(): Promise<PageHeader> {
    for (let guess = headerGuess; ; guess *= 8) {
      const bytes = await this.#bytes.peek(guess)
      const header = readPageHeader(bytes)
      if (header !== null) return header
      if (bytes.length >= this.#bytes.left) throw new RangeError(`column ${this.#leaf.path}: its last page header is cut off`)
    }
  }

  #decodeDictionary(header: PageHeader, body: Uint8Array): StoredVector {
    const { encoding } = header
    if (encoding !== valueEncodings.plain && encoding !== valueEncodings.plainDictionary) {
      throw new Error(`column ${this.#leaf.path}: a dictionary of encoding ${encoding} is not read here`)
    }
    const page = pageBytes(inflatePage(this.#codec, body, header.plainBytes))
    return this.#convert(decodeValues(page, 0, valueEncodings.plain, this.#leaf, header.valueCount))
  }
}
