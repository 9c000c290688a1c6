import { describe, expect, test } from 'vitest'
import type { IcebergType, NestedField } from '../../../../src/formats/iceberg/schema.ts'
import type { TableMetadata } from '../../../../src/formats/iceberg/table-metadata.ts'
import { newTable } from '../../../../src/pipeline/commit/new-table.ts'
import { resolveLayout } from '../../../../src/pipeline/commit/resolve-layout.ts'
import { summaryKeys } from '../../../../src/pipeline/commit/summary-keys.ts'
import { mappingFor, type TopicMapping } from '../../../../src/spec/table-mapping.ts'
import { declaredValue } from '../../../../src/spec/value-column.ts'
import { load, type Plain, smallest } from '../../spec/documents.ts'
import { tableWith } from './tables.ts'

const profile = { propertiesInCommit: true, forbiddenProperties: [] }

function mapping(settings: Plain = {}): TopicMapping {
  const document = load(smallest((plain) => (plain.spec.mappings = [{ topic: 'orders', ...settings }])))
  return mappingFor(document, 'orders')
}

/** A table as this program creates it, with `change` made to its columns and properties. */
function created(
  settings: Plain = {},
  change: { fields?: (fields: NestedField[]) => NestedField[]; properties?: Record<string, string>; more?: Partial<TableMetadata> } = {},
) {
  const value = declaredValue(mapping(settings).value) ?? ({ format: 'binary' } as const)
  const request = newTable(mapping(settings), { value, properties: {}, formatVersion: 2, profile })
  const fields = change.fields?.([...request.schema.fields]) ?? request.schema.fields
  return tableWith([], {
    schemas: [{ ...request.schema, fields }],
    properties: { ...request.properties, ...change.properties },
    ...change.more,
  })
}

/** A table that others created: no property of ours. */
function foreign(change: (fields: NestedField[]) => NestedField[] = (fields) => fields, settings: Plain = {}) {
  return { ...created(settings, { fields: change }), properties: {} }
}

const named = (name: string, change: Partial<NestedField>) => (fields: NestedField[]) =>
  fields.map((field) => (field.name === name ? { ...field, ...change } : field))
const without = (name: string) => (fields: NestedField[]) => fields.filter((field) => field.name !== name)
const rolesOf = (metadata: TableMetadata, settings?: Plain) =>
  resolveLayout('db.orders', metadata, mapping(settings)).columns.map(({ role }) => role)

describe('a table is continued', () => {
  test('that we created', () => {
    expect(rolesOf(created())).toEqual(['topic', 'partition', 'offset', 'timestamp', 'key', 'headers', 'value'])
    expect(resolveLayout('db.orders', created(), mapping())).toMatchObject({ keyFormat: 'binary', valueFormat: 'binary' })
  })

  test('whatever the order of its columns, with the ids that it gives them', () => {
    const metadata = created({}, { fields: (fields) => fields.toReversed().map((field, i) => ({ ...field, id: 100 + i })) })
    const { columns } = resolveLayout('db.orders', metadata, mapping())
    expect(columns.map(({ role, field }) => [role, field.id])).toEqual([
      ['value', 100],
      ['headers', 101],
      ['key', 102],
      ['timestamp', 103],
      ['offset', 104],
      ['partition', 105],
      ['topic', 106],
    ])
  })

  test('with optional columns of others, which stay empty', () => {
    expect(rolesOf(foreign((fields) => [{ id: 90, name: 'note', required: false, type: 'string' }, ...fields]))).toHaveLength(7)
  })

  test('with columns named and left out by the document', () => {
    const settings = { kafkaColumns: { topic: 'source', key: null, headers: null } }
    expect(rolesOf(created(settings), settings)).toEqual(['topic', 'partition', 'offset', 'timestamp', 'value'])
  })

  test("whose partition and timestamp are numbers of 64 bits, as Kafka Connect's sink makes them", () => {
    const settings = { kafkaColumns: { timestamp: 'ts' } }
    const metadata = foreign((fields) => named('ts', { type: 'long' })(named('kafka_partition', { type: 'long' })(fields)), settings)
    expect(rolesOf(metadata, settings)).toHaveLength(7)
  })

  test('that others created with a string value, where the document leaves the format open', () => {
    expect(resolveLayout('db.orders', foreign(named('value', { type: 'string' })), mapping()).valueFormat).toBe('string')
  })

  test('whose choice of value format was stored, whatever auto means by now', () => {
    const metadata = created({ value: { format: 'string' } })
    expect(resolveLayout('db.orders', metadata, mapping()).valueFormat).toBe('string')
  })
})

const partitionedBy = (source: number, transform: string): TableMetadata => ({
  ...created(),
  'partition-specs': [{ 'spec-id': 0, fields: [{ 'source-id': source, 'field-id': 1000, name: 'd', transform }] }],
})

const list = (element: IcebergType): IcebergType => ({ type: 'list', 'element-id': 80, 'element-required': true, element })

