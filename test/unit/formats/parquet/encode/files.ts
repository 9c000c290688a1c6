import type { ColumnBatch } from '../../../../../src/formats/arrow/vector.ts'
import type { IcebergType, NestedField } from '../../../../../src/formats/iceberg/schema.ts'
import { type EncodedFile, ParquetFile } from '../../../../../src/formats/parquet/encode/parquet-file.ts'
import { RowGroupWriter } from '../../../../../src/formats/parquet/encode/row-group-writer.ts'
import { ParquetFileAssembler } from '../../../../../src/formats/parquet/file-assembler.ts'
import { RowGroupEncoder, type RowGroupOptions } from '../../../../../src/formats/parquet/row-group.ts'
import { vectorOf } from '../../arrow/fill.ts'
import { type Layout, laidOut } from './laid-out.ts'

export type Row = readonly unknown[]

export const defaults: RowGroupOptions = { codec: 'zstd', pageSizeBytes: 1024 * 1024, dictionarySizeBytes: 1024 * 1024 }

/** One optional column of a type. */
export function optional(type: IcebergType): readonly NestedField[] {
  return [{ id: 1, name: 'x', required: false, type }]
}

export function batchOf(fields: readonly NestedField[], rows: readonly Row[], layout?: Layout): ColumnBatch {
  const columns = fields.map(({ type }, i) =>
    vectorOf(
      type,
      rows.map((row) => row[i]),
    ),
  )
  return { length: rows.length, columns: layout === undefined ? columns : columns.map((column) => laidOut(column, layout)) }
}

/** A file of our own: row groups of batches. */
export function encodeFile(
  fields: readonly NestedField[],
  groups: readonly (readonly ColumnBatch[])[],
  options = defaults,
): { bytes: Uint8Array<ArrayBuffer>; file: EncodedFile } {
  const writer = new RowGroupWriter(fields, options)
  const file = new ParquetFile(fields)
  const chunks = [file.start()]
  for (const batches of groups) {
    for (const batch of batches) writer.append(batch)
    chunks.push(...file.add(writer.finish()))
  }
  const { tail, file: facts } = file.finish(new Map([['k', 'v']]))
  return { bytes: Uint8Array.from(Buffer.concat([...chunks, tail])), file: facts }
}

/** The same by parquet-wasm: each batch is a row group. */
export function encodeReference(fields: readonly NestedField[], batches: readonly ColumnBatch[]): Uint8Array<ArrayBuffer> {
  const encoder = new RowGroupEncoder({ fields }, defaults)
  const assembler = new ParquetFileAssembler({ fields })
  const chunks = [assembler.start(), ...batches.map((batch) => assembler.add(encoder.encode(batch), batch.length))]
  return Uint8Array.from(Buffer.concat([...chunks, assembler.finish(new Map()).tail]))
}
