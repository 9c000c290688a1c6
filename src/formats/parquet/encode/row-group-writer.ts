import type { ColumnBatch } from '../../arrow/vector.ts'
import type { NestedField } from '../../iceberg/schema.ts'
import type { RowGroupOptions } from '../row-group.ts'
import { type PageCodec, pageCodec } from './codec.ts'
import { ColumnChunk, type EncodedChunk } from './column-chunk.ts'
import { type ColumnNode, columnNode } from './column-node.ts'
import { leavesOf } from './schema-elements.ts'
import { rowsOf, type Shredded } from './shredded.ts'
import { storeOf } from './store-of.ts'
import type { StoredVector } from './value-store.ts'

/** A row group as bytes, and what its footer and a manifest need to know of it. */
export interface EncodedRowGroup {
  readonly codec: PageCodec
  readonly rowCount: number
  /** One for each leaf, in the order of the schema; their parts, one behind another, are the row group's bytes. */
  readonly columns: readonly EncodedChunk[]
}

/** Levels of one leaf and the values that the live ones lead to, as they come out of another Parquet file. */
export interface LeafRun extends Shredded {
  /** Null where no level is live. */
  readonly values: StoredVector | null
  /** Whether `values` is a dictionary and `slots` are indexes into it. */
  readonly isIndexed: boolean
}

/**
 * Encodes column batches as Parquet row groups: `append` as often as there are batches, then `finish`, and again. Each batch is
 * turned into compressed pages at once, but for what begins the next page, so that a row group takes about its own size of memory.
 * A batch's vectors may be reused after `append`; batches of some 8,000 to 16,000 rows are encoded fastest.
 */
export class RowGroupWriter {
  readonly #codec: PageCodec
  readonly #chunks: readonly ColumnChunk[]
  readonly #columns: readonly ColumnNode[]
  #rows = 0

  /** @throws RangeError for a codec that is not covered (see `pageCodec`), Error for a type that Parquet has no place for. */
  constructor(fields: readonly NestedField[], { codec: name, pageSizeBytes, dictionarySizeBytes }: RowGroupOptions) {
    const codec = pageCodec(name)
    if (codec === undefined) throw new RangeError(`pages can not be compressed with ${name} here`)
    this.#codec = codec
    const options = { codec, pageSizeBytes, dictionarySizeBytes }
    this.#chunks = leavesOf(fields).map((leaf) => new ColumnChunk(leaf, storeOf(leaf.type), options))
    const chunks = this.#chunks.values()
    const context = { path: '', definition: 0, repetition: 0, nextChunk: () => chunks.next().value! }
    this.#columns = fields.map((field) => columnNode(field, context))
  }

  /** Rows so far. */
  get rowCount(): number {
    return this.#rows
  }

  /** About how many bytes the row group takes so far; what waits for its page to fill is counted uncompressed. */
  get byteLength(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)
  }

  /** @throws RangeError where the batch does not fit the schema; the row group in progress is of no use then. */
  append(batch: ColumnBatch): void {
    const { length, columns } = batch
    if (columns.length !== this.#columns.length) {
      throw new RangeError(`a batch has ${columns.length} columns, its schema ${this.#columns.length}`)
    }
    const rows = rowsOf(length)
    for (const [i, vector] of columns.entries()) {
      if (vector.length !== length) throw new RangeError(`column ${i + 1} of a batch of ${length} rows has ${vector.length} slots`)
      this.#columns[i].append(vector, rows)
    }
    this.#rows += length
  }

  /**
   * Appends `rows` rows that are in Parquet's form already: for each leaf, in the order of the schema, runs of levels one behind another.
   * Their definition levels are those of this schema, and nobody checks them. Buffers may be reused afterwards, dictionaries may not.
   */
  appendLeaves(rows: number, leaves: readonly (readonly LeafRun[])[]): void {
    if (leaves.length !== this.#chunks.length)
      throw new RangeError(`${leaves.length} leaves were given, the schema has ${this.#chunks.length}`)
    for (const [i, runs] of leaves.entries()) for (const run of runs) this.#chunks[i].append(run.values, run, run.isIndexed)
    this.#rows += rows
  }

  /** The row group, and a new one begins. */
  finish(): EncodedRowGroup {
    const rowCount = this.#rows
    this.#rows = 0
    return { codec: this.#codec, rowCount, columns: this.#chunks.map((chunk) => chunk.finish()) }
  }
}