const refusals: [what: string, metadata: TableMetadata, settings: Plain, reason: string][] = [
  ['format version 1', { ...created(), 'format-version': 1 }, {}, 'it has format version 1, and only versions 2 and 3 can be written'],
  ['format version 4', { ...created(), 'format-version': 4 }, {}, 'it has format version 4, and only versions 2 and 3 can be written'],
  [
    'a column whose default readers would not take',
    foreign((fields) => [...fields, { id: 90, name: 'n', required: false, type: 'int', 'initial-default': 1, 'write-default': 2 }]),
    {},
    'nothing fills n, where readers would take 1 and writers are to write 2; make its initial and its write default the same',
  ],
  [
    'a transform that nobody here knows',
    partitionedBy(4, 'zorder[3]'),
    {},
    'its partition field d can not be written: iceberg: partition transform "zorder[3]" is not known; replace that field',
  ],
  [
    'a transform that does not take its column',
    partitionedBy(1, 'day'),
    {},
    'its partition field d can not be written: iceberg: transform day takes date, timestamp, timestamptz, not string; replace that field',
  ],
  [
    'partitions of a column that is gone',
    partitionedBy(88, 'day'),
    {},
    'its partition field d (day) is of column 88, which the table does not have any more; replace that field',
  ],
  [
    'another file format',
    created({}, { properties: { 'write.format.default': 'ORC' } }),
    {},
    'its property write.format.default is ORC, and only parquet can be written',
  ],
  [
    'encryption',
    created({}, { properties: { 'encryption.key-id': 'k' } }),
    {},
    'its property encryption.key-id asks for encryption, which can not be written',
  ],
  [
    'a layout that is no JSON',
    created({}, { properties: { [summaryKeys.layout]: '{' } }),
    {},
    'its property kafscale.processor.layout can not be read; restore it',
  ],
  [
    'a layout of null',
    created({}, { properties: { [summaryKeys.layout]: 'null' } }),
    {},
    'its property kafscale.processor.layout can not be read; restore it',
  ],
  [
    'a layout without columns',
    created({}, { properties: { [summaryKeys.layout]: '{"columns":null,"keyFormat":"binary","valueFormat":"binary"}' } }),
    {},
    'its property kafscale.processor.layout can not be read; restore it',
  ],
  [
    'another column name',
    created(),
    { kafkaColumns: { offset: 'pos' } },
    "column for the Kafka offset: kafka_offset was chosen when the table was created, and the document says pos; change the document's kafkaColumns back, or name another table",
  ],
  [
    'a column that is left out now',
    created(),
    { kafkaColumns: { key: null } },
    "column for the Kafka key: kafka_key was chosen when the table was created, and the document says none; change the document's kafkaColumns back, or name another table",
  ],
  [
    'a column that was left out',
    created({ kafkaColumns: { headers: null } }),
    {},
    "column for the Kafka headers: none was chosen when the table was created, and the document says kafka_headers; change the document's kafkaColumns back, or name another table",
  ],
  [
    'another value format',
    created(),
    { value: { format: 'string' } },
    'it keeps the value as binary, and the document says value.format: string; change the document back, or name another table',
  ],
  [
    'another key format',
    created({ key: { format: 'string' } }),
    {},
    'it keeps the key as string, and the document says key.format: binary; change the document back, or name another table',
  ],
  [
    'a required column of others',
    foreign((fields) => [...fields, { id: 90, name: 'note', required: true, type: 'string' }]),
    {},
    'column note is required and nothing fills it; make it optional',
  ],
  [
    'a missing column',
    foreign(without('kafka_offset')),
    {},
    "it has no column kafka_offset for the Kafka offset; add the column, or say in the document's kafkaColumns.offset how it is called",
  ],
  ['a missing value', foreign(without('value')), {}, 'it has no column value for the Kafka value; add a column value (binary or string)'],
  [
    'an offset of type int',
    foreign(named('kafka_offset', { type: 'int' })),
    {},
    'column kafka_offset is int, and the Kafka offset needs long',
  ],
  [
    'a timestamp without zone',
    foreign(named('kafka_timestamp', { type: 'timestamp' })),
    {},
    'column kafka_timestamp is timestamp, and the Kafka timestamp needs timestamptz',
  ],
  [
    'headers of another shape',
    foreign(named('kafka_headers', { type: list('string') })),
    {},
    'column kafka_headers is list, and the Kafka headers needs list<struct<key: string, value: binary>>',
  ],
  [
    'headers whose values are required',
    foreign(
      named('kafka_headers', {
        type: list({
          type: 'struct',
          fields: [
            { id: 81, name: 'key', required: true, type: 'string' },
            { id: 82, name: 'value', required: true, type: 'binary' },
          ],
        }),
      }),
    ),
    {},
    'column kafka_headers is list, and the Kafka headers needs list<struct<key: string, value: binary>>',
  ],
  [
    'a required value',
    foreign(named('value', { required: true })),
    {},
    'column value is required, and a Kafka value can be null; make it optional',
  ],
  [
    'a timestamp of numbers whose unit nobody told',
    foreign(named('kafka_timestamp', { type: 'long' })),
    {},
    'column kafka_timestamp is long, and the Kafka timestamp needs timestamptz',
  ],
  [
    'a required timestamp of numbers',
    foreign(named('ts', { type: 'long', required: true }), { kafkaColumns: { timestamp: 'ts' } }),
    { kafkaColumns: { timestamp: 'ts' } },
    'column ts is required, and a Kafka timestamp can be null; make it optional',
  ],
  [
    'a required timestamp',
    foreign(named('kafka_timestamp', { required: true })),
    {},
    'column kafka_timestamp is required, and a Kafka timestamp can be null; make it optional',
  ],
]

test.each(refusals)('a table is refused for %s, and the message says what to change', (_what, metadata, settings, reason) => {
  expect(() => resolveLayout('db.orders', metadata, mapping(settings))).toThrow(
    expect.objectContaining({ name: 'WorkError', retry: 'never', message: `table db.orders can not be continued: ${reason}` }),
  )
})
