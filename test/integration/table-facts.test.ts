import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { systemClock } from '../../src/drivers/clock/system.ts'
import { currentSchema, currentSnapshot } from '../../src/formats/iceberg/table-metadata.ts'
import type { ProcessorDocument } from '../../src/spec/document.ts'
import { addSegment, documentOf, loadMetadata, loadTable, restOnS3, runOnce, sqliteOnFiles, sqliteOnS3, withCatalog } from './program.ts'
import type { DocumentParts, Place, SomeRecord } from './program.ts'
import { type AvroSchema, type Inspection, inspectTable, readFiles, readTable } from './readers.ts'

const database = `facts_${process.pid}`

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'facts-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** A table with one commit for each list of records, each at the offsets after the one before. */
async function tableOf(
  name: string,
  commits: readonly (readonly SomeRecord[])[],
  more: Partial<DocumentParts> = {},
  runWith: (document: ProcessorDocument, commit: number) => ReturnType<typeof runOnce> = (document) => runOnce(document),
): Promise<{ document: ProcessorDocument; place: Place }> {
  const own = await mkdtemp(join(directory, `${name}-`))
  const place = more.place ?? sqliteOnFiles(own)
  const bucket = join(own, 'bucket')
  const document = documentOf({ source: { directory: bucket }, database, ...more, place })
  let base = 0n
  for (const [i, records] of commits.entries()) {
    await addSegment(bucket, { topic: name, partition: 0 }, base, records)
    base += BigInt(records.length)
    expect(await runWith(document, i)).toMatchObject({ errors: '', ok: true })
  }
  return { document, place }
}

const value = (text: string): SomeRecord => ({
  key: Buffer.from('k'),
  value: Buffer.from(text),
  headers: [{ key: 'h', value: Buffer.from('x') }],
})

/** Every field of an Avro schema: its name and its ids, of lists and maps the ids of what they hold. */
function avroFields(schema: AvroSchema, path = ''): { path: string; id: unknown; schema: AvroSchema }[] {
  if (typeof schema === 'string') return []
  if (Array.isArray(schema)) return (schema as readonly AvroSchema[]).flatMap((branch) => avroFields(branch, path))
  const node = schema as { type: AvroSchema; fields?: ({ name: string; type: AvroSchema } & Record<string, unknown>)[]; items?: AvroSchema }
  if (typeof node.type !== 'string') return avroFields(node.type, path)
  if (node.fields !== undefined)
    return node.fields.flatMap((field) => [
      { path: `${path}/${field.name}`, id: field['field-id'], schema: field.type },
      ...avroFields(field.type, `${path}/${field.name}`),
    ])
  return node.items === undefined ? [] : avroFields(node.items, path)
}

