import type { NestedField } from '../../../formats/iceberg/schema.ts'
import type { SortOrder } from '../../../formats/iceberg/table-metadata.ts'
import { RowSorter } from '../../../formats/parquet/sort/row-sorter.ts'
import { WorkError } from '../../../model/failure.ts'
import type { Slice } from './slices.ts'

const rowsAtOnce = 16 * 1024

/**
 * Slices in a sort order: as many rows as take `memoryBytes`, or came from `fileBytes` of inputs, are sorted at a time, and the last slice
 * of them says that its file ends there, so that the rows of each file are in order, whatever there is memory for.
 */
export async function* sortedSlices(
  slices: AsyncIterable<Slice>,
  fields: readonly NestedField[],
  order: SortOrder,
  limits: { readonly memoryBytes: number; readonly fileBytes: number },
): AsyncGenerator<Slice, void, undefined> {
  const sorter = sorterOf(fields, order)
  let held: Slice[] = []
  let bytes = 0
  for await (const slice of slices) {
    sorter.appendLeaves(slice.rows, slice.leaves)
    held.push({ ...slice, leaves: [] })
    bytes += slice.fileBytes
    if (sorter.byteLength < limits.memoryBytes && bytes < limits.fileBytes) continue
    yield* sorted(held)
    held = []
    bytes = 0
  }
  if (held.length > 0) yield* sorted(held)

  function* sorted(all: readonly Slice[]): Generator<Slice, void, undefined> {
    const total = sorter.rowCount
    const deleted = all.reduce((sum, slice) => sum + slice.deleted, 0)
    const sources = [...new Set(all.filter((slice) => slice.rows > 0).flatMap((slice) => slice.sources))]
    if (total === 0) yield { ...all[0], rows: 0, deleted, sources }
    let rows = 0
    for (const part of sorter.finish(rowsAtOnce)) {
      yield { ...part, deleted: rows === 0 ? deleted : 0, sources, endsFile: rows + part.rows === total, fileBytes: 0 }
      rows += part.rows
    }
  }
}

function sorterOf(fields: readonly NestedField[], order: SortOrder): RowSorter {
  try {
    return new RowSorter(fields, order)
  } catch (error) {
    throw new WorkError((error as Error).message, { retry: 'never', cause: error })
  }
}
