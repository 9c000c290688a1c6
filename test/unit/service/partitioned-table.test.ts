import { describe, expect, test } from 'vitest'
import type { SingleValue } from '../../../src/formats/iceberg/data-file.ts'
import { readManifestList } from '../../../src/formats/iceberg/manifest-list.ts'
import type { PartitionField } from '../../../src/formats/iceberg/partition-spec.ts'
import { parseSingleValue } from '../../../src/formats/iceberg/single-value.ts'
import { currentSnapshot } from '../../../src/formats/iceberg/table-metadata.ts'
import { commitForeign, liveEntries } from './foreign-commit.ts'
import { at, batch, record } from './segments.ts'
import { verify } from './verifying.ts'
import { rowsOf, world, type World } from './world.ts'

const dayMs = 86_400_000
const other = { topic: 'orders', partition: 1 } as const

/** Ten records of a topic-partition, half of them of the day before. */
const overMidnight = (base: number, midnightMs: number) =>
  batch(
    BigInt(base),
    Array.from({ length: 10 }, (_, i) => record(`v${base + i}`, { timestampMs: BigInt(midnightMs + (i % 2 === 0 ? -1 : 1)) })),
  )

async function partitioned(partitionBy: readonly string[], midnightMs = Date.UTC(2026, 0, 1)): Promise<World> {
  const own = world()
  await own.write(at, 0n, [overMidnight(0, midnightMs)])
  await own.write(other, 0n, [overMidnight(0, midnightMs)])
  expect(await own.runOnce((document) => (document.spec.mappings = [{ topic: '*', value: { format: 'binary' }, partitionBy }]))).toBe(true)
  return own
}

const partitionsOf = async (own: World): Promise<(readonly SingleValue[])[]> =>
  (await liveEntries(own, 'orders')).map(({ dataFile }) => dataFile.partition)

/** Somebody else partitions the table anew. */
async function setSpec(own: World, field: PartitionField): Promise<void> {
  await own.catalog.commitTable(
    { namespace: ['analytics'], name: 'orders' },
    {
      requirements: [],
      updates: [
        { action: 'add-spec', spec: { 'spec-id': 1, fields: [field] } },
        { action: 'set-default-spec', 'spec-id': -1 },
      ],
      idempotencyKey: '',
    },
  )
}

describe('a table that is partitioned', () => {
  test('has the spec with the ids that the catalog gave, and files of one partition each', async () => {
    const own = await partitioned(['day(kafka_timestamp)', 'kafka_partition'])
    const { 'partition-specs': specs } = await own.table('orders')
    expect(specs).toEqual([
      {
        'spec-id': 0,
        fields: [
          { 'source-id': 4, 'field-id': 1000, name: 'kafka_timestamp_day', transform: 'day' },
          { 'source-id': 2, 'field-id': 1001, name: 'kafka_partition', transform: 'identity' },
        ],
      },
    ])
    const day = Date.UTC(2026, 0, 1) / dayMs
    expect((await partitionsOf(own)).toSorted((a, b) => (String(a) < String(b) ? -1 : 1))).toEqual([
      [day - 1, 0],
      [day - 1, 1],
      [day, 0],
      [day, 1],
    ])
    expect(await own.rows('orders')).toEqual([...rowsOf(at, 0, 10), ...rowsOf(other, 0, 10)])
  })

  test('tells in its manifest list between which values its files lie, and in the summary how many partitions changed', async () => {
    const own = await partitioned(['day(kafka_timestamp)'], 0)
    const snapshot = currentSnapshot(await own.table('orders'))!
    const [{ partitions }] = readManifestList(await own.io.read(snapshot['manifest-list'])).manifests
    const [{ containsNull, lowerBound, upperBound }] = partitions!
    expect([containsNull, parseSingleValue('date', lowerBound!), parseSingleValue('date', upperBound!)]).toEqual([true, 0, 0])
    expect(snapshot.summary).toMatchObject({ 'changed-partition-count': '2', 'added-data-files': '2', 'added-records': '20' })
  })

  test.each([['day(kafka_timestamp)'], ['bucket(3, kafka_offset)'], ['truncate(2, kafka_topic)'], ['kafka_offset']])(
    'by %s is clean when it is verified, cheaply and exactly',
    async (term) => {
      const own = await partitioned([term])
      for (const exact of [false, true]) {
        const { problem, findings, counts } = await verify(own, { exact })
        expect([problem, findings, counts.rows, counts.decided]).toEqual([null, [], 20n, 20n])
      }
    },
  )

  test('by an offset’s bucket tells verify of rows that somebody removed', async () => {
    const own = await partitioned(['bucket(3, kafka_offset)'])
    const [{ dataFile }] = await liveEntries(own, 'orders')
    await commitForeign(own, 'orders', { remove: [dataFile.filePath] })
    const { findings } = await verify(own)
    expect(findings.map(({ kind }) => kind)).toContain('missing')
    expect(findings.reduce((sum, { start, end }) => sum + end - start, 0n)).toBe(dataFile.recordCount)
  })

  test('goes on where it stood: a second run adds no row twice', async () => {
    const own = await partitioned(['day(kafka_timestamp)'])
    await own.write(at, 10n, [overMidnight(10, Date.UTC(2026, 0, 3))])
    await own.runOnce()
    await own.runOnce()
    expect(await own.rows('orders')).toEqual([...rowsOf(at, 0, 20), ...rowsOf(other, 0, 10)].toSorted())
    expect((await verify(own)).findings).toEqual([])
  })
})

