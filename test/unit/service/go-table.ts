import type { Schema } from '../../../src/formats/iceberg/schema.ts'
import { currentSchema } from '../../../src/formats/iceberg/table-metadata.ts'
import type { DataFile } from '../../../src/formats/iceberg/data-file.ts'
import { vectorOf } from '../formats/arrow/fill.ts'
import { encodeFile } from '../formats/parquet/encode/files.ts'
import type { Plain } from '../spec/documents.ts'
import { commitForeign } from './foreign-commit.ts'
import { at, writtenMs } from './segments.ts'
import { namespace, type World } from './world.ts'

/** What a document says that goes on with a table of the Go processor. */
export const asGo = (document: Plain): void => {
  document.spec.mappings = [{ topic: '*', compat: 'kafscale' }]
}

const schemaWith = (partition: 'int' | 'long'): Schema => ({
  type: 'struct',
  'schema-id': 0,
  fields: (
    [
      ['record_id', true, 'string'],
      ['topic', true, 'string'],
      ['partition', true, partition],
      ['offset', true, 'long'],
      ['timestamp_ms', true, 'long'],
      ['key', false, 'binary'],
      ['value', false, 'binary'],
      ['headers', false, 'string'],
    ] as const
  ).map(([name, required, type], i) => ({ id: i + 1, name, required, type })),
})

/** Creates the table as the Go processor does, or as others do whose partitions are of 64 bits. */
export async function createGoTable({ catalog }: Pick<World, 'catalog'>, partition: 'int' | 'long' = 'int'): Promise<void> {
  await catalog.ensureNamespace(namespace)
  const request = {
    schema: schemaWith(partition),
    partitionSpec: { 'spec-id': 0, fields: [] },
    sortOrder: { 'order-id': 0, fields: [] },
    properties: { 'write.format.default': 'parquet' },
  }
  const created = await catalog.createTable({ namespace, name: at.topic }, request)
  if (created.kind !== 'created') throw new Error('the table exists')
}

/** A commit of the Go processor: the rows of these offsets, in one file, in this order. */
export async function appendAsGo(own: World, offsets: readonly number[], partition: number = at.partition): Promise<DataFile> {
  const text = (make: (offset: number) => string) =>
    vectorOf(
      'string',
      offsets.map((offset) => Buffer.from(make(offset))),
    )
  const { fields } = currentSchema(await own.table(at.topic))
  const type = fields.find(({ name }) => name === 'partition')?.type
  const columns = [
    text((offset) => `${at.topic}:${partition}:${offset}`),
    text(() => at.topic),
    type === 'long'
      ? vectorOf(
          'long',
          offsets.map(() => BigInt(partition)),
        )
      : vectorOf(
          'int',
          offsets.map(() => partition),
        ),
    vectorOf('long', offsets.map(BigInt)),
    vectorOf(
      'long',
      offsets.map(() => BigInt(writtenMs)),
    ),
    vectorOf(
      'binary',
      offsets.map(() => null),
    ),
    vectorOf(
      'binary',
      offsets.map((offset) => Buffer.from(`v${offset}`)),
    ),
    text(() => ''),
  ]
  const { bytes } = encodeFile(fields, [[{ length: offsets.length, columns }]])
  const filePath = `s3://warehouse/go/${own.seams.entropy.uuid()}.parquet`
  await own.io.write(filePath, [bytes])
  const file: DataFile = {
    content: 0,
    filePath,
    fileFormat: 'PARQUET',
    partition: [],
    recordCount: BigInt(offsets.length),
    fileSizeInBytes: BigInt(bytes.length),
  }
  await commitForeign(own, at.topic, { add: [file] })
  return file
}

/** The offsets from `start` to `end`, exclusive. */
export function offsetsFrom(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i)
}
