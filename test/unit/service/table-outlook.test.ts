import { expect, test } from 'vitest'
import { newTable } from '../../../src/pipeline/commit/new-table.ts'
import { documentOutlook } from '../../../src/service/status/table-outlook.ts'
import { mappingFor } from '../../../src/spec/table-mapping.ts'
import type { DecidedValue } from '../../../src/spec/value-column.ts'
import type { Plain } from '../spec/documents.ts'
import { documentOf, plannedTable, source } from './outlooks.ts'
import { at, batch, record } from './segments.ts'
import { namespace, world, type World } from './world.ts'

async function fill(w: World, values: readonly (string | null)[]): Promise<void> {
  await w.write(at, 0n, [
    batch(
      0n,
      values.map((value) => record(value)),
    ),
  ])
}

/** Makes the table as a run would that had decided so. */
async function make(w: World, value: DecidedValue, change?: (document: Plain) => void): Promise<void> {
  const request = newTable(mappingFor(documentOf(change), 'orders'), {
    value,
    properties: {},
    formatVersion: 2,
    profile: w.catalog.profile,
  })
  await w.catalog.ensureNamespace(namespace)
  await w.catalog.createTable({ namespace, name: 'orders' }, request)
}

/** `name type from` of each column that no Kafka coordinate fills. */
async function columnsOf(w: World, change?: (document: Plain) => void): Promise<string[]> {
  const { columns } = await plannedTable(w, change)
  return columns
    .filter(({ name }) => !name.startsWith('kafka_'))
    .map(({ name, type, role, path }) => `${name} ${type} ${path ?? role ?? 'nothing'}`)
}

test('a table that is not there gets the columns of a sample, after those with the Kafka coordinates', async () => {
  const w = world()
  await fill(w, ['{"orderId":1,"lines":[{"sku":"x","n":2}]}', '{"orderId":2,"at":"2024-01-01T00:00:00Z"}', null])
  const { columns, metadata, value, sample, refused, topics } = await plannedTable(w)
  expect(columns.map(({ name, type, role, path, required }) => [name, type, path ?? role, required])).toEqual([
    ['kafka_topic', 'string', 'topic', true],
    ['kafka_partition', 'int', 'partition', true],
    ['kafka_offset', 'long', 'offset', true],
    ['kafka_timestamp', 'timestamptz', 'timestamp', false],
    ['kafka_key', 'binary', 'key', false],
    ['kafka_headers', 'list<struct<key: string, value: binary>>', 'headers', false],
    ['orderid', 'long', "$['orderId']", false],
    ['lines', 'list<struct<sku: string, n: long>>', "$['lines']", false],
    ['at', 'timestamptz', "$['at']", false],
    ['_rescued', 'string', 'rescue', false],
  ])
  expect({ metadata, format: value?.format, refused, topics }).toEqual({
    metadata: null,
    format: 'json',
    refused: null,
    topics: ['orders'],
  })
  expect(sample).toEqual({ records: 3, nulls: 1, segments: 1, exhausted: true, rescued: 0, rescuedPaths: [], bad: 0, firstBad: null })
})

test('what the document says of the values holds, and is tried on the sample', async () => {
  const w = world()
  await fill(w, ['{"id":1,"note":"x"}', '{"id":"two","note":1}', '{"note":null}'])
  const columns = [
    { name: 'id', type: 'long', required: true },
    { name: 'note', type: 'string' },
  ]
  const say = (d: Plain) => (d.spec.mappings = [{ topic: 'orders', value: { columns } }])
  expect(await columnsOf(w, say)).toEqual(["id long $['id']", "note string $['note']", '_rescued string rescue'])
  const { sample } = await plannedTable(w, say)
  expect(sample).toMatchObject({ rescued: 0, bad: 2, firstBad: expect.stringContaining("$['id']") as string })
  const optional = (d: Plain) =>
    (d.spec.mappings = [{ topic: 'orders', value: { columns: [columns[1], { name: 'other', type: 'long' }] } }])
  expect((await plannedTable(w, optional)).sample).toMatchObject({
    bad: 0,
    rescued: 2,
    rescuedPaths: [
      ["$['id']", 2],
      ["$['note']", 1],
    ],
  })
})