describe('of a table with several commits and merged manifests', () => {
  let document: ProcessorDocument
  let inspected: Inspection
  beforeAll(async () => {
    const tables = { properties: { 'commit.manifest.min-count-to-merge': '2' } }
    const commits = [['a', 'b', 'c'], ['d'], ['e', 'f'], ['g', 'h', 'i', 'j']].map((texts) => texts.map(value))
    const made = await tableOf('merged', commits, { tables })
    document = made.document
    inspected = await inspectTable(made.place.reader, [database, 'merged'])
  })

  test('every manifest’s header has the keys of the specification, partition-spec the array of fields alone', async () => {
    const schema = currentSchema(await loadMetadata(document, 'merged'))
    expect(inspected.manifests.length).toBeGreaterThan(1)
    for (const { metadata } of inspected.manifests) {
      expect(metadata).toMatchObject({
        'schema-id': '0',
        'partition-spec': '[]',
        'partition-spec-id': '0',
        'format-version': '2',
        content: 'data',
      })
      expect(JSON.parse(metadata['schema'])).toMatchObject(JSON.parse(JSON.stringify(schema)) as object)
    }
  })

  test('every field in manifests and manifest lists has its field id, the partition record is r102, int-keyed maps are arrays with a logical type', () => {
    for (const { schema } of [...inspected.manifests, ...inspected.lists]) {
      const fields = avroFields(schema)
      expect(fields.length).toBeGreaterThan(10)
      expect(fields.filter(({ id }) => typeof id !== 'number')).toEqual([])
    }
    const fields = avroFields(inspected.manifests[0].schema)
    expect(fields.find(({ path }) => path.endsWith('/partition'))?.schema).toMatchObject({ type: 'record', name: 'r102', fields: [] })
    for (const map of ['column_sizes', 'value_counts', 'null_value_counts', 'lower_bounds', 'upper_bounds']) {
      const found = fields.find(({ path }) => path.endsWith(`/${map}`))?.schema
      expect(JSON.stringify(found), map).toContain('"logicalType":"map"')
    }
    expect(JSON.stringify(fields.find(({ path }) => path.endsWith('/split_offsets'))?.schema)).toContain('"element-id"')
    expect(JSON.stringify(avroFields(inspected.lists[0].schema).find(({ path }) => path.endsWith('/partitions'))?.schema)).toContain(
      '"element-id"',
    )
  })

  test('added entries inherit; existing ones, after merging, have the snapshot id and both sequence numbers that they had', async () => {
    const { snapshots = [] } = await loadMetadata(document, 'merged')
    const entries = inspected.manifests.flatMap(({ records }) => records)
    const added = entries.filter(({ status }) => status === '1')
    const existing = entries.filter(({ status }) => status === '0')
    expect(added.length).toBeGreaterThanOrEqual(1)
    expect(existing.length).toBeGreaterThanOrEqual(2)
    expect(added.length + existing.length).toBe(4)
    for (const entry of added)
      expect([entry['snapshot_id'], entry['sequence_number'], entry['file_sequence_number']]).toEqual([null, null, null])
    for (const entry of existing) {
      const snapshot = snapshots.find((candidate) => String(candidate['snapshot-id']) === entry['snapshot_id'])
      expect(snapshot, 'the entry names a snapshot of the table').toBeDefined()
      expect(entry['sequence_number']).toBe(String(snapshot?.['sequence-number']))
      expect(entry['file_sequence_number']).toBe(String(snapshot?.['sequence-number']))
      const counts = snapshot?.summary['added-records']
      expect((entry['data_file'] as Record<string, unknown>)['record_count']).toBe(counts)
    }
  })

  test('the manifest list counts files and rows, with the smallest sequence number of each manifest’s live entries', () => {
    const list = inspected.lists.at(-1)?.records ?? []
    expect(list).toHaveLength(inspected.manifests.length)
    for (const [i, listed] of list.entries()) {
      const { records } = inspected.manifests[i]
      const of = (status: string) => records.filter((entry) => entry['status'] === status)
      const rows = (status: string) =>
        String(of(status).reduce((sum, { data_file }) => sum + BigInt((data_file as { record_count: string }).record_count), 0n))
      expect(listed).toMatchObject({
        manifest_path: inspected.manifests[i].path,
        partition_spec_id: '0',
        content: '0',
        added_rows_count: rows('1'),
        existing_rows_count: rows('0'),
        deleted_rows_count: '0',
      })
      expect(
        Object.entries(listed)
          .filter(([name]) => /^(added|existing|deleted)_.*files_count$/.test(name))
          .map(([, count]) => count),
      ).toEqual([String(of('1').length), String(of('0').length), '0'])
      const numbers = records.map((entry) => BigInt((entry['sequence_number'] ?? listed['sequence_number']) as string))
      expect(listed['min_sequence_number']).toBe(String(numbers.reduce((a, b) => (a < b ? a : b))))
    }
  })

  test('a manifest list says whose it is', async () => {
    const { snapshots = [] } = await loadMetadata(document, 'merged')
    for (const [i, { metadata, path }] of inspected.lists.entries()) {
      expect(path).toBe(snapshots[i]['manifest-list'])
      expect(metadata).toMatchObject({
        'snapshot-id': String(snapshots[i]['snapshot-id']),
        'parent-snapshot-id': i === 0 ? 'null' : String(snapshots[i - 1]['snapshot-id']),
        'sequence-number': String(i + 1),
        'format-version': '2',
      })
    }
  })

  test('summaries count what each snapshot adds and carry the totals on; the operation is append', async () => {
    const { snapshots = [] } = await loadMetadata(document, 'merged')
    expect(
      snapshots.map(({ summary }) => [
        summary['operation'],
        summary['added-records'],
        summary['total-records'],
        summary['total-data-files'],
      ]),
    ).toEqual([
      ['append', '3', '3', '1'],
      ['append', '1', '4', '2'],
      ['append', '2', '6', '3'],
      ['append', '4', '10', '4'],
    ])
    const sizes = inspected.files.reduce((sum, { size }) => sum + BigInt(size), 0n)
    expect(snapshots.at(-1)?.summary).toMatchObject({
      'total-files-size': String(sizes),
      'total-delete-files': '0',
      'total-position-deletes': '0',
    })
  })

  test('field ids are those of the catalog’s answer at every level, and last-column-id counts the nested ones', async () => {
    const metadata = await loadMetadata(document, 'merged')
    const schema = currentSchema(metadata)
    expect(schema.fields.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(schema.fields[5].type).toMatchObject({ 'element-id': 8, element: { fields: [{ id: 9 }, { id: 10 }] } })
    expect(metadata).toMatchObject({ 'last-column-id': 10, 'last-partition-id': 999, 'default-sort-order-id': 0 })
    for (const { columns } of inspected.files) {
      expect(columns.map(({ ids }) => ids)).toEqual([[1], [2], [3], [4], [5], [6, 8, 9], [6, 8, 10], [7]])
    }
  })

  test('Parquet has list.element, UTC-adjusted micros, text as strings, no ARROW:schema; the manifest has no statistics of what is inside lists', () => {
    expect(inspected.files).toHaveLength(4)
    for (const { columns, keys } of inspected.files) {
      expect(keys).not.toContain('ARROW:schema')
      expect(keys).toContain('kafscale.processor.sources')
      expect(columns.map(({ path }) => path)).toEqual([
        'kafka_topic',
        'kafka_partition',
        'kafka_offset',
        'kafka_timestamp',
        'kafka_key',
        'kafka_headers.list.element.key',
        'kafka_headers.list.element.value',
        'value',
      ])
      expect(columns.map(({ physical }) => physical)).toEqual([
        'BYTE_ARRAY',
        'INT32',
        'INT64',
        'INT64',
        'BYTE_ARRAY',
        'BYTE_ARRAY',
        'BYTE_ARRAY',
        'BYTE_ARRAY',
      ])
      expect(columns[3].logical).toMatch(/isAdjustedToUTC=true.*timeUnit=microseconds/)
      expect([columns[0].logical, columns[4].logical, columns[5].logical]).toEqual(['String', 'None', 'String'])
    }
    for (const entry of inspected.manifests.flatMap(({ records }) => records)) {
      const file = entry['data_file'] as Record<string, Record<string, string>>
      for (const map of ['value_counts', 'null_value_counts', 'lower_bounds', 'upper_bounds', 'column_sizes']) {
        expect(
          Object.keys(file[map]).filter((id) => Number(id) >= 8),
          map,
        ).toEqual([])
      }
    }
  })
})

describe('of a file with several row groups', () => {
  let inspected: Inspection
  beforeAll(async () => {
    const own = await mkdtemp(join(directory, 'groups-'))
    const place = sqliteOnFiles(own)
    const bucket = join(own, 'bucket')
    for (let base = 0; base < 3000; base += 300) {
      // A row group is closed by the size of its compressed pages.
      const records = Array.from({ length: 300 }, () => ({ value: randomBytes(1200) }))
      await addSegment(bucket, { topic: 'groups', partition: 0 }, BigInt(base), records)
    }
    const processing = { parallelism: 16, memoryLimitBytes: 134_217_728 }
    const document = documentOf({ place, source: { directory: bucket }, database, processing })
    expect(await runOnce(document)).toMatchObject({ errors: '', ok: true })
    inspected = await inspectTable(place.reader, [database, 'groups'])
  })

  test('split offsets are where its row groups begin, ascending, and the file’s size is exact', () => {
    const [file] = inspected.files
    expect(file.rowGroups.length).toBeGreaterThan(2)
    const entry = inspected.manifests[0].records[0]['data_file'] as Record<string, unknown>
    expect(entry['split_offsets']).toEqual(file.rowGroups)
    expect(file.rowGroups.map(Number)).toEqual(file.rowGroups.map(Number).toSorted((a, b) => a - b))
    expect(entry['file_size_in_bytes']).toBe(file.size)
    expect(entry['record_count']).toBe('3000')
  })
})

test('bounds are cut to 16 code points or bytes, the upper ones incremented; what can not be has no upper bound', async () => {
  const records = [
    { key: Buffer.from('key'), value: Buffer.from('a value that is longer than sixteen bytes') },
    { key: Buffer.alloc(20, 0xff), value: Buffer.from('z'.repeat(17)) },
  ]
  const { place } = await tableOf('bounds', [records])
  const { manifests } = await inspectTable(place.reader, [database, 'bounds'])
  const file = manifests[0].records[0]['data_file'] as { lower_bounds: Record<string, string>; upper_bounds: Record<string, string> }
  const text = (bound: string) => Buffer.from(bound, 'base64').toString('latin1')
  expect(text(file.lower_bounds['5'])).toBe('key')
  expect(file.upper_bounds['5']).toBeUndefined()
  expect(text(file.lower_bounds['7'])).toBe('a value that is ')
  expect(text(file.upper_bounds['7'])).toBe(`${'z'.repeat(15)}{`)
  expect(text(file.upper_bounds['1'])).toBe('bounds')
  expect(Buffer.from(file.upper_bounds['3'], 'base64').readBigInt64LE()).toBe(1n)
})

test('metrics modes of the table are honoured', async () => {
  const properties = {
    'write.metadata.metrics.default': 'counts',
    'write.metadata.metrics.column.kafka_topic': 'full',
    'write.metadata.metrics.column.value': 'none',
    'write.metadata.metrics.column.kafka_key': 'truncate(2)',
    'write.parquet.compression-codec': 'snappy',
  }
  const name = 'a_topic_with_a_name_of_some_length'
  const { place } = await tableOf(name, [[{ key: Buffer.from('abcdef'), value: Buffer.from('v') }]], { tables: { properties } })
  const { manifests, files } = await inspectTable(place.reader, [database, name])
  const file = manifests[0].records[0]['data_file'] as Record<string, Record<string, string>>
  const text = (bound: string) => Buffer.from(bound, 'base64').toString('latin1')
  expect(Object.fromEntries(Object.entries(file['upper_bounds']).map(([id, bound]) => [id, text(bound)]))).toEqual({ 1: name, 5: 'ac' })
  expect(Object.keys(file['value_counts']).toSorted()).toEqual(['1', '2', '3', '4', '5'])
  expect(new Set(files[0].columns.map(({ codec }) => codec))).toEqual(new Set(['SNAPPY']))
})

test('Kafka columns keep their bounds past the hundredth column', async () => {
  const own = await mkdtemp(join(directory, 'wide-'))
  const place = sqliteOnFiles(own)
  const others = Array.from({ length: 120 }, (_, i) => ({ id: i + 1, name: `c${i}`, required: false, type: 'long' as const }))
  const ours = [
    ['kafka_topic', 'string'],
    ['kafka_partition', 'int'],
    ['kafka_offset', 'long'],
    ['value', 'binary'],
  ] as const
  const document = documentOf({
    place,
    source: { directory: join(own, 'bucket') },
    database,
    mappings: [{ topic: 'wide', kafkaColumns: { timestamp: null, key: null, headers: null } }],
  })
  await addSegment(join(own, 'bucket'), { topic: 'wide', partition: 0 }, 0n, [value('v')])
  await withCatalog(document, async (catalog) => {
    await catalog.ensureNamespace([database])
    await catalog.createTable(
      { namespace: [database], name: 'wide' },
      {
        schema: {
          type: 'struct',
          'schema-id': 0,
          fields: [...others, ...ours.map(([name, type], i) => ({ id: 200 + i, name, required: false, type }))],
        },
        partitionSpec: { 'spec-id': 0, fields: [] },
        sortOrder: { 'order-id': 0, fields: [] },
        properties: {},
      },
    )
  })
  expect(await runOnce(document)).toMatchObject({ errors: '', ok: true })
  const { manifests } = await inspectTable(place.reader, [database, 'wide'])
  const file = manifests[0].records[0]['data_file'] as Record<string, Record<string, string>>
  expect(Object.keys(file['lower_bounds'])).toEqual(['121', '122', '123', '124'])
  expect(
    await readTable('duckdb', place.reader, [database, 'wide'], {
      aggregate: 'count',
      where: { column: 'kafka_offset', op: '=', value: '0' },
    }),
  ).toEqual(['{"count":"1"}'])
})

test('timestamp-ms never goes back where the clock does', async () => {
  const clockAt = (ms: number) => ({ now: () => Date.now() + ms, sleep: systemClock.sleep })
  const ahead = [3_600_000, 0, -7_200_000]
  const { document, place } = await tableOf('clock', [[value('a')], [value('b')], [value('c')]], {}, (specified, i) =>
    runOnce(specified, { clock: clockAt(ahead[i]) }),
  )
  const metadata = await loadMetadata(document, 'clock')
  const times = (metadata.snapshots ?? []).map((snapshot) => snapshot['timestamp-ms'])
  expect(times[0]).toBeGreaterThan(Date.now() + 3_000_000)
  expect(times).toEqual([times[0], times[0] + 1, times[0] + 2])
  expect(metadata['last-updated-ms']).toBeGreaterThanOrEqual(times[2])
  expect(metadata['snapshot-log']?.map((entry) => entry['timestamp-ms'])).toEqual(times)
  expect(await readTable('pyiceberg', place.reader, [database, 'clock'], { aggregate: 'count' })).toEqual(['{"count":"3"}'])
})

test('a document’s unknown fields and what others wrote into it survive our commits', async () => {
  const { document } = await tableOf('future', [[value('a')]])
  const { metadataLocation } = await loadTable(document, 'future')
  const file = fileURLToPath(metadataLocation ?? '')
  const added = {
    'x-future': { id: 9007199254740991, list: [1, null, 'é'] },
    'partition-statistics': [{ 'snapshot-id': 1, 'statistics-path': 's', 'file-size-in-bytes': 3 }],
  }
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace(/\}\s*$/, `,${JSON.stringify(added).slice(1)}`))
  await addSegment(document.spec.source.directory ?? '', { topic: 'future', partition: 0 }, 1n, [value('b')])
  expect(await runOnce(document)).toMatchObject({ errors: '', ok: true })
  const after = JSON.parse(await readFile(fileURLToPath((await loadTable(document, 'future')).metadataLocation ?? ''), 'utf8')) as object
  expect(after).toMatchObject(added)
  expect(currentSnapshot(await loadMetadata(document, 'future'))?.summary['total-records']).toBe('2')
})

test.each([
  { name: 'encoded', place: (own: string) => sqliteOnS3(own, 'unused'), scheme: 's3a', engines: ['pyiceberg', 'duckdb', 'pyarrow'] },
  { name: 'encoded_rest', place: () => restOnS3(), scheme: 's3', engines: ['pyiceberg', 'duckdb', 'pyarrow'] },
] as const)(
  'a location under $scheme:// with percent signs in it is taken as it stands ($name)',
  async ({ name, place, scheme, engines }) => {
    const own = await mkdtemp(join(directory, `${name}-`))
    const location = `${scheme}://${inject('bucket')}/odd%20place%2F+x/${name}-${process.pid}`
    const made = await tableOf(name, [[value('a')], [value('b')]], { place: place(own), tables: { location } })
    const files = await readFiles(made.place.reader, [database, name])
    expect(files).toHaveLength(2)
    for (const { path } of files) expect(path.startsWith(`${location}/${name}/data/`)).toBe(true)
    for (const engine of engines) {
      expect(await readTable(engine, made.place.reader, [database, name], { aggregate: 'count' }), engine).toEqual(['{"count":"2"}'])
    }
  },
)
