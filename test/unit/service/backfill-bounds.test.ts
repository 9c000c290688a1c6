import { expect, test } from 'vitest'
import { inProcessQueue } from '../../../src/drivers/queue/in-process.ts'
import { defaultPrices } from '../../../src/pipeline/backfill/bill.ts'
import type { TaskResult } from '../../../src/pipeline/flow.ts'
import { type BackfillBounds, Backfiller, type Where } from '../../../src/service/backfill/backfiller.ts'
import { takeMainsPlace } from '../../../src/service/backfill/rebuild.ts'
import type { BackfillWish } from '../../../src/service/backfill/resolve-backfill.ts'
import type { TablePayload } from '../../../src/service/tasks/task-payload.ts'
import { carryOut, type CarryOut } from '../../../src/service/tasks/worker.ts'
import { load, type Plain, smallest } from '../spec/documents.ts'
import { batch, record } from './segments.ts'
import { sourceId, world, type World } from './world.ts'

const orders = { topic: 'orders', partition: 0 } as const
const source = { id: sourceId, prefix: 'p/' }
const segments = 150
const wish: BackfillWish = { topic: 'orders', partitions: null, from: null, to: null, missing: false, newestFirst: false }

/** History of so many segments of one record, behind which the tail begins. */
async function withHistory(): Promise<World> {
  const w = world()
  for (let i = 0n; i < segments; i++) await w.write(orders, i, [batch(i, 1)])
  await w.clock.advanceBy(60_000)
  expect(await w.runOnce((document: Plain) => (document.spec.source.startAt = 'latest'))).toBe(true)
  return w
}

async function backfillerOf(
  w: World,
  bounds: BackfillBounds,
  parallelism = 5,
  work: CarryOut = carryOut,
  where: Where = { kind: 'live' },
  value: object = { format: 'binary' },
): Promise<Backfiller> {
  const seams = { ...w.seams, queue: inProcessQueue<TablePayload, TaskResult>(), carryOut: work }
  return (await Backfiller.open(documentOf(where, parallelism, value), 'orders', where, bounds, source, seams))!
}

/** Of a catalog that keeps metadata itself. */
const documentOf = (where: Where, parallelism = 5, value: object = { format: 'binary' }) =>
  load(
    smallest((plain) => {
      plain.spec.source.topics = ['*']
      plain.spec.sink = { catalog: { type: 'rest', endpoint: 'http://127.0.0.1:1' }, database: 'analytics' }
      if (where.kind !== 'table') plain.spec.mappings = [{ topic: '*', value }]
      plain.spec.processing = { parallelism }
    }),
  )

/** What was read by when, of segments, since it began; ms. */
async function backfilled(w: World, backfiller: Backfiller) {
  const { bill, backfill } = await backfiller.bill(wish, 'command', defaultPrices)
  const beganMs = w.clock.now()
  const reads: { readonly afterMs: number; readonly bytes: number }[] = []
  w.faults.store = (operation) => {
    if (operation === 'get') reads.push({ afterMs: w.clock.now() - beganMs, bytes: bill.work.bytes / segments })
    return undefined
  }
  await backfiller.ask(backfill)
  const { outcome } = await w.clock.run(() => backfiller.carryOut(backfill, new AbortController().signal, () => undefined))
  expect(outcome).toBe('done')
  expect(await w.rows('orders')).toHaveLength(segments)
  expect(reads).toHaveLength(segments)
  return { bill, reads, seconds: (w.clock.now() - beganMs) / 1000 }
}

/** Of a bound a second, so many seconds' worth is in one task, and so is read ahead at most. */
const aheadSeconds = 10

test('reads no more bytes a second than it may, and its bill says how long that takes', async () => {
  const w = await withHistory()
  const size = (await (await backfillerOf(w, {})).bill(wish, 'command', defaultPrices)).bill.work.bytes / segments
  const bytesPerSecond = Math.round(size)
  const { bill, reads, seconds } = await backfilled(w, await backfillerOf(w, { bytesPerSecond }))
  let read = 0
  for (const { afterMs, bytes } of reads) {
    read += bytes
    expect(read).toBeLessThanOrEqual(bytesPerSecond * (afterMs / 1000 + aheadSeconds) * 1.01)
  }
  expect(seconds).toBeGreaterThanOrEqual(segments - 2 * aheadSeconds)
  expect(seconds).toBeLessThan(segments * 1.1)
  expect(bill.pace).toEqual({ by: 'bounds' })
  expect(bill.work.seconds).toBeCloseTo(segments, 0)
})

test('asks for no more segments a second than it may', async () => {
  const w = await withHistory()
  const { bill, reads, seconds } = await backfilled(w, await backfillerOf(w, { requestsPerSecond: 2 }))
  for (const [i, { afterMs }] of reads.entries()) expect(i + 1).toBeLessThanOrEqual(2 * (afterMs / 1000 + aheadSeconds))
  expect(seconds).toBeGreaterThanOrEqual(segments / 2 - 2 * aheadSeconds)
  expect(seconds).toBeLessThan(segments)
  expect(bill).toMatchObject({ pace: { by: 'bounds' }, work: { seconds: segments / 2 } })
})

test.each([
  ['fewer workers than it may have', { workers: 2 }, 5, 2],
  ['one worker fewer than there are', {}, 4, 3],
  ['one worker where there is no other', { workers: 9 }, 1, 1],
])('has %s busy at once', async (_, bounds, parallelism, atOnce) => {
  const w = await withHistory()
  let [busy, most] = [0, 0]
  const counting: CarryOut = async (...work) => {
    most = Math.max(most, ++busy)
    await w.clock.sleep(1000)
    try {
      return await carryOut(...work)
    } finally {
      busy--
    }
  }
  // Small tasks, so that there are enough of them.
  await backfilled(w, await backfillerOf(w, { ...bounds, requestsPerSecond: 1_000_000, bytesPerSecond: 200 }, parallelism, counting))
  expect(most).toBeGreaterThan(0)
  expect(most).toBeLessThanOrEqual(atOnce)
})

