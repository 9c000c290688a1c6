import type { MetricsMode } from '../../../formats/iceberg/metrics-config.ts'
import type { NameMapping } from '../../../formats/iceberg/name-mapping.ts'
import type { PartitionSpec } from '../../../formats/iceberg/partition-spec.ts'
import type { Schema } from '../../../formats/iceberg/schema.ts'
import type { SortOrder } from '../../../formats/iceberg/table-metadata.ts'
import type { RowGroupOptions } from '../../../formats/parquet/row-group.ts'
import type { FileIO } from '../../../seams/file-io.ts'
import type { RowAge } from '../row-age.ts'

/** What the files of a table are rewritten as. */
export interface RewriteOptions {
  readonly io: FileIO
  /** The table's current one: what the outputs have. */
  readonly schema: Schema
  /** All that the table ever had: equality deletes may name a column that was dropped. */
  readonly schemas: readonly Schema[]
  /** That of the group. */
  readonly spec: PartitionSpec
  /** By which the rows of each output are sorted; null: they stay in the inputs' order. */
  readonly sortOrder: SortOrder | null
  /** Old rows are left out as deleted ones are. Absent: whatever their age, they stay. */
  readonly dropOld?: RowAge
  readonly formatVersion: number
  /** The table's `schema.name-mapping.default`; null where it has none. */
  readonly nameMapping: NameMapping | null
  readonly metricsModes: ReadonlyMap<number, MetricsMode>
  readonly parquet: RowGroupOptions
  /** A row group is closed when its pages have this size, bytes. */
  readonly rowGroupBytes: number
  readonly targetFileSizeBytes: number
  /** About what the rewrite may hold, bytes: rows that wait to be sorted, deletes, windows of inputs. */
  readonly memoryLimitBytes: number
  /** A new name for each file, full URI. */
  readonly newLocation: () => string
  readonly sources: SourcesCarrier
  /** Rows that are left out though no delete file says so: a bit for each position, by the path of the input. */
  readonly leftOut?: ReadonlyMap<string, Uint8Array>
  readonly signal: AbortSignal
}

/** How what the inputs' metadata says of their rows' sources goes on to the outputs. */
export interface SourcesCarrier {
  /** Of the files' own metadata. */
  readonly key: string
  open(): CarriedSources
}

/** The sources of one output. */
export interface CarriedSources {
  /** Takes in those of one input. Throws an Error for a text that is none. */
  add(text: string): void
  /** About how long the text would be by now, bytes. */
  readonly byteLength: number
  encode(): string
}
