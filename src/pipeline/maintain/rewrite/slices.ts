import type { NestedField } from '../../../formats/iceberg/schema.ts'
import type { ParquetInput } from '../../../formats/parquet/decode/parquet-input.ts'
import { project } from '../../../formats/parquet/decode/projection.ts'
import { RowGroupReader } from '../../../formats/parquet/decode/row-group-reader.ts'
import type { LeafRun } from '../../../formats/parquet/encode/row-group-writer.ts'
import { WorkError } from '../../../model/failure.ts'
import type { RewriteInput } from '../rewrite-flow.ts'
import type { GroupDeletes } from './deletes.ts'
import { keepRows } from './keep-rows.ts'
import { inheritLineage } from './lineage.ts'
import { heldBytes, naming, type OpenedInput, openParquet, projectionOf } from './input-file.ts'
import { windowOf } from './input-size.ts'
import { outputFields } from './output-fields.ts'
import type { RewriteOptions } from './rewrite-options.ts'

/** Rows of one input, less those that are deleted, as leaves of the output's schema. */
export interface Slice {
  readonly rows: number
  readonly leaves: readonly (readonly LeafRun[])[]
  /** What the metadata of each input that the rows are from says of its sources; undefined where it says nothing. */
  readonly sources: readonly (string | undefined)[]
  /** Rows that were deleted. */
  readonly deleted: number
}

/** About how much is decoded at a time, bytes and rows. */
export const sliceBytes = 4 * 1024 * 1024
export const maxSliceRows = 64 * 1024
/** Inputs that are read while others are decoded, and their bytes as far as they are read as one; one is always. */
const ahead = 8
const aheadBytes = 8 * 1024 * 1024

/** The rows of a group's inputs, one input after another, a few at a time: a slice is good until the next one is asked for. Throws a WorkError that names the file. */
export async function* slicesOf(
  inputs: readonly RewriteInput[],
  deletes: GroupDeletes,
  options: RewriteOptions,
): AsyncGenerator<Slice, void, undefined> {
  const fields = outputFields(options.schema, options.formatVersion)
  const opened: Promise<OpenedInput>[] = []
  let started = 0
  let bytes = 0
  for (const [i, input] of inputs.entries()) {
    while (started < inputs.length && (started === i || (started < i + ahead && bytes < aheadBytes))) {
      const { file } = inputs[started++].live
      bytes += heldBytes(file)
      const next = openParquet(file, options)
      // Whoever comes to it hears of it; until then nobody listens.
      next.catch(() => {})
      opened.push(next)
    }
    const { parquet, close } = await opened.shift()!
    yield* slicesOfFile(parquet, input, fields, deletes, options)
    close()
    bytes -= heldBytes(input.live.file)
  }
}

async function* slicesOfFile(
  parquet: ParquetInput,
  { live }: RewriteInput,
  fields: readonly NestedField[],
  deletes: GroupDeletes,
  options: RewriteOptions,
): AsyncGenerator<Slice, void, undefined> {
  const { filePath: path, recordCount } = live.file
  if (BigInt(parquet.rowCount) !== recordCount) {
    throw new WorkError(`${path} has ${parquet.rowCount} rows, and its manifest says ${recordCount}`, { retry: 'never' })
  }
  const sources = await naming(path, () => project(fields, parquet.root, projectionOf(live.file, options)))
  const remover = await naming(path, () => deletes.removerOf(live, parquet.root, options))
  const all = [...sources, ...remover.sources]
  const windowBytes = windowOf(all.length)
  const carried = [parquet.keyValues.get(options.sources.key)]
  for (const group of parquet.rowGroups) {
    const reader = await naming(path, () => new RowGroupReader(group, all, windowBytes))
    const rowBytes = Math.max(1, group.plainBytes / Math.max(1, group.rows))
    const step = Math.max(1, Math.min(maxSliceRows, Math.floor(sliceBytes / rowBytes)))
    for (let at = 0; at < group.rows; at += step) {
      options.signal.throwIfAborted()
      const rows = Math.min(step, group.rows - at)
      yield await naming(path, async () => {
        const read = await reader.read(rows)
        const leaves = read.slice(0, sources.length)
        if (options.formatVersion >= 3) inheritLineage(leaves, rows, group.firstRow + at, live)
        const keep = remover.kept(group.firstRow + at, rows, read.slice(sources.length))
        if (keep === null) return { rows, leaves, sources: carried, deleted: 0 }
        const kept = leaves.map((runs) => keepRows(runs, keep.rows))
        return { rows: keep.count, leaves: kept, sources: carried, deleted: rows - keep.count }
      })
    }
    reader.close()
  }
}
