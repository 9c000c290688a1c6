import { type ColumnMetrics, dataFileMetrics } from './column-metrics.ts'
import type { DataFile, SingleValue } from './data-file.ts'
import type { MetricsMode } from './metrics-config.ts'
import type { NestedField } from './schema.ts'
import type { SortOrder } from './table-metadata.ts'

/** What is known of a Parquet file of rows that was written. */
export interface WrittenFile {
  readonly size: bigint
  readonly rowCount: bigint
  readonly splitOffsets: readonly bigint[]
  /** By field id, of every primitive. */
  readonly columns: ReadonlyMap<number, ColumnMetrics>
}

interface WrittenAs {
  readonly fields: readonly NestedField[]
  readonly metricsModes: ReadonlyMap<number, MetricsMode>
  readonly sortOrder?: SortOrder | null
}

/** What a manifest says of it. */
export function writtenDataFile(
  filePath: string,
  file: WrittenFile,
  partition: readonly SingleValue[],
  { fields, metricsModes, sortOrder }: WrittenAs,
): DataFile {
  return {
    content: 0,
    filePath,
    fileFormat: 'PARQUET',
    partition,
    recordCount: file.rowCount,
    fileSizeInBytes: file.size,
    ...dataFileMetrics({ fields }, metricsModes, file.columns),
    splitOffsets: file.splitOffsets,
    sortOrderId: sortOrder?.['order-id'] ?? 0,
  }
}
