import { describe, expect, test } from 'vitest'
import { readRows } from '../../../src/formats/parquet/read-rows.ts'
import { compareSingleValues } from '../../../src/formats/iceberg/single-value.ts'
import { outputsOf } from '../../../src/service/maintain/table-compactor.ts'
import { recoverDocument } from '../../../src/service/recover/recovery.ts'
import { load, smallest } from '../spec/documents.ts'
import { commitForeign, liveEntries, positionDeletes } from './foreign-commit.ts'
import { at, batch, record } from './segments.ts'
import { verify } from './verifying.ts'
import { namespace, rowsOf, sourceId, world, type World } from './world.ts'

const other = { topic: 'orders', partition: 1 } as const

/** Twenty records in two topic-partitions, whose times go up and down. */
async function sorted(sortBy: readonly string[], more: object = {}): Promise<World> {
  const own = world()
  await own.write(at, 0n, [shuffled(0)])
  await own.write(other, 0n, [shuffled(0)])
  expect(await run(own, sortBy, more)).toBe(true)
  return own
}

const shuffled = (base: number) =>
  batch(
    BigInt(base),
    Array.from({ length: 10 }, (_, i) => record(`v${base + i}`, { timestampMs: BigInt(1_000 * ((i * 7) % 10)) })),
  )

const run = (own: World, sortBy: readonly string[], more: object = {}) =>
  own.runOnce((document) => (document.spec.mappings = [{ topic: '*', value: { format: 'binary' }, sortBy, ...more }]))

/** The times and partitions of each live file's rows, in the file's order, with the order that it says it has. */
async function filesOf(own: World): Promise<{ order: number | undefined; times: bigint[]; partitions: number[] }[]> {
  const files = []
  for (const { dataFile } of await liveEntries(own, 'orders')) {
    if (dataFile.content !== 0) continue
    const rows = (await readRows(await own.io.read(dataFile.filePath), 1_000_000)) as { kafka_timestamp: bigint; kafka_partition: number }[]
    expect(BigInt(rows.length)).toBe(dataFile.recordCount)
    files.push({
      order: dataFile.sortOrderId,
      times: rows.map((row) => BigInt(row.kafka_timestamp)),
      partitions: rows.map((row) => row.kafka_partition),
    })
  }
  return files
}

const ascending = (values: readonly bigint[]) => values.toSorted(compareSingleValues)

