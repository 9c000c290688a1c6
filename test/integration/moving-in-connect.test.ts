import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { program } from '../unit/cli/program.ts'
import { addSegment, sqliteOnFiles } from './program.ts'
import { readTable, type TableName, writeTable } from './readers.ts'

/** The steps of docs/moving-in.md from Kafka Connect's Iceberg sink, on tables that PyIceberg writes with the summaries that the sink writes. */

let home: string
beforeAll(async () => void (home = await mkdtemp(join(tmpdir(), 'moving-in-'))))
afterAll(() => rm(home, { recursive: true, force: true }))

const from = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i)
/** As the sink's coordinator writes it: offsets of its control topic, which are in no relation to those of the source. */
const summary = {
  'kafka.connect.offsets.control-iceberg.connect-sink': '{"0":7031,"1":12}',
  'kafka.connect.commit-id': '8f4f2c0e-5c5b-4c39-9d5d-0d2f2f3c9a11',
  'kafka.connect.valid-through-ts': '2026-01-01T00:00Z',
}
const schemaOf = (columns: readonly (readonly [string, string])[]) => ({
  type: 'struct',
  'schema-id': 0,
  fields: columns.map(([name, type], i) => ({ id: i + 1, name, type, required: false })),
})

/** Two partitions of a topic, with ten records in each of so many segments. */
async function fill(bucket: string, topic: string, segments: readonly number[]): Promise<void> {
  for (const [partition, count] of segments.entries()) {
    for (let base = 0; base < count * 10; base += 10) {
      const records = from(base, base + 10).map((offset) => ({ value: Buffer.from(`{"order_id":${partition * 1000 + offset}}`) }))
      await addSegment(bucket, { topic, partition }, BigInt(base), records)
    }
  }
}

async function caller(directory: string, topic: string, mapping: object) {
  const spec = join(directory, 'spec.json')
  await writeFile(
    spec,
    JSON.stringify({
      apiVersion: 'kafscale.io/v1',
      kind: 'IcebergProcessor',
      metadata: { name: 'moving' },
      spec: {
        source: { topics: [topic], directory: join(directory, 'bucket'), graceSeconds: 0 },
        sink: { ...sqliteOnFiles(directory).sink, database: 'prod' },
        mappings: [{ topic, value: { format: 'json', columns: [{ name: 'order_id', type: 'long' }] }, ...mapping }],
      },
    }),
  )
  return (command: string, ...args: string[]) => program([command, '-f', spec, ...args])
}

