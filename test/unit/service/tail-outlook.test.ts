import { expect, test } from 'vitest'
import { progressOf } from '../../../src/model/progress.ts'
import { emptyState, type TableState } from '../../../src/pipeline/commit/table-state.ts'
import { tailOutlook } from '../../../src/service/status/tail-outlook.ts'
import { at, batch } from './segments.ts'
import { sourceId, world, type World } from './world.ts'

const pack = { maxTaskBytes: 1_000_000, maxTaskSegments: 100, minTaskBytes: 1_000_000, parallelism: 2 }
const options = {
  sourceId,
  prefix: 'p/',
  table: 'orders',
  definitions: '',
  startAt: 'earliest',
  graceMs: 10_000,
  maxBatchBytes: 1_000_000,
  maxSegmentBytes: 1_000_000,
  pack,
} as const
const state: TableState = emptyState
const other = { topic: 'orders', partition: 1 }

async function filled(segments: number): Promise<World> {
  const w = world()
  for (let i = 0; i < segments; i++) for (const to of [at, other]) await w.write(to, BigInt(2 * i), [batch(BigInt(2 * i), 2)])
  await w.clock.advanceBy(60_000)
  return w
}

test('every segment that is ready is counted, by its topic-partition', async () => {
  const { source } = await filled(5)
  const found = await tailOutlook([at, other], state, options, source)
  expect(found.partitions.map(({ topic, partition, segments }) => [topic, partition, segments])).toEqual([
    ['orders', 0, 5],
    ['orders', 1, 5],
  ])
  expect(found).toMatchObject({ segments: 10, tasks: 1, starts: 0, stops: [], notes: [], readyInMs: null })
  expect(found.bytes).toBe(found.partitions.reduce((sum, { bytes }) => sum + bytes, 0))
})

test('a tail of many rounds comes to the same as one of one round, and holds no more than a round', async () => {
  const { source } = await filled(700)
  const whole = await tailOutlook([at, other], state, { ...options, pack: { ...pack, maxTaskBytes: 1e9, minTaskBytes: 1e9 } }, source)
  const small = { ...pack, maxTaskBytes: 2000, minTaskBytes: 1000 }
  let most = 0
  const counting: typeof source = {
    ...source,
    async *list(query) {
      let listed = 0
      for await (const page of source.list(query)) {
        most = Math.max(most, (listed += page.objects.length))
        yield page
      }
    },
  }
  const cut = await tailOutlook([at, other], state, { ...options, pack: small }, counting)
  expect(cut).toMatchObject({ segments: 1400, bytes: whole.bytes, partitions: whole.partitions })
  expect(cut.tasks).toBeGreaterThanOrEqual(whole.bytes / 2000)
  expect(most).toBe(1000)
})

test('what is decided is not read again', async () => {
  const { source } = await filled(3)
  const progress = progressOf([{ source: sourceId, at, ranges: [[0n, 6n]] }])
  const info = (await source.list({ prefix: 'p/orders/0/' })[Symbol.asyncIterator]().next()).value!.objects.at(-1)!
  const frontier = { baseOffset: 4n, size: info.size, etag: info.etag, lastModifiedMs: info.lastModifiedMs, maxTimestampMs: null }
  const frontiers = new Map([[sourceId, new Map([['orders', new Map([[0, frontier]])]])]])
  const found = await tailOutlook([at, other], { ...state, progress, frontiers }, options, source)
  expect(found.partitions.map(({ partition, segments }) => [partition, segments])).toEqual([[1, 3]])
})

test('a start is counted, and what lies before it is not', async () => {
  const { source, clock } = await filled(5)
  const latest = await tailOutlook([at, other], state, { ...options, startAt: 'latest' }, source)
  // The two last segments of each are looked at: they might reach over the start.
  expect(latest).toMatchObject({ starts: 2, segments: 4 })
  const future = await tailOutlook([at], state, { ...options, startAt: { timeMs: clock.now() + 1000 } }, source)
  expect(future.starts).toBe(1)
})

test('what waits for its grace age is told', async () => {
  const w = world()
  await w.write(at, 0n, [batch(0n, 2)])
  await w.clock.advanceBy(4000)
  expect(await tailOutlook([at], state, options, w.source)).toMatchObject({ segments: 0, readyInMs: 6000 })
})

test('a log that was restarted is a stop', async () => {
  const w = await filled(3)
  const frontier = { baseOffset: 100n, size: 1, etag: 'x', lastModifiedMs: 0, maxTimestampMs: null }
  const frontiers = new Map([[sourceId, new Map([['orders', new Map([[0, frontier]])]])]])
  const progress = progressOf([{ source: sourceId, at, ranges: [[0n, 101n]] }])
  await w.write(at, 100n, [batch(100n, 1)])
  await w.clock.advanceBy(60_000)
  const { stops, segments } = await tailOutlook([at], { ...state, progress, frontiers }, options, w.source)
  expect(stops).toEqual([{ ...at, message: expect.stringContaining('the log was restarted') as string }])
  expect(segments).toBe(0)
})

test('a segment that is too large to be read is a stop', async () => {
  const { source } = await filled(1)
  const { stops } = await tailOutlook([at, other], state, { ...options, maxSegmentBytes: 10 }, source)
  expect(stops.map(({ partition, message }) => [partition, message.includes('at most 10 are read at once')])).toEqual([
    [0, true],
    [1, true],
  ])
})

test('a segment without index is a note', async () => {
  const w = world()
  await w.write(at, 0n, [batch(0n, 2)], ['kfs'])
  await w.write(at, 2n, [batch(2n, 2)])
  await w.clock.advanceBy(60_000)
  const { notes, segments } = await tailOutlook([at], state, options, w.source)
  expect(notes).toEqual([{ ...at, message: expect.stringMatching(/^p\/orders\/0\/segment-0{20}\.kfs: segment without \.index/) as string }])
  expect(segments).toBe(1)
})
