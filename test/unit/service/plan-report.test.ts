import { expect, test } from 'vitest'
import type { Plain } from '../spec/documents.ts'
import { planned, plannedTable } from './outlooks.ts'
import { at, batch, record } from './segments.ts'
import { rollBack } from './foreign-commit.ts'
import { namespace, world, type World } from './world.ts'

const whole = (d: Plain) => (d.spec.mappings = [{ topic: '*', value: { format: 'binary' } }])

async function fill(w: World, topic: string, segments: number): Promise<void> {
  for (let i = 0; i < segments; i++) await w.write({ topic, partition: i % 2 }, BigInt(i), [batch(BigInt(i), 1)])
}

test('the work of each table and of all together is told', async () => {
  const w = world()
  await fill(w, 'orders', 4)
  await fill(w, 'clicks', 1)
  const { tables, total, commitIntervalSeconds } = await planned(w, whole)
  expect(
    tables.map(({ table, work }) => [table, work.topicPartitions, work.segments, work.gets, work.tasks, work.commits, work.files]),
  ).toEqual([
    ['analytics.clicks', 1, 1, 1, 1, 1, 1],
    ['analytics.orders', 2, 4, 4, 1, 1, 1],
  ])
  expect(total).toMatchObject({ topicPartitions: 3, segments: 5, gets: 5, tasks: 2, commits: 2, files: 2 })
  expect(total.bytes).toBe(tables[0].work.bytes + tables[1].work.bytes)
  // Topics, the partitions of each, and each topic-partition.
  expect(total.lists).toBe(3 + 3)
  expect(commitIntervalSeconds).toBe(60)
})

test('a run asks the source for what was planned, and then there is nothing to do', async () => {
  const w = world()
  await fill(w, 'orders', 9)
  const { work } = await plannedTable(w, whole)
  let gets = 0
  w.faults.store = (operation) => {
    if (operation === 'get') gets++
    return undefined
  }
  expect(await w.runOnce(whole)).toBe(true)
  expect(gets).toBe(work.gets)
  const after = await plannedTable(w, whole)
  expect(after.work).toMatchObject({ topicPartitions: 0, segments: 0, bytes: 0, gets: 0, tasks: 0, seconds: 0, commits: 0, files: 0 })
  expect(after).toMatchObject({ stopped: null, partitions: [], stops: [] })
})

test('planning changes nothing, and does not need to', async () => {
  const w = world()
  await fill(w, 'orders', 3)
  const before = [...w.source.keys()]
  const first = await planned(w)
  expect(await planned(w)).toEqual(first)
  expect(w.source.keys()).toEqual(before)
  expect(w.warehouse.keys()).toEqual([])
  expect(await w.catalog.loadTable({ namespace, name: 'orders' })).toBeNull()
})

test('the requests for a sample count too', async () => {
  const w = world()
  await fill(w, 'orders', 1)
  expect((await plannedTable(w)).work).toMatchObject({ segments: 1, gets: 2, lists: 2 })
})

test('a table whose progress is not found stops, with the reason, and the others go on', async () => {
  const w = world()
  await fill(w, 'orders', 1)
  await fill(w, 'clicks', 1)
  await w.runOnce(whole)
  const { catalog } = w
  const lost = {
    ...catalog,
    async loadTable(table: Parameters<typeof catalog.loadTable>[0]) {
      const loaded = await catalog.loadTable(table)
      if (loaded === null || table.name !== 'orders') return loaded
      const snapshots = loaded.metadata.snapshots?.map((snapshot) => ({
        ...snapshot,
        summary: { ...snapshot.summary, 'kafscale.processor.progress': '{' },
      }))
      return { ...loaded, metadata: { ...loaded.metadata, snapshots } }
    },
  }
  await fill(w, 'clicks', 2)
  const { tables } = await planned(w, whole, { catalog: lost })
  expect(tables.map(({ table, stopped, work }) => [table, stopped !== null, work.segments])).toEqual([
    ['analytics.clicks', false, 1],
    ['analytics.orders', true, 0],
  ])
  expect(tables[1].stopped).toMatch(/^table analytics\.orders is stopped: /)
})

test('a commit comes with the first result and then once an interval', async () => {
  const w = world()
  const large = 'x'.repeat(1_000_000)
  for (let i = 0; i < 40; i++) await w.write(at, BigInt(i), [batch(BigInt(i), [record(large)])])
  const often = (d: Plain) => {
    whole(d)
    d.spec.processing = { commitIntervalSeconds: 1, targetFileSizeBytes: 1024 * 1024, parallelism: 1 }
  }
  const { work } = await plannedTable(w, often)
  expect(work).toMatchObject({ segments: 40, tasks: 10, files: 10 })
  expect(work.seconds).toBeGreaterThan(1)
  expect(work.commits).toBe(1 + Math.floor(work.seconds))
})

test('a table of whose topic no segment is left is told of, and so is that it is stopped', async () => {
  const w = world()
  for (const start of [0n, 10n]) {
    await w.write(at, start, [batch(start, 10)])
    await w.runOnce()
  }
  for await (const { objects } of w.source.list({ prefix: 'p/' })) for (const { key } of objects) await w.source.remove(key)
  const bare = { total: { segments: 0 }, tables: [{ table: 'analytics.orders', stopped: null, work: { segments: 0 } }] }
  const named = (d: Plain) => (d.spec.source.topics = [at.topic])
  for (const change of [undefined, named]) expect(await planned(w, change)).toMatchObject(bare)
  const { snapshots } = await w.table(at.topic)
  await rollBack(w, snapshots![0]['snapshot-id'])
  expect((await planned(w, named)).tables).toMatchObject([{ stopped: expect.stringContaining('it was rolled back or replaced') as string }])
})

test('without a topic there is no table', async () => {
  expect(await planned(world())).toMatchObject({ tables: [], total: { segments: 0, lists: 1 } })
})