test('what a part took tells how long the rest takes', async () => {
  const w = await withHistory()
  const slow: CarryOut = async (...work) => ({ ...(await carryOut(...work)), tookMs: 1400 })
  const backfiller = await backfillerOf(w, {}, 1, slow)
  const part = await backfiller.bill({ ...wish, to: { offset: 140n } }, 'command', defaultPrices)
  expect(part.bill).toMatchObject({ pace: { by: 'benchmark' }, work: { segments: 140 } })
  await backfiller.ask(part.backfill)
  await w.clock.run(() => backfiller.carryOut(part.backfill, new AbortController().signal, () => undefined))
  const { bill } = await (await backfillerOf(w, {}, 1)).bill(wish, 'command', defaultPrices)
  expect(bill).toMatchObject({ pace: { by: 'commits', commits: 1 }, work: { segments: 11 } })
  // It begins with the segment before it.
  expect(bill.work.seconds).toBeCloseTo(0.11, 2)
})

test.each<[string, Where]>([
  ['the live table', { kind: 'live' }],
  ['another one', { kind: 'table', name: 'orders_rebuilt' }],
  ['a branch', { kind: 'rebuild' }],
])('the bill of what goes into %s has as many objects as are written, and of what was begun what is left', async (_where, where) => {
  const w = await withHistory()
  let writes = 0
  const { write } = w.io
  Object.assign(w.seams.io, { write: (...of: Parameters<typeof write>) => (writes++, write(...of)) })
  const signal = new AbortController().signal
  const billed = async () => {
    const backfiller = await backfillerOf(w, {}, 5, carryOut, where)
    const { bill, backfill } = await backfiller.bill(wish, 'command', defaultPrices)
    writes = 0
    return { backfiller, bill, backfill }
  }
  const first = await billed()
  await first.backfiller.ask(first.backfill)
  const begun = writes
  const second = await billed()
  expect(second.bill.work.puts).toBe(first.bill.work.puts - begun)
  await second.backfiller.ask(second.backfill)
  await w.clock.run(() => second.backfiller.carryOut(second.backfill, signal, () => undefined))
  const { rebuild } = second.backfiller
  const seams = { ...w.seams, queue: inProcessQueue<TablePayload, TaskResult>(), carryOut }
  if (rebuild !== null) expect(await w.clock.run(() => takeMainsPlace(rebuild, documentOf(where), source, seams, signal))).toBe(true)
  expect(writes).toBe(second.bill.work.puts)
  expect(w.seams.meter.totals().get('commit.conflict')).toBeUndefined()
})

test('the bill of a table that is to be made knows the records that its columns are chosen by', async () => {
  const w = await withHistory()
  const backfiller = await backfillerOf(w, {}, 2, carryOut, { kind: 'table', name: 'orders_rebuilt' })
  const { bill, backfill } = await backfiller.bill(wish, 'command', defaultPrices)
  const asked = { get: 0, list: 0, put: 0 }
  w.faults.store = (operation) => void asked[operation]++
  await backfiller.ask(backfill)
  await w.clock.run(() => backfiller.carryOut(backfill, new AbortController().signal, () => undefined))
  expect(await w.rows('orders_rebuilt')).toHaveLength(segments)
  expect(bill.work).toMatchObject({ segments, gets: asked.get, lists: asked.list })
  expect(asked.get).toBe(segments + 3)
})

test.each([10, 1])(
  'the bytes of files are reckoned by rows like those of the table, and what each file has besides (%s files)',
  async (files) => {
    const w = world()
    const columns = Array.from({ length: 20 }, (_, i) => ({ name: `c${i}`, type: i % 2 === 0 ? 'long' : 'string' }))
    const jsonOf = (offset: number) =>
      JSON.stringify(Object.fromEntries(columns.map(({ name }, i) => [name, i % 2 === 0 ? offset * 7 + i : `text ${(offset * 31) % 97}`])))
    const add = (base: number, length: number) =>
      w.write(orders, BigInt(base), [
        batch(
          BigInt(base),
          Array.from({ length }, (_, i) => record(jsonOf(base + i))),
        ),
      ])
    const value = { format: 'json', columns }
    const change = (plain: Plain) => {
      plain.spec.source.startAt = 'latest'
      plain.spec.mappings = [{ topic: '*', value }]
    }
    await add(0, 300)
    await w.clock.advanceBy(60_000)
    expect(await w.runOnce(change)).toBe(true)
    const backfill = async () => {
      const backfiller = await backfillerOf(w, {}, 5, carryOut, { kind: 'live' }, value)
      const { bill, backfill: wanted } = await backfiller.bill(wish, 'command', defaultPrices)
      await backfiller.ask(wanted)
      const { report } = await w.clock.run(() => backfiller.carryOut(wanted, new AbortController().signal, () => undefined))
      return { estimate: bill.work.fileBytes, actual: Number(report.fileBytes) }
    }
    // The tail makes files of a hundred rows.
    for (let i = 0; i < files; i++) {
      await add(300 + 100 * i, 100)
      await w.clock.advanceBy(60_000)
      expect(await w.runOnce(change)).toBe(true)
    }
    const { estimate, actual } = await backfill()
    expect(Math.abs(estimate / actual - 1)).toBeLessThan(0.05)
  },
)
