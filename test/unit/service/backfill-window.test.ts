import { expect, test } from 'vitest'
import { billLines } from '../../../src/cli/backfill-text.ts'
import { inProcessQueue } from '../../../src/drivers/queue/in-process.ts'
import { defaultPrices } from '../../../src/pipeline/backfill/bill.ts'
import { Backfiller } from '../../../src/service/backfill/backfiller.ts'
import type { TaskResult } from '../../../src/pipeline/flow.ts'
import type { BackfillWish } from '../../../src/service/backfill/resolve-backfill.ts'
import type { TablePayload } from '../../../src/service/tasks/task-payload.ts'
import { carryOut } from '../../../src/service/tasks/worker.ts'
import { load, smallest } from '../spec/documents.ts'
import { batch, record } from './segments.ts'
import { sourceId, world } from './world.ts'

const start = Date.UTC(2026, 0, 1)
const hour = 3_600_000

/** The bill of a wish about topic-partitions with a record an hour: eight that begin with the year, and one whose hours go backwards. */
async function billOf(change: Partial<BackfillWish>) {
  const w = world()
  for (let partition = 0; partition < 9; partition++) {
    for (let i = 0; i < 10; i++) {
      const timestampMs = BigInt(start + (partition === 8 ? 9 - i : i) * hour)
      await w.write({ topic: 'orders', partition }, BigInt(i), [batch(BigInt(i), [record('v', { timestampMs })])])
    }
  }
  await w.clock.advanceBy(60_000)
  expect(await w.runOnce((document) => (document.spec.source.startAt = 'latest'))).toBe(true)
  const document = load(
    smallest(({ spec }) => {
      Object.assign(spec, { sink: { database: 'analytics' }, mappings: [{ topic: '*', value: { format: 'binary' } }] })
      spec.source.topics = ['*']
    }),
  )
  const seams = { ...w.seams, queue: inProcessQueue<TablePayload, TaskResult>(), carryOut }
  const backfiller = await Backfiller.open(document, 'orders', { kind: 'live' }, {}, { id: sourceId, prefix: 'p/' }, seams)
  const wish = { topic: 'orders', partitions: null, from: null, to: null, missing: false, newestFirst: false, ...change }
  const { bill } = await backfiller!.bill(wish, 'command', defaultPrices)
  return { bill, note: billLines(bill, false, { style: (_, text) => text }).find((line) => line.includes('nothing is brought')) }
}

test('the bill names the topic-partition whose times are not in the order of offsets, so that nothing of it lies between them', async () => {
  const { bill, note } = await billOf({ from: { timeMs: start + 6 * hour }, to: { timeMs: start + 8 * hour } })
  expect([...bill.ranges.keys()]).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  expect(bill.outside).toEqual([{ topic: 'orders', partition: 8 }])
  expect(note).toBe(
    '  note  nothing is brought of 1 topic-partition, orders/8: before the tail, nothing there lies between --from and --to. Where records are not in the order of their times, say offsets',
  )
})

test('of many that have nothing between the bounds the bill tells the number and the first five', async () => {
  const { bill, note } = await billOf({ from: { timeMs: start + 20 * hour }, missing: true })
  expect(bill.ranges.size).toBe(0)
  expect(bill.outside).toHaveLength(9)
  expect(note).toContain('nothing is brought of 9 topic-partitions, orders/0, orders/1, orders/2, orders/3, orders/4 and 4 more:')
})

test('without bounds, and where the holes between them are none, nothing is outside', async () => {
  expect(await billOf({})).toMatchObject({ bill: { outside: [] }, note: undefined })
  expect(await billOf({ from: { offset: 3n }, missing: true })).toMatchObject({ bill: { wanted: 0n, outside: [] }, note: undefined })
})
