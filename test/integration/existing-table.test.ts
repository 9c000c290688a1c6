import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { IcebergType, Schema } from '../../src/formats/iceberg/schema.ts'
import type { CreateTableRequest } from '../../src/seams/catalog.ts'
import type { ProcessorDocument } from '../../src/spec/document.ts'
import { toRows } from './canonical.ts'
import type { CanonicalRow } from './canonical.ts'
import { addSegment, documentOf, loadMetadata, loadTable, restOnS3, runOnce, sqliteOnFiles, withCatalog } from './program.ts'
import type { Place, Run } from './program.ts'
import { type Engine, readFiles, readTable, type TableName, writeTable } from './readers.ts'

const engines: Engine[] = ['pyiceberg', 'duckdb', 'pyarrow']
const database = `existing_${process.pid}`

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'existing-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** A column of a table that somebody else creates; ids are numbered by the catalog. */
type Field = readonly [name: string, type: IcebergType, required?: boolean]

const headers: IcebergType = {
  type: 'list',
  'element-id': 900,
  'element-required': true,
  element: {
    type: 'struct',
    fields: [
      { id: 901, name: 'key', required: true, type: 'string' },
      { id: 902, name: 'value', required: false, type: 'binary' },
    ],
  },
}
const standard: Field[] = [
  ['kafka_topic', 'string', true],
  ['kafka_partition', 'int', true],
  ['kafka_offset', 'long', true],
  ['kafka_timestamp', 'timestamptz'],
  ['kafka_key', 'binary'],
  ['kafka_headers', headers],
  ['value', 'binary'],
]

function schemaOf(fields: readonly Field[]): Schema {
  return {
    type: 'struct',
    'schema-id': 0,
    fields: fields.map(([name, type, required = false], i) => ({ id: i + 1, name, required, type })),
  }
}

interface Given {
  readonly place: Place
  readonly fields: readonly Field[]
  readonly properties?: Readonly<Record<string, string>>
  /** Rows that are there before us. */
  readonly rows?: readonly CanonicalRow[]
  readonly mapping?: object
}

/** Creates the table by PyIceberg and runs the program over two records for it. */
async function continued(topic: string, given: Given): Promise<{ run: Run; table: TableName; document: ProcessorDocument }> {
  const table: TableName = [database, topic]
  const { place, fields, properties, rows } = given
  await writeTable(place.reader, table, [
    { create: { schema: schemaOf(fields), properties } },
    ...(rows === undefined ? [] : [{ append: rows }]),
  ])
  const document = await documentFor(topic, given)
  return { run: await runOnce(document), table, document }
}

/** A document that wants two records in the table. */
async function documentFor(topic: string, { place, mapping }: Pick<Given, 'place' | 'mapping'>): Promise<ProcessorDocument> {
  const bucket = join(directory, 'buckets', topic)
  await addSegment(bucket, { topic, partition: 3 }, 41n, [
    { key: Buffer.from('k'), value: Buffer.from('v'), headers: [{ key: 'h', value: null }] },
    { timestampMs: -1n },
  ])
  return documentOf({ place, source: { directory: bucket }, database, mappings: mapping && [{ topic, ...mapping }] })
}

const first = (topic: string) => ({
  kafka_topic: topic,
  kafka_partition: '3',
  kafka_offset: '41',
  kafka_timestamp: '1767225600000000',
  kafka_key: Buffer.from('k').toString('base64'),
  kafka_headers: [{ key: 'h', value: null }],
  value: Buffer.from('v').toString('base64'),
})
const second = (topic: string) => ({
  kafka_topic: topic,
  kafka_partition: '3',
  kafka_offset: '42',
  kafka_timestamp: null,
  kafka_key: null,
  kafka_headers: [],
  value: null,
})

/** The row with its columns in a table's order; what it lacks is null. */
const inOrder = (fields: readonly Field[], row: CanonicalRow): CanonicalRow =>
  Object.fromEntries(fields.map(([name]) => [name, row[name] ?? null]))

