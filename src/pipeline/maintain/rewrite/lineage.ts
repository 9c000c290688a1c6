import type { LeafRun } from '../../../formats/parquet/encode/row-group-writer.ts'
import { live } from '../../../formats/parquet/encode/shredded.ts'
import type { LiveFile } from '../rewrite-flow.ts'

/**
 * Fills in what rows inherit from their file, in the last two leaves (table specification, "Row Lineage"): a row without an id has the
 * file's first one and its position, one without the sequence number of its last change that of the file. A file from before row
 * lineage has neither: its rows get ids when the output is committed. `leaves` is changed.
 */
export function inheritLineage(leaves: LeafRun[][], rows: number, firstRow: number, { file, sequenceNumber }: LiveFile): void {
  const at = leaves.length - 2
  const { firstRowId } = file
  if (firstRowId === undefined) {
    leaves[at] = leaves[at + 1] = [nulls(rows)]
    return
  }
  const start = firstRowId + BigInt(firstRow)
  leaves[at] = [inherited(leaves[at], rows, (row) => start + BigInt(row))]
  leaves[at + 1] = [inherited(leaves[at + 1], rows, () => sequenceNumber)]
}

function inherited(runs: readonly LeafRun[], rows: number, valueOf: (row: number) => bigint): LeafRun {
  const values = new BigInt64Array(rows)
  let row = 0
  for (const { length, definition, slots, first, values: own } of runs) {
    for (let i = 0, value = 0; i < length; i++, row++) {
      if (definition !== null && definition[i] !== live) values[row] = valueOf(row)
      else {
        const slot = slots === null ? first + value : slots[value]
        values[row] = BigInt((own as { values: ArrayLike<bigint> }).values[slot])
        value++
      }
    }
  }
  return { ...run(rows), definition: null, count: rows, values: { layout: 'fixed', length: rows, nullCount: 0, validity: null, values } }
}

function nulls(rows: number): LeafRun {
  return { ...run(rows), definition: new Uint8Array(rows), count: 0, values: null }
}

function run(length: number) {
  return { length, repetition: null, slots: null, first: 0, isIndexed: false } as const
}
