import type { DataFile } from '../../src/formats/iceberg/data-file.ts'
import type { NestedField } from '../../src/formats/iceberg/schema.ts'
import { currentSchema, type TableMetadata } from '../../src/formats/iceberg/table-metadata.ts'
import type { FileIO } from '../../src/seams/file-io.ts'
import { vectorOf } from '../unit/formats/arrow/fill.ts'
import { encodeFile } from '../unit/formats/parquet/encode/files.ts'
import type { Row } from './table-reader.ts'

const positionFields: readonly NestedField[] = [
  { id: 2147483546, name: 'file_path', required: true, type: 'string' },
  { id: 2147483545, name: 'pos', required: true, type: 'long' },
]

/** Writes a file that deletes the row at one place of a data file. */
export function writePositionDelete(io: FileIO, filePath: string, path: string, position: number): Promise<DataFile> {
  return writeDelete(io, filePath, positionFields, [Buffer.from(path), BigInt(position)], { content: 1 })
}

/** Writes a file that deletes the rows of one record, whatever files they are in by then. */
export function writeEqualityDelete(io: FileIO, filePath: string, metadata: TableMetadata, { log, offset }: Row): Promise<DataFile> {
  const [topic, partition] = [log.slice(0, log.lastIndexOf('/')), Number(log.slice(log.lastIndexOf('/') + 1))]
  const own = ['kafka_topic', 'kafka_partition', 'kafka_offset']
  const fields = own.map((name) => currentSchema(metadata).fields.find((field) => field.name === name)!)
  const equalityIds = fields.map(({ id }) => id)
  return writeDelete(io, filePath, fields, [Buffer.from(topic), partition, offset], { content: 2, equalityIds })
}

async function writeDelete(
  io: FileIO,
  filePath: string,
  fields: readonly NestedField[],
  row: readonly unknown[],
  kind: Pick<DataFile, 'content' | 'equalityIds'>,
): Promise<DataFile> {
  const { bytes } = encodeFile(fields, [[{ length: 1, columns: fields.map(({ type }, i) => vectorOf(type, [row[i]])) }]])
  await io.write(filePath, [bytes])
  return { ...kind, filePath, fileFormat: 'PARQUET', partition: [], recordCount: 1n, fileSizeInBytes: BigInt(bytes.length) }
}