test(
  'a table whose rows have no coordinates goes on behind the offsets of the consumer group, and back',
  { timeout: 400_000 },
  async () => {
    const [topic, table] = ['orders', ['prod', 'orders'] as TableName]
    const directory = await mkdtemp(join(home, 'plain-'))
    await fill(join(directory, 'bucket'), topic, [3, 2])
    const { reader } = sqliteOnFiles(directory)
    const ids = [...from(0, 20), ...from(1000, 1010)]
    await writeTable(reader, table, [
      { create: { schema: schemaOf([['order_id', 'long']]) } },
      { append: ids.map((id) => ({ order_id: `${id}` })), summary },
    ])
    const call = await caller(directory, topic, { kafkaColumns: { key: null, headers: null } })
    const idsNow = async () => {
      const rows = await readTable('pyiceberg', reader, table)
      return rows.map((row) => Number((JSON.parse(row) as { order_id: string }).order_id)).toSorted((a, b) => a - b)
    }

    // 1. The columns that our rows have.
    await writeTable(reader, table, [
      ...['kafka_topic', '_rescued'].map((name) => ({ addColumn: name, type: 'string' })),
      { addColumn: 'kafka_partition', type: 'int' },
      { addColumn: 'kafka_offset', type: 'long' },
      { addColumn: 'kafka_timestamp', type: 'timestamptz' },
    ])
    // 2. Nothing is written before it is known what is there.
    const early = await call('run', '--once')
    expect(early.code).toBe(1)
    expect(early.stdout + early.stderr).toContain('recover --from-offsets')

    // 3. What the group has read. One that is still at work, or that is not whole, tells nothing.
    const described = join(directory, 'group.txt')
    const describe = (member: string, ...lines: string[]) =>
      writeFile(
        described,
        [`GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG CONSUMER-ID HOST CLIENT-ID`, ...lines]
          .map((line) => line.replace('MEMBER', member))
          .join('\n'),
      )
    const first = 'connect-sink orders 0 20 30 10 MEMBER - -'
    await describe('connector-consumer-sink-0', first)
    expect(await call('recover', '--from-offsets', described)).toMatchObject({ code: 2 })
    await describe('-', first)
    const partly = await call('recover', '--from-offsets', described, '--yes')
    expect([partly.code, partly.stdout]).toEqual([1, expect.stringContaining('no offset is given for orders/1')])
    await describe('-', first, 'connect-sink orders 1 10 20 10 MEMBER - -')
    const shown = JSON.parse((await call('recover', '--from-offsets', described, '--json')).stdout)
    expect(shown.tables[0]).toMatchObject({ done: false, partitions: [{ decided: [[0, 20]] }, { decided: [[0, 10]] }] })
    expect(await call('recover', '--from-offsets', described, '--yes')).toMatchObject({ code: 0 })

    // 4. On, with each record once; nothing before is a hole or missed.
    expect(await call('run', '--once')).toMatchObject({ code: 0 })
    expect(await idsNow()).toEqual([...from(0, 30), ...from(1000, 1020)])
    expect(await call('verify', '--exact', '--values')).toMatchObject({ code: 0 })

    // 5. Back: the group is set to what status tells.
    const status = JSON.parse((await call('status', '--json')).stdout)
    expect(status.documents[0].tables[0].partitions.map(({ next }: { next: number }) => next)).toEqual([30, 20])
  },
)

test('a table whose rows have coordinates tells by itself', { timeout: 400_000 }, async () => {
  const [topic, table] = ['orders', ['prod', 'orders'] as TableName]
  const directory = await mkdtemp(join(home, 'coordinates-'))
  await fill(join(directory, 'bucket'), topic, [3])
  const { reader } = sqliteOnFiles(directory)
  const columns = [
    ['order_id', 'long'],
    ['_kafka_metadata_topic', 'string'],
    // As the sink makes them of records without a schema.
    ['_kafka_metadata_partition', 'long'],
    ['_kafka_metadata_offset', 'long'],
    ['_kafka_metadata_timestamp', 'long'],
  ] as const
  const row = (offset: number) => ({
    order_id: `${offset}`,
    _kafka_metadata_topic: topic,
    _kafka_metadata_partition: '0',
    _kafka_metadata_offset: `${offset}`,
    _kafka_metadata_timestamp: '1767225600000',
  })
  await writeTable(reader, table, [
    { create: { schema: schemaOf(columns) } },
    { append: from(0, 10).map(row), summary },
    { append: from(12, 20).map(row), summary },
    // As a task leaves them that wrote before it was taken away.
    { append: from(18, 20).map(row), summary },
    { addColumn: '_rescued' },
  ])
  const name = (role: string) => `_kafka_metadata_${role}`
  const kafkaColumns = {
    topic: name('topic'),
    partition: name('partition'),
    offset: name('offset'),
    timestamp: name('timestamp'),
    key: null,
    headers: null,
  }
  const call = await caller(directory, topic, { kafkaColumns })
  expect(await call('run', '--once')).toMatchObject({ code: 1 })
  const recovered = JSON.parse((await call('recover', '--from-rows', '--yes', '--json')).stdout)
  expect(recovered.tables[0]).toMatchObject({ done: true, partitions: [{ holes: [[10, 12]] }] })
  expect(await call('run', '--once')).toMatchObject({ code: 0 })
  expect(await call('backfill', '--topic', topic, '--missing', '--yes')).toMatchObject({ code: 0 })
  expect(await call('recover', '--duplicates', 'orders', '--yes')).toMatchObject({ code: 0 })
  expect(await call('verify', '--exact', '--values')).toMatchObject({ code: 0 })
  expect(await readTable('pyiceberg', reader, table)).toHaveLength(30)
})
