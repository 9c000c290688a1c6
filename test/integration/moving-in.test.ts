import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { program } from '../unit/cli/program.ts'
import { type CanonicalRow, toRows } from './canonical.ts'
import { type Etcd, startEtcd } from './etcd.ts'
import { addSegment, sqliteOnFiles } from './program.ts'
import { readTable, type TableName, writeTable } from './readers.ts'

/** The steps of docs/moving-in.md, one after another, on a table that PyIceberg writes as KafScale's Go processor does. */

const topic = 'orders'
const table: TableName = ['prod', topic]

let etcd: Etcd
let home: string
beforeAll(async () => {
  etcd = await startEtcd()
  home = await mkdtemp(join(tmpdir(), 'moving-in-'))
})
afterAll(async () => {
  await etcd.stop()
  await rm(home, { recursive: true, force: true })
})

const columns = [
  ['record_id', 'string', true],
  ['topic', 'string', true],
  ['partition', 'int', true],
  ['offset', 'long', true],
  ['timestamp_ms', 'long', true],
  ['key', 'binary', false],
  ['value', 'binary', false],
  ['headers', 'string', false],
  ['order_id', 'long', false],
] as const
const schema = { type: 'struct', 'schema-id': 0, fields: columns.map(([name, type, required], i) => ({ id: i + 1, name, type, required })) }

const valueOf = (offset: number) => Buffer.from(`{"order_id":${offset}}`)
const rowOf = (offset: number): CanonicalRow => ({
  record_id: `${topic}:0:${offset}`,
  topic,
  partition: '0',
  offset: `${offset}`,
  timestamp_ms: '1767225600000',
  key: null,
  value: valueOf(offset).toString('base64'),
  headers: '',
  order_id: `${offset}`,
})
const from = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i)
const rowsFrom = (start: number, end: number) => from(start, end).map(rowOf)

const config = (endpoint: string) => `
s3: {bucket: kafscale-data, namespace: default, region: us-east-1}
iceberg: {catalog: {type: rest, uri: "http://catalog:8181"}, warehouse: "s3://lake/warehouse"}
offsets: {backend: etcd, key_prefix: processors}
etcd: {endpoints: ["${endpoint}"]}
mappings:
  - {topic: orders, table: prod.orders, create_table_if_missing: true, schema: {columns: [{name: order_id, type: long}]}}
`

// Two dozen programs, one after another.
test('a table of the Go processor is taken over, made whole, and given back', { timeout: 400_000 }, async () => {
  const bucket = join(home, 'bucket')
  const segment = (base: number) =>
    addSegment(
      bucket,
      { topic, partition: 0 },
      BigInt(base),
      from(base, base + 10).map((offset) => ({ value: valueOf(offset) })),
    )
  for (const base of [0, 10, 20, 30, 40, 50]) await segment(base)
  const place = sqliteOnFiles(home)
  // It skipped the first and the fourth segment, wrote the third twice, and did not come to the last one.
  await writeTable(place.reader, table, [
    { create: { schema } },
    ...[10, 20, 20, 40].map((start) => ({ append: rowsFrom(start, start + 10) })),
  ])
  await etcd.put(`processors/offsets/${topic}/0`, '{"offset":49,"last_timestamp_ms":1767225600000,"updated_at":1767225600000}')
  const rows = () => readTable('pyiceberg', place.reader, table)
  const offsets = async () => (await rows()).map((row) => Number((JSON.parse(row) as { offset: string }).offset))

  // 1. The document.
  await writeFile(join(home, 'config.yaml'), config(etcd.url))
  const imported = await program(['spec', 'import', '-f', join(home, 'config.yaml')])
  expect(imported).toMatchObject({ code: 0, stderr: '' })
  const document = parse(imported.stdout)
  // Bucket and catalog of the test; all else is as it was translated.
  delete document.spec.source.s3
  Object.assign(document.spec.source, { directory: bucket, graceSeconds: 0 })
  document.spec.sink = { ...place.sink, database: document.spec.sink.database }
  const spec = join(home, 'spec.json')
  await writeFile(spec, JSON.stringify(document))
  const call = (command: string, ...args: string[]) => program([command, '-f', spec, ...args])

  // 2. Nothing is written before it is known what is there.
  const early = await call('run', '--once')
  expect(early.code).toBe(1)
  expect(early.stdout + early.stderr).toContain('recover --from-rows')

  // 3. What rows and offsets tell, and what is assumed.
  const byEtcd = await call('recover', '--from-etcd', '--json')
  expect(byEtcd.code).toBe(0)
  expect(JSON.parse(byEtcd.stdout).tables[0].partitions[0]).toMatchObject({
    decided: [[0, 50]],
    holes: [],
    passed: [
      [0, 10],
      [30, 40],
    ],
  })
  const byRows = await call('recover', '--from-rows', topic, '--yes', '--json')
  expect(byRows.code).toBe(0)
  expect(JSON.parse(byRows.stdout).tables[0]).toMatchObject({
    done: true,
    partitions: [
      {
        holes: [
          [0, 10],
          [30, 40],
        ],
        duplicates: [[20, 30]],
      },
    ],
  })

  // 4. The tail goes on; the holes are filled; what is twice is removed.
  expect(await call('run', '--once')).toMatchObject({ code: 0 })
  expect(await call('backfill', '--topic', topic, '--missing', '--yes')).toMatchObject({ code: 0 })
  expect(await call('recover', '--duplicates', topic, '--yes')).toMatchObject({ code: 0 })

  // 5. The proof, and what others see.
  expect(await call('verify', '--exact', '--values')).toMatchObject({ code: 0 })
  expect(await rows()).toEqual(toRows(rowsFrom(0, 60)))

  // 6. Back: the Go processor goes on behind the offset that status tells.
  const status = JSON.parse((await call('status', '--json')).stdout)
  const [{ next }] = status.documents[0].tables[0].partitions
  expect(next).toBe(60)
  await segment(60)
  await writeTable(place.reader, table, [{ append: rowsFrom(next, next + 10) }])

  // 7. And once more: what the Go processor wrote meanwhile comes twice, and one of each goes.
  expect(await call('run', '--once')).toMatchObject({ code: 0 })
  expect(await call('recover', '--duplicates', topic, '--yes')).toMatchObject({ code: 0 })
  expect((await offsets()).toSorted((a, b) => a - b)).toEqual(from(0, 70))
  expect(await call('verify', '--exact')).toMatchObject({ code: 0 })
})