describe('a table that is sorted', () => {
  test('has the order in its metadata, and its files have their rows in it and say so', async () => {
    const own = await sorted(['kafka_timestamp desc nulls last', 'kafka_partition desc'])
    const { 'sort-orders': orders, 'default-sort-order-id': id } = await own.table('orders')
    expect(id).toBe(1)
    expect(orders).toContainEqual({
      'order-id': 1,
      fields: [
        { 'source-id': 4, transform: 'identity', direction: 'desc', 'null-order': 'nulls-last' },
        { 'source-id': 2, transform: 'identity', direction: 'desc', 'null-order': 'nulls-last' },
      ],
    })
    const [file, ...rest] = await filesOf(own)
    expect(rest).toEqual([])
    expect(file.order).toBe(1)
    expect(file.times).toEqual(ascending(file.times).toReversed())
    expect(new Set(file.times).size).toBe(10)
    expect(file.partitions).toEqual(Array.from({ length: 20 }, (_, i) => (i + 1) % 2))
    expect(await own.rows('orders')).toEqual([...rowsOf(at, 0, 10), ...rowsOf(other, 0, 10)])
  })

  test('and partitioned has the rows of each file in the order', async () => {
    const own = await sorted(['kafka_timestamp'], { partitionBy: ['bucket(3, kafka_offset)'] })
    const files = await filesOf(own)
    expect(files).toHaveLength(3)
    for (const { order, times } of files) expect([order, times]).toEqual([1, ascending(times)])
  })

  test('is clean when it is verified, cheaply and exactly', async () => {
    const own = await sorted(['kafka_timestamp'])
    for (const exact of [false, true]) {
      const { problem, findings, counts } = await verify(own, { exact })
      expect([problem, findings, counts.rows, counts.decided]).toEqual([null, [], 20n, 20n])
    }
  })

  test('otherwise later begins an order of a new id; what is there keeps its own', async () => {
    const own = await sorted(['kafka_timestamp'])
    await own.write(at, 10n, [shuffled(10)])
    expect(await run(own, ['kafka_timestamp desc'])).toBe(true)
    const [newer, older] = await filesOf(own)
    expect([newer.order, newer.times]).toEqual([2, ascending(newer.times).toReversed()])
    expect([older.order, older.times]).toEqual([1, ascending(older.times)])
    await own.write(at, 20n, [shuffled(20)])
    expect(await run(own, [])).toBe(true)
    expect((await filesOf(own))[0].order).toBe(2)
    expect(await own.rows('orders')).toEqual([...rowsOf(at, 0, 30), ...rowsOf(other, 0, 10)].toSorted())
    expect((await verify(own)).findings).toEqual([])
  })

  test('has what is left of a file whose old rows were deleted in the order of today', async () => {
    const own = await sorted([])
    const dayMs = 86_400_000
    const aged = Array.from({ length: 10 }, (_, i) => record('v', { timestampMs: BigInt(own.clock.now() - ((i * 7) % 10) * dayMs) }))
    await own.write(at, 10n, [batch(10n, aged)])
    expect(await run(own, ['kafka_timestamp'])).toBe(true)
    await own.write(at, 20n, [batch(20n, [record('v', { timestampMs: BigInt(own.clock.now()) })])])
    const done = await own.runOnce((document) => {
      document.spec.mappings = [{ topic: '*', value: { format: 'binary' }, sortBy: ['kafka_timestamp desc'] }]
      document.spec.maintenance = { retention: { by: 'kafka_timestamp', days: 5 } }
    })
    expect(done).toBe(true)
    const left = (await filesOf(own)).find(({ times }) => times.length > 1)!
    expect([left.order, left.times]).toEqual([2, ascending(left.times).toReversed()])
    expect(new Set(left.times).size).toBe(6)
  })

  test('has what is left of a file whose rows were there twice in the order of today', async () => {
    const own = await sorted(['kafka_timestamp'])
    const [{ dataFile }] = await liveEntries(own, 'orders')
    const filePath = `${dataFile.filePath}.again.parquet`
    await own.io.write(filePath, [await own.io.read(dataFile.filePath)])
    // What was deleted from the first file is there once, in the second.
    await commitForeign(own, 'orders', { deletes: [await positionDeletes(own, dataFile.filePath, [0, 2, 4, 5, 11, 17])] })
    await commitForeign(own, 'orders', { add: [{ ...dataFile, filePath }] })
    await own.write(at, 10n, [shuffled(10)])
    expect(await run(own, ['kafka_timestamp desc'])).toBe(true)
    const document = load(
      smallest((plain) => {
        plain.spec.sink = { database: namespace[0] }
        plain.spec.source.topics = ['*']
        plain.spec.mappings = [{ topic: '*', value: { format: 'binary' } }]
      }),
    )
    const asked = { from: 'duplicates', table: null, exact: false, passed: null, commit: true, progress: () => undefined } as const
    const { tables } = await own.clock.run(() => recoverDocument(document, { id: sourceId, prefix: 'p/' }, own.seams, asked))
    expect(tables).toMatchObject([{ done: true, duplicates: { rows: 14n, files: 1 } }])
    const left = (await filesOf(own)).find(({ times }) => times.length === 6)!
    expect([left.order, left.times]).toEqual([2, ascending(left.times).toReversed()])
  })

  test.each([
    ['by somebody else goes on in its order', 'bucket[4]', 1],
    ['in an order that we do not know goes on unsorted, and its files do not say otherwise', 'curve[4]', 0],
  ])('%s', async (_, transform, order) => {
    const own = await sorted([])
    const fields = [{ 'source-id': 3, transform, direction: 'asc', 'null-order': 'nulls-first' } as const]
    await own.catalog.commitTable(
      { namespace: ['analytics'], name: 'orders' },
      {
        requirements: [],
        updates: [
          { action: 'add-sort-order', 'sort-order': { 'order-id': 1, fields } },
          { action: 'set-default-sort-order', 'sort-order-id': -1 },
        ],
        idempotencyKey: '',
      },
    )
    await own.write(at, 10n, [shuffled(10)])
    expect(await run(own, [])).toBe(true)
    expect((await filesOf(own)).map((file) => file.order)).toEqual([order, 0])
    expect(own.linesOf('error')).toEqual([])
    expect(outputsOf(await own.table('orders'), { targetFileSizeBytes: 1 }).sortOrder?.['order-id'] ?? 0).toBe(order)
  })
})