test.each(['binary', 'string'])('values that are kept as %s need no sample', async (format) => {
  const w = world()
  await fill(w, ['{"id":1}'])
  const gets: string[] = []
  w.faults.store = (operation, key) => {
    if (operation === 'get') gets.push(key)
    return undefined
  }
  const say = (d: Plain) => (d.spec.mappings = [{ topic: 'orders', value: { format } }])
  expect(await columnsOf(w, say)).toEqual([`value ${format} value`])
  expect((await plannedTable(w, say)).sample).toBeNull()
  expect(gets).toEqual([])
})

test('values that are no JSON objects are kept whole', async () => {
  const w = world()
  await fill(w, ['one', 'two'])
  expect(await columnsOf(w)).toEqual(['value binary value'])
  expect(await plannedTable(w)).toMatchObject({ value: { format: 'binary' }, sample: { records: 2 } })
})

test('before a record is ready, the columns are not known', async () => {
  const w = world()
  await w.write(at, 0n, [batch(0n, 1)], ['kfs'])
  expect(await plannedTable(w)).toMatchObject({ columns: [], value: null, sample: null, refused: null })
  const say = (d: Plain) => (d.spec.mappings = [{ topic: 'orders', value: { columns: [{ name: 'id', type: 'long' }] } }])
  expect(await columnsOf(w, say)).toEqual(["id long $['id']", '_rescued string rescue'])
})

test('a table that is there says itself what its columns are, whatever the records are like', async () => {
  const w = world()
  await fill(w, ['{"id":"by now a string"}'])
  const made: DecidedValue = {
    format: 'json',
    columns: [{ name: 'number', path: ['id'], type: { type: 'long' }, required: false, unit: 'iso8601', form: null }],
  }
  await make(w, made)
  expect(await columnsOf(w)).toEqual(["number long $['id']", '_rescued string rescue'])
  expect(await plannedTable(w)).toMatchObject({ value: made, sample: null, stopped: null })
})

test('a table that can not be continued is refused, and its columns are shown', async () => {
  const w = world()
  await fill(w, ['x'])
  await make(w, { format: 'binary' })
  const say = (d: Plain) => (d.spec.mappings = [{ topic: 'orders', value: { format: 'string' } }])
  const { refused, stopped, value, columns, work } = await plannedTable(w, say)
  expect(refused).toContain('table analytics.orders can not be continued')
  expect(stopped).toBe(refused)
  expect(value).toBeNull()
  expect(columns.at(-1)).toEqual({ name: 'value', type: 'binary', required: false, role: null, path: null })
  expect(work.segments).toBe(0)
})

test('a table of whose topic no segment is left is shown as it is, and a topic without segment and table is none', async () => {
  const w = world()
  await fill(w, ['x'])
  await w.runOnce()
  const shown = async (...topics: string[]) => {
    const document = documentOf((plain) => (plain.spec.source.topics = topics))
    const { tables } = await documentOutlook(document, undefined, source, w.seams)
    return tables.map(({ table, columns }) => [table, columns.length])
  }
  const before = await shown('*')
  for await (const { objects } of w.source.list({ prefix: 'p/' })) for (const { key } of objects) await w.source.remove(key)
  for (const topics of [['*'], ['orders'], ['orders', 'clicks']]) expect(await shown(...topics)).toEqual(before)
})

test('one table is found by its name, with or without its namespace', async () => {
  const w = world()
  await fill(w, ['x'])
  await w.write({ topic: 'Clicks', partition: 0 }, 0n, [batch(0n, 1)])
  const look = async (wanted?: string) => (await documentOutlook(documentOf(), wanted, source, w.seams)).tables.map(({ table }) => table)
  expect(await look()).toEqual(['analytics.clicks', 'analytics.orders'])
  expect(await look('clicks')).toEqual(['analytics.clicks'])
  expect(await look('analytics.clicks')).toEqual(['analytics.clicks'])
  expect(await look('Clicks')).toEqual([])
  expect((await documentOutlook(documentOf(), 'x', source, w.seams)).tableNames).toEqual(['analytics.clicks', 'analytics.orders'])
})
