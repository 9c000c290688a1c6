import type { NestedField } from '../../../formats/iceberg/schema.ts'
import { RowSorter } from '../../../formats/parquet/sort/row-sorter.ts'
import { WorkError } from '../../../model/failure.ts'
import type { Slice } from './slices.ts'
import { type SortingOptions, SortedRuns } from './sorted-runs.ts'

/** Of the rows in order, which are copies, as many as come first. */
const rowsAtOnce = 16 * 1024
const bytesAtOnce = 4 * 1024 * 1024

/**
 * All rows of the slices in a sort order, equal ones as they came. What goes beyond the memory is written to files of sorted rows, which
 * are merged in the end and removed. The first slice has no row and tells what was deleted of all.
 */
export async function* sortedSlices(
  slices: AsyncIterable<Slice>,
  fields: readonly NestedField[],
  options: SortingOptions,
): AsyncGenerator<Slice, void, undefined> {
  const sorter = sorterOf(fields, options)
  const runs = new SortedRuns(fields, options)
  const seen = new Set<string | undefined>()
  let deleted = 0
  try {
    for await (const slice of slices) {
      deleted += slice.deleted
      if (slice.rows === 0) continue
      for (const source of slice.sources) seen.add(source)
      sorter.appendLeaves(slice.rows, slice.leaves)
      if (sorter.byteLength >= options.memoryBytes) await runs.add(inOrder(sorter))
    }
    const sources = [...seen]
    yield { rows: 0, leaves: [], sources: [], deleted }
    if (!runs.isEmpty && sorter.rowCount > 0) await runs.add(inOrder(sorter))
    for await (const part of runs.isEmpty ? inOrder(sorter) : runs.merged()) yield { ...part, sources, deleted: 0 }
  } finally {
    await runs.remove()
  }
}

function inOrder(sorter: RowSorter): ReturnType<RowSorter['finish']> {
  const rows = Math.floor((bytesAtOnce * sorter.rowCount) / Math.max(1, sorter.byteLength))
  return sorter.finish(Math.max(1, Math.min(rowsAtOnce, rows)))
}

function sorterOf(fields: readonly NestedField[], { order }: SortingOptions): RowSorter {
  try {
    return new RowSorter(fields, order)
  } catch (error) {
    throw new WorkError((error as Error).message, { retry: 'never', cause: error })
  }
}
