import type { ColumnBatch } from '../../formats/arrow/vector.ts'
import type { ColumnMetrics } from '../../formats/iceberg/column-metrics.ts'
import { ParquetFileAssembler } from '../../formats/parquet/file-assembler.ts'
import { RowGroupEncoder } from '../../formats/parquet/row-group.ts'
import { ColumnBounds } from './column-bounds.ts'
import type { WrittenFile } from '../../formats/iceberg/written-file.ts'
import type { EncoderOptions, FileEncoder } from './file-encoder.ts'

/** parquet-wasm: each batch becomes a row group. */
export class BatchEncoder implements FileEncoder {
  readonly #assembler: ParquetFileAssembler
  readonly #encoder: RowGroupEncoder
  readonly #bounds: ColumnBounds

  constructor({ fields, metricsModes, ...options }: EncoderOptions) {
    this.#assembler = new ParquetFileAssembler({ fields })
    this.#encoder = new RowGroupEncoder({ fields }, options)
    this.#bounds = new ColumnBounds(fields, metricsModes)
  }

  get size(): number {
    return this.#assembler.size
  }

  start(): Uint8Array {
    return this.#assembler.start()
  }

  append(batch: ColumnBatch): readonly Uint8Array[] {
    this.#bounds.add(batch)
    return [this.#assembler.add(this.#encoder.encode(batch), batch.length)]
  }

  finish(keyValues: ReadonlyMap<string, string>): { rest: readonly Uint8Array[]; file: WrittenFile } {
    const { tail, file } = this.#assembler.finish(keyValues)
    const columns = new Map<number, ColumnMetrics>()
    for (const [id, { compressedBytes: columnSize, valueCount, nullCount }] of file.leaves) {
      columns.set(id, { columnSize, valueCount, nullCount, ...this.#bounds.of(id) })
    }
    return { rest: [tail], file: { ...file, columns } }
  }
}
