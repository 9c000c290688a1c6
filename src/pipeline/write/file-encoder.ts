import type { ColumnBatch } from '../../formats/arrow/vector.ts'
import type { MetricsMode } from '../../formats/iceberg/metrics-config.ts'
import type { NestedField } from '../../formats/iceberg/schema.ts'
import type { WrittenFile } from '../../formats/iceberg/written-file.ts'
import type { RowGroupOptions } from '../../formats/parquet/row-group.ts'

export interface EncoderOptions extends RowGroupOptions {
  /** The columns' fields, with the table's ids, in the order of the batches' columns. */
  readonly fields: readonly NestedField[]
  readonly metricsModes: ReadonlyMap<number, MetricsMode>
  /** A row group is closed when its pages have this size, bytes. */
  readonly rowGroupBytes: number
}

/** One data file in the making. The bytes that its functions return, in order, are the file. */
export interface FileEncoder {
  /** Bytes of the file so far, with what was not handed out yet. */
  readonly size: number
  start(): Uint8Array
  /** The batch's vectors may be reused afterwards. */
  append(batch: ColumnBatch): readonly Uint8Array[]
  /** `keyValues`: the file's own metadata. */
  finish(keyValues: ReadonlyMap<string, string>): { readonly rest: readonly Uint8Array[]; readonly file: WrittenFile }
}
