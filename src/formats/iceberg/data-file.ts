/** Manifest structures (table specification, "Manifests"), as values. */

/** A partition value or a bound in memory: date is days, time, timestamp and timestamptz are micros, decimal is unscaled, uuid and fixed are bytes. */
export type SingleValue = boolean | number | bigint | string | Uint8Array | null

export interface DataFile {
  /** 0 data, 1 position deletes, 2 equality deletes. */
  readonly content: 0 | 1 | 2
  /** Full URI with scheme, byte for byte as readers will compare it. */
  readonly filePath: string
  readonly fileFormat: 'PARQUET' | 'AVRO' | 'ORC' | 'PUFFIN'
  /** One value per field of the manifest's partition spec, in its order. */
  readonly partition: readonly SingleValue[]
  readonly recordCount: bigint
  readonly fileSizeInBytes: bigint
  /** Maps by field id. Bounds are single-value serialized (appendix D). */
  readonly columnSizes?: ReadonlyMap<number, bigint>
  readonly valueCounts?: ReadonlyMap<number, bigint>
  readonly nullValueCounts?: ReadonlyMap<number, bigint>
  readonly nanValueCounts?: ReadonlyMap<number, bigint>
  readonly lowerBounds?: ReadonlyMap<number, Uint8Array>
  readonly upperBounds?: ReadonlyMap<number, Uint8Array>
  readonly keyMetadata?: Uint8Array
  readonly splitOffsets?: readonly bigint[]
  readonly equalityIds?: readonly number[]
  readonly sortOrderId?: number
  readonly firstRowId?: bigint
  readonly referencedDataFile?: string
  readonly contentOffset?: bigint
  readonly contentSizeInBytes?: bigint
}

/** A file as its manifest has it, but for its metrics, which are most of it. */
export function withoutMetrics(file: DataFile): DataFile {
  const { columnSizes: _a, valueCounts: _b, nullValueCounts: _c, nanValueCounts: _d, lowerBounds: _e, upperBounds: _f, ...rest } = file
  return rest
}

export interface ManifestEntry {
  /** 0 EXISTING, 1 ADDED, 2 DELETED. */
  readonly status: 0 | 1 | 2
  /** Null: inherited from the manifest's entry in the manifest list (only legal on ADDED). */
  readonly snapshotId: bigint | null
  readonly sequenceNumber: bigint | null
  readonly fileSequenceNumber: bigint | null
  readonly dataFile: DataFile
}

/** Summary of one partition field over a manifest (manifest list, `field_summary`). */
export interface FieldSummary {
  readonly containsNull: boolean
  readonly containsNan?: boolean
  readonly lowerBound?: Uint8Array
  readonly upperBound?: Uint8Array
}

/** One row of a manifest list (`manifest_file`). */
export interface ManifestFile {
  readonly manifestPath: string
  readonly manifestLength: bigint
  readonly partitionSpecId: number
  /** 0 data, 1 deletes. */
  readonly content: 0 | 1
  readonly sequenceNumber: bigint
  readonly minSequenceNumber: bigint
  readonly addedSnapshotId: bigint
  readonly addedFilesCount: number
  readonly existingFilesCount: number
  readonly deletedFilesCount: number
  readonly addedRowsCount: bigint
  readonly existingRowsCount: bigint
  readonly deletedRowsCount: bigint
  readonly partitions?: readonly FieldSummary[]
  readonly keyMetadata?: Uint8Array
  readonly firstRowId?: bigint
}