async function expectRows(place: Place, table: TableName, rows: readonly CanonicalRow[]): Promise<void> {
  const read = await Promise.all(engines.map((engine) => readTable(engine, place.reader, table)))
  for (const [i, engine] of engines.entries()) expect(read[i], engine).toEqual(toRows(rows))
}

describe.each([
  { catalog: 'sql', place: () => sqliteOnFiles(directory) },
  { catalog: 'rest', place: restOnS3 },
])('a table that PyIceberg created in a $catalog catalog is continued', ({ catalog, place }) => {
  test('with its columns in another order, columns of its own among them, and the rows that were there', async () => {
    const topic = `order_${catalog}`
    const fields: Field[] = [
      ['note', 'string'],
      ...standard.toReversed(),
      ['nested', { type: 'struct', fields: [{ id: 910, name: 'a', required: false, type: 'int' }] }],
      ['tags', { type: 'list', 'element-id': 920, element: 'string', 'element-required': false }],
    ]
    const before = inOrder(fields, { ...second('by-hand'), note: 'hello', tags: ['a', null], nested: { a: '1' } })
    const { run, table } = await continued(topic, { place: place(), fields, rows: [before] })
    expect(run).toMatchObject({ errors: '', ok: true })
    await expectRows(place(), table, [before, inOrder(fields, first(topic)), inOrder(fields, second(topic))])
  })

  test('under other column names, as the document maps them', async () => {
    const topic = `names_${catalog}`
    const names: Record<string, string> = {
      kafka_topic: 'Topic',
      kafka_partition: 'part ition',
      kafka_offset: 'offset',
      kafka_timestamp: 'written.at',
      kafka_key: 'schlüssel',
      kafka_headers: 'h',
    }
    const fields = standard.map(([name, ...rest]): Field => [names[name] ?? name, ...rest])
    const renamed = (row: CanonicalRow): CanonicalRow =>
      Object.fromEntries(Object.entries(row).map(([name, value]) => [names[name] ?? name, value]))
    const kafkaColumns = Object.fromEntries(Object.entries(names).map(([name, other]) => [name.replace('kafka_', ''), other]))
    const { run, table } = await continued(topic, { place: place(), fields, mapping: { kafkaColumns } })
    expect(run).toMatchObject({ errors: '', ok: true })
    await expectRows(place(), table, [renamed(first(topic)), renamed(second(topic))])
  })

  test('without the columns that the document leaves out, with text for keys and values', async () => {
    const topic = `lean_${catalog}`
    const fields: Field[] = [
      ['value', 'string'],
      ['kafka_key', 'string'],
      ['kafka_offset', 'long'],
      ['kafka_partition', 'int'],
      ['kafka_topic', 'string'],
    ]
    const { run, table } = await continued(topic, {
      place: place(),
      fields,
      mapping: { kafkaColumns: { timestamp: null, headers: null }, key: { format: 'string' }, value: { format: 'string' } },
    })
    expect(run).toMatchObject({ errors: '', ok: true })
    await expectRows(place(), table, [inOrder(fields, { ...first(topic), kafka_key: 'k', value: 'v' }), inOrder(fields, second(topic))])
  })
})

describe('properties of a table that exists are honoured', () => {
  test('write.data.path, write.metadata.path and the compression codec', async () => {
    const place = sqliteOnFiles(directory)
    const elsewhere = `file://${directory}/elsewhere`
    const properties = {
      'write.data.path': `${elsewhere}/data/`,
      'write.metadata.path': `${elsewhere}/metadata`,
      'write.parquet.compression-codec': 'gzip',
    }
    const { run, table, document } = await continued('paths', { place, fields: standard, properties })
    expect(run).toMatchObject({ errors: '', ok: true })
    await expectRows(place, table, [first('paths'), second('paths')])
    const [file] = await readFiles(place.reader, table)
    expect(file.path.startsWith(`${elsewhere}/data/`)).toBe(true)
    expect(file.path).not.toContain('data//')
    const metadata = await loadMetadata(document, 'paths')
    expect(metadata.snapshots?.every((snapshot) => snapshot['manifest-list'].startsWith(`${elsewhere}/metadata/`))).toBe(true)
  })

  test('gzip-compressed metadata is read and written', async () => {
    const place = sqliteOnFiles(directory)
    const properties = { 'write.metadata.compression-codec': 'gzip' }
    const { run, table, document } = await continued('gzipped', { place, fields: standard, properties })
    expect(run).toMatchObject({ errors: '', ok: true })
    await expectRows(place, table, [first('gzipped'), second('gzipped')])
    expect((await loadTable(document, 'gzipped')).metadataLocation).toMatch(/\.gz\.metadata\.json$/)
  })
})

