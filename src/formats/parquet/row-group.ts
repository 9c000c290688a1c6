import { Compression, EnabledStatistics, Table, writeParquet, WriterPropertiesBuilder } from 'parquet-wasm'
import type { ColumnBatch } from '../arrow/vector.ts'
import { arrowSchema, encodeIpcStream } from '../arrow/ipc.ts'
import type { Schema } from '../iceberg/schema.ts'

/** Codecs of `write.parquet.compression-codec`. */
export type ParquetCodec = 'zstd' | 'snappy' | 'gzip' | 'lz4' | 'brotli' | 'uncompressed'

export interface RowGroupOptions {
  readonly codec: ParquetCodec
  /** Bound on the uncompressed size of a page, bytes. */
  readonly pageSizeBytes: number
  /** Bound on a column chunk's dictionary, bytes; past it the chunk falls back to plain pages. */
  readonly dictionarySizeBytes: number
}

/**
 * Turns column batches of one schema into Parquet row groups, each a complete small Parquet file with a single row group.
 * Only one row group's columns and bytes are in memory at a time, however large the file becomes that is assembled from them.
 */
export class RowGroupEncoder {
  readonly #schema
  readonly #options: RowGroupOptions

  constructor(schema: Pick<Schema, 'fields'>, options: RowGroupOptions) {
    this.#schema = arrowSchema(schema)
    this.#options = options
  }

  encode(batch: ColumnBatch): Uint8Array {
    const { codec, pageSizeBytes, dictionarySizeBytes } = this.#options
    const properties = new WriterPropertiesBuilder()
      .setCompression(compressions[codec])
      .setDataPageSizeLimit(pageSizeBytes)
      .setDictionaryPageSizeLimit(dictionarySizeBytes)
      .setStatisticsEnabled(EnabledStatistics.Chunk)
      .setMaxRowGroupSize(Math.max(1, batch.length))
      .setCreatedBy('iceberg-processor')
      .build()
    return writeParquet(Table.fromIPCStream(encodeIpcStream(this.#schema, batch)), properties)
  }
}

const compressions: Record<ParquetCodec, Compression> = {
  zstd: Compression.ZSTD,
  snappy: Compression.SNAPPY,
  gzip: Compression.GZIP,
  lz4: Compression.LZ4_RAW,
  brotli: Compression.BROTLI,
  uncompressed: Compression.UNCOMPRESSED,
}