test('a table without the column that it is to be partitioned by is not created, and the message names the place', async () => {
  const own = world()
  await own.write(at, 0n, [batch(0n, 1)])
  // Only a sample tells that there is no such column: what the document tells is refused with it.
  const settings = { topic: '*', partitionBy: ['kafka_topic', 'bucket(4, kafka_kye)'] }
  expect(await own.runOnce((document) => (document.spec.mappings = [settings]))).toBe(false)
  const [{ fields }] = own.linesOf('error')
  expect(String(fields.error)).toContain(
    'table analytics.orders can not be created: partitionBy[1]: expected a column of the table, found "kafka_kye"; did you mean kafka_key?',
  )
  expect(await own.catalog.listTables(['analytics'])).toEqual([])
})

describe('when the partitions change', () => {
  const run = (own: World, partitionBy: readonly string[]) =>
    own.runOnce((document) => (document.spec.mappings = [{ topic: '*', value: { format: 'binary' }, partitionBy }]))
  const specsOf = async (own: World) => {
    const { 'manifest-list': list } = currentSnapshot(await own.table('orders'))!
    return readManifestList(await own.io.read(list)).manifests.map(({ partitionSpecId }) => partitionSpecId)
  }

  test('in the document, a new spec begins, and what is there stays under its own', async () => {
    const own = await partitioned(['day(kafka_timestamp)'])
    await own.write(at, 10n, [overMidnight(10, Date.UTC(2026, 0, 3))])
    expect(await run(own, ['kafka_partition'])).toBe(true)
    expect(await specsOf(own)).toEqual([1, 0])
    expect((await partitionsOf(own))[0]).toEqual([0])
    await own.write(at, 20n, [overMidnight(20, Date.UTC(2026, 0, 4))])
    expect(await run(own, ['day(kafka_timestamp)'])).toBe(true)
    expect(await specsOf(own)).toEqual([0, 1, 0])
    expect((await own.table('orders'))['partition-specs']).toHaveLength(2)
    expect(await own.rows('orders')).toEqual([...rowsOf(at, 0, 30), ...rowsOf(other, 0, 10)].toSorted())
    expect((await verify(own)).findings).toEqual([])
  })

  test('by somebody else, and the document says nothing, the table goes on with its own', async () => {
    const own = await partitioned([])
    await setSpec(own, { 'source-id': 2, 'field-id': 1000, name: 'p', transform: 'bucket[2]' })
    await own.write(at, 10n, [overMidnight(10, Date.UTC(2026, 0, 3))])
    expect(await run(own, [])).toBe(true)
    expect(await specsOf(own)).toEqual([1, 0])
    expect(own.linesOf('error')).toEqual([])
  })

  test('while rows are on their way, those made for the old spec are made again', async () => {
    const own = await partitioned(['day(kafka_timestamp)'])
    await own.write(at, 10n, [overMidnight(10, Date.UTC(2026, 0, 3))])
    let changed = false
    own.faults.catalog = async ({ kind }) => {
      if (kind === 'commit' && !changed) {
        changed = true
        await setSpec(own, { 'source-id': 2, 'field-id': 1001, name: 'p', transform: 'identity' })
        return 'conflict'
      }
      return 'none'
    }
    expect(await run(own, [])).toBe(true)
    expect(changed).toBe(true)
    expect(await specsOf(own)).toEqual([1, 0])
    expect(await own.rows('orders')).toEqual([...rowsOf(at, 0, 20), ...rowsOf(other, 0, 10)].toSorted())
  })
})