const changed = (column: string, type: IcebergType, required?: boolean) =>
  standard.map(([name, ...rest]): Field => (name === column ? [name, type, required] : [name, ...rest]))
const having = (key: string, value: string) => ({ properties: { [key]: value } })

/** Tables that can not be continued: what is wrong with each, and what the message says. */
const refused: readonly [string, { fields?: readonly Field[] } & Partial<CreateTableRequest>, RegExp][] = [
  [
    'a required column that nothing fills',
    { fields: [...standard, ['id', 'long', true]] },
    /column id is required and nothing fills it; make it optional/,
  ],
  [
    'partitions by a transform that nobody knows',
    { partitionSpec: { 'spec-id': 0, fields: [{ 'source-id': 4, 'field-id': 1000, name: 'written', transform: 'zorder[3]' }] } },
    /partition transform "zorder\[3\]" is not known/,
  ],
  ['ORC as its format', having('write.format.default', 'orc'), /write\.format\.default is orc, and only parquet/],
  ['Avro as its format', having('write.format.default', 'avro'), /write\.format\.default is avro, and only parquet/],
  ['encryption', having('encryption.key-id', 'k1'), /encryption\.key-id asks for encryption/],
  [
    'a codec that nobody knows',
    having('write.parquet.compression-codec', 'lzo'),
    /write\.parquet\.compression-codec is "lzo": expected one of/,
  ],
  ['a required value', { fields: changed('value', 'binary', true) }, /column value is required, and a Kafka value can be null/],
  ['a narrower offset', { fields: changed('kafka_offset', 'int') }, /column kafka_offset is int, and the Kafka offset needs long/],
  [
    'local timestamps',
    { fields: changed('kafka_timestamp', 'timestamp') },
    /column kafka_timestamp is timestamp, and the Kafka timestamp needs timestamptz/,
  ],
  [
    'a list that is no headers',
    { fields: changed('kafka_headers', { type: 'list', 'element-id': 99, element: 'string', 'element-required': false }) },
    /column kafka_headers is list/,
  ],
  [
    'no column for the key',
    { fields: standard.filter(([name]) => name !== 'kafka_key') },
    /no column kafka_key for the Kafka key; add the column, or say in the document's kafkaColumns\.key/,
  ],
]

describe('a table that can not be continued is refused, in words that say why:', () => {
  test.each(refused)('%s', async (name, { fields = standard, ...request }, message) => {
    const topic = `refused_${name.replaceAll(' ', '_').toLowerCase()}`
    const document = await documentFor(topic, { place: sqliteOnFiles(directory) })
    await withCatalog(document, async (catalog) => {
      await catalog.ensureNamespace([database])
      const plain = { partitionSpec: { 'spec-id': 0, fields: [] }, sortOrder: { 'order-id': 0, fields: [] }, properties: {} }
      await catalog.createTable({ namespace: [database], name: topic }, { schema: schemaOf(fields), ...plain, ...request })
    })
    const run = await runOnce(document)
    expect(run.ok).toBe(false)
    expect(run.errors).toMatch(message)
    expect(run.errors).toContain(topic)
    expect((await loadMetadata(document, topic)).snapshots ?? []).toEqual([])
  })

  test('format version 1, which PyIceberg wrote', async () => {
    const { run } = await continued('old', { place: sqliteOnFiles(directory), fields: standard, properties: { 'format-version': '1' } })
    expect(run.ok).toBe(false)
    expect(run.errors).toMatch(/format version 1 is not supported, only 2 and 3 are: set the table property format-version to 2/)
  })
})
