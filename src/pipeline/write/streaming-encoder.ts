import type { ColumnBatch } from '../../formats/arrow/vector.ts'
import type { ColumnMetrics } from '../../formats/iceberg/column-metrics.ts'
import { findField } from '../../formats/iceberg/primitive-type.ts'
import type { NestedField } from '../../formats/iceberg/schema.ts'
import { ParquetFile } from '../../formats/parquet/encode/parquet-file.ts'
import { type LeafRun, RowGroupWriter } from '../../formats/parquet/encode/row-group-writer.ts'
import type { WrittenFile } from '../../formats/iceberg/written-file.ts'
import type { EncoderOptions, FileEncoder } from './file-encoder.ts'

/** Our own encoder: batches become pages at once, and only compressed pages are held until their row group is full. */
export class StreamingEncoder implements FileEncoder {
  readonly #file: ParquetFile
  readonly #writer: RowGroupWriter
  readonly #fields: readonly NestedField[]
  readonly #rowGroupBytes: number

  constructor({ fields, rowGroupBytes, ...options }: EncoderOptions) {
    this.#fields = fields
    this.#file = new ParquetFile(fields)
    this.#writer = new RowGroupWriter(fields, options)
    this.#rowGroupBytes = rowGroupBytes
  }

  get size(): number {
    return this.#file.size + this.#writer.byteLength
  }

  start(): Uint8Array {
    return this.#file.start()
  }

  append(batch: ColumnBatch): readonly Uint8Array[] {
    this.#writer.append(batch)
    return this.#takeFull()
  }

  /** Rows in Parquet's form, as `RowGroupWriter.appendLeaves` takes them. */
  appendLeaves(rows: number, leaves: readonly (readonly LeafRun[])[]): readonly Uint8Array[] {
    this.#writer.appendLeaves(rows, leaves)
    return this.#takeFull()
  }

  #takeFull(): readonly Uint8Array[] {
    return this.#writer.byteLength < this.#rowGroupBytes ? [] : this.#file.add(this.#writer.finish())
  }

  finish(keyValues: ReadonlyMap<string, string>): { rest: readonly Uint8Array[]; file: WrittenFile } {
    const parts = this.#writer.rowCount === 0 ? [] : this.#file.add(this.#writer.finish())
    const { tail, file } = this.#file.finish(keyValues)
    const columns = new Map<number, ColumnMetrics>()
    for (const [id, { compressedBytes: columnSize, valueCount, nullCount, nanCount, range }] of file.leaves) {
      const type = findField(this.#fields, id)?.type
      columns.set(id, { columnSize, valueCount, nullCount, ...range, ...((type === 'float' || type === 'double') && { nanCount }) })
    }
    return { rest: [...parts, tail], file: { ...file, columns } }
  }
}
