import type { DataFile } from '../../../formats/iceberg/data-file.ts'
import type { FileGroup } from '../../../formats/parquet/decode/file-schema.ts'
import type { LeafSource } from '../../../formats/parquet/decode/projection.ts'
import { RowGroupReader } from '../../../formats/parquet/decode/row-group-reader.ts'
import type { LeafRun } from '../../../formats/parquet/encode/row-group-writer.ts'
import { naming, openParquet } from './input-file.ts'
import type { RewriteOptions } from './rewrite-options.ts'

const rowsAtOnce = 64 * 1024
const windowBytes = 1024 * 1024

/** The rows of a delete file, by the columns that `sourcesOf` finds in it, a few at a time. Throws a WorkError that names the file. */
export async function* readDeleteFile(
  file: DataFile,
  sourcesOf: (root: FileGroup) => LeafSource[],
  options: Pick<RewriteOptions, 'io'>,
): AsyncGenerator<{ readonly rows: number; readonly leaves: readonly (readonly LeafRun[])[] }, void, undefined> {
  const { parquet, close } = await openParquet(file, options)
  const sources = await naming(file.filePath, () => sourcesOf(parquet.root))
  for (const group of parquet.rowGroups) {
    const reader = await naming(file.filePath, () => new RowGroupReader(group, sources, windowBytes))
    for (let at = 0; at < group.rows; at += rowsAtOnce) {
      const rows = Math.min(rowsAtOnce, group.rows - at)
      yield { rows, leaves: await naming(file.filePath, () => reader.read(rows)) }
    }
    reader.close()
  }
  close()
}
