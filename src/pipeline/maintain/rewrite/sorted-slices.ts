import type { NestedField } from '../../../formats/iceberg/schema.ts'
import { RowSorter } from '../../../formats/parquet/sort/row-sorter.ts'
import { WorkError } from '../../../model/failure.ts'
import type { Slice } from './slices.ts'
import { type SortingOptions, SortedRuns } from './sorted-runs.ts'

const rowsAtOnce = 16 * 1024

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
      if (sorter.byteLength >= options.memoryBytes) await runs.add(sorter.finish(rowsAtOnce))
    }
    const sources = [...seen]
    yield { rows: 0, leaves: [], sources: [], deleted }
    if (!runs.isEmpty && sorter.rowCount > 0) await runs.add(sorter.finish(rowsAtOnce))
    for await (const part of runs.isEmpty ? sorter.finish(rowsAtOnce) : runs.merged()) yield { ...part, sources, deleted: 0 }
  } finally {
    await runs.remove()
  }
}

function sorterOf(fields: readonly NestedField[], { order }: SortingOptions): RowSorter {
  try {
    return new RowSorter(fields, order)
  } catch (error) {
    throw new WorkError((error as Error).message, { retry: 'never', cause: error })
  }
}
