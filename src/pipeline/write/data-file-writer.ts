import { type ColumnMetrics, dataFileMetrics } from '../../formats/iceberg/column-metrics.ts'
import type { DataFile } from '../../formats/iceberg/data-file.ts'
import type { MetricsMode } from '../../formats/iceberg/metrics-config.ts'
import type { NestedField } from '../../formats/iceberg/schema.ts'
import { type AssembledFile, ParquetFileAssembler } from '../../formats/parquet/file-assembler.ts'
import { RowGroupEncoder, type RowGroupOptions } from '../../formats/parquet/row-group.ts'
import type { FileIO } from '../../seams/file-io.ts'
import type { RowGroup } from '../flow.ts'
import { ColumnBounds } from './column-bounds.ts'
import { FileSources, sourcesKey } from './file-sources.ts'

export interface WriteOptions extends RowGroupOptions {
  /** The columns' fields, with the table's ids, in the order of the row groups' columns. */
  readonly fields: readonly NestedField[]
  readonly metricsModes: ReadonlyMap<number, MetricsMode>
  /** A file is closed when it has reached this size. */
  readonly targetFileSizeBytes: number
  /** A new name for each file, full URI. */
  readonly newLocation: () => string
}

/** Writes row groups into data files, each up to the target size, one after another; pulls a row group only when it can take it. */
export async function writeDataFiles(groups: AsyncIterator<RowGroup>, io: Pick<FileIO, 'write'>, options: WriteOptions): Promise<DataFile[]> {
  const encoder = new RowGroupEncoder({ fields: options.fields }, options)
  const files: DataFile[] = []
  let first = await groups.next()
  while (first.done !== true) {
    const filePath = options.newLocation()
    const bounds = new ColumnBounds(options.fields, options.metricsModes)
    const written: { file?: AssembledFile } = {}
    await io.write(filePath, fileChunks(first.value))
    files.push(dataFile(filePath, written.file!, bounds, options))
    first = await groups.next()

    async function* fileChunks(opening: RowGroup): AsyncGenerator<Uint8Array, void, undefined> {
      const assembler = new ParquetFileAssembler({ fields: options.fields })
      const sources = new FileSources()
      yield assembler.start()
      for (let group: RowGroup | undefined = opening; group !== undefined;) {
        bounds.add(group.columns)
        for (const span of group.sources) sources.add(span)
        yield assembler.add(encoder.encode(group.columns), group.columns.length)
        if (assembler.size >= options.targetFileSizeBytes) break
        const next: IteratorResult<RowGroup> = await groups.next()
        group = next.done === true ? undefined : next.value
      }
      const { tail, file } = assembler.finish(new Map([[sourcesKey, sources.encode()]]))
      written.file = file
      yield tail
    }
  }
  return files
}

function dataFile(filePath: string, file: AssembledFile, bounds: ColumnBounds, options: WriteOptions): DataFile {
  const columns = new Map<number, ColumnMetrics>()
  for (const [id, { compressedBytes, valueCount, nullCount }] of file.leaves) {
    columns.set(id, { valueCount, nullCount, columnSize: compressedBytes, ...bounds.of(id) })
  }
  return {
    content: 0,
    filePath,
    fileFormat: 'PARQUET',
    partition: [],
    recordCount: file.rowCount,
    fileSizeInBytes: file.size,
    ...dataFileMetrics({ fields: options.fields }, options.metricsModes, columns),
    splitOffsets: file.splitOffsets,
    sortOrderId: 0,
  }
}
