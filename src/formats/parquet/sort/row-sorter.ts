import type { ColumnBatch } from '../../arrow/vector.ts'
import type { NestedField } from '../../iceberg/schema.ts'
import type { SortField, SortOrder } from '../../iceberg/table-metadata.ts'
import { type ColumnNode, columnNode } from '../encode/column-node.ts'
import type { LeafRun } from '../encode/row-group-writer.ts'
import { leavesOf } from '../encode/schema-elements.ts'
import { rowsOf } from '../encode/shredded.ts'
import { LeafRows } from './leaf-rows.ts'
import type { RowColumn } from './row-column.ts'
import { type KeyColumn, keyColumns, type SortKey, sortedRows, sortKeys } from './row-order.ts'

/** Rows of all leaves, and what they are compared by. */
export interface RowBlock {
  readonly rows: number
  readonly columns: readonly RowColumn[]
  readonly keys: readonly KeyColumn[]
}

/** What a row takes beside its values: its place in the order twice, and what it is compared by. */
const rowBytes = 24
const keyBytes = 8
const transformedBytes = 24

/** What each row takes in memory beside its values, in an order of these fields, bytes. */
export function placeBytes(fields: readonly Pick<SortField, 'transform'>[]): number {
  return fields.reduce((sum, { transform }) => sum + keyBytes + (transform === 'identity' ? 0 : transformedBytes), rowBytes)
}

/**
 * Collects rows and gives them back in a sort order (table specification, "Sorting"), equal ones as they came: `append` or `appendLeaves`
 * as often as there are some, then `finish`, and again. What is appended is copied. The sorted leaves are what
 * `RowGroupWriter.appendLeaves` takes.
 */
export class RowSorter {
  readonly #keys: readonly SortKey[]
  readonly #leafCount: number
  readonly #columns: readonly ColumnNode[]
  readonly #rowBytes: number
  #leaves: LeafRows[] = []
  #rows = 0

  /** @throws Error for an order that these rows can not be brought into. */
  constructor(fields: readonly NestedField[], order: SortOrder) {
    this.#keys = sortKeys(fields, order)
    this.#leafCount = leavesOf(fields).length
    let next = 0
    const nextChunk = (): ColumnNode => {
      const leaf = next++
      return { append: (vector, from) => this.#leaves[leaf].append(vector, from) }
    }
    const context = { path: '', definition: 0, repetition: 0, nextChunk }
    this.#columns = fields.map((field) => columnNode(field, context))
    this.#rowBytes = placeBytes(order.fields)
    this.#clear()
  }

  /** Rows so far. */
  get rowCount(): number {
    return this.#rows
  }

  /** About what they take in memory, bytes, with what sorting them will. */
  get byteLength(): number {
    return this.#leaves.reduce((sum, leaf) => sum + leaf.byteLength, this.#rows * this.#rowBytes)
  }

  /** @throws RangeError where the batch does not fit the schema; the rows so far are of no use then. */
  append({ length, columns }: ColumnBatch): void {
    if (columns.length !== this.#columns.length) {
      throw new RangeError(`a batch has ${columns.length} columns, its schema ${this.#columns.length}`)
    }
    const rows = rowsOf(length)
    for (const [i, vector] of columns.entries()) this.#columns[i].append(vector, rows)
    this.#rows += length
  }

  /** Rows that are in Parquet's form already, as `RowGroupWriter.appendLeaves` takes them. */
  appendLeaves(rows: number, leaves: readonly (readonly LeafRun[])[]): void {
    for (const [i, runs] of leaves.entries()) for (const run of runs) this.#leaves[i].append(run.values, run, run.isIndexed)
    this.#rows += rows
  }

  /** The rows as they came. A new block begins. */
  finishBlock(): RowBlock {
    const rows = this.#rows
    const columns = this.#leaves.map((leaf) => leaf.finish(rows))
    this.#clear()
    return { rows, columns, keys: keyColumns(columns, rows, this.#keys) }
  }

  /** The rows in order, some at a time. New ones can be collected at once. */
  finish(rowsAtOnce: number): Generator<{ readonly rows: number; readonly leaves: readonly (readonly LeafRun[])[] }, void, undefined> {
    const { rows, columns, keys } = this.finishBlock()
    return slicesOf(columns, sortedRows(keys, rows), rowsAtOnce)
  }

  #clear(): void {
    this.#leaves = Array.from({ length: this.#leafCount }, () => new LeafRows())
    this.#rows = 0
  }
}

function* slicesOf(columns: readonly RowColumn[], order: Int32Array, rowsAtOnce: number) {
  for (let from = 0; from < order.length; from += rowsAtOnce) {
    const to = Math.min(order.length, from + rowsAtOnce)
    yield { rows: to - from, leaves: columns.map((column) => [column.take(order, from, to)]) }
  }
}
