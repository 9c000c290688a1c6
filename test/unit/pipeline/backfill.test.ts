import { describe, expect, test } from 'vitest'
import { decodeRequests } from '../../../src/pipeline/commit/requests-text.ts'
import { currentSnapshot } from '../../../src/formats/iceberg/table-metadata.ts'
import type { Plain } from '../spec/documents.ts'
import { batch, record } from './segments.ts'
import { rowsOf, world, type World } from './world.ts'

const orders = { topic: 'orders', partition: 0 } as const
const other = { topic: 'orders', partition: 1 } as const
const day = 86_400_000

/** A tail that begins with what is written after the first run. */
const latest = (document: Plain) => (document.spec.source.startAt = 'latest')
const all = (document: Plain) => {
  latest(document)
  document.spec.backfill = [{ topic: 'orders' }]
}

async function requestsIn(w: World) {
  return decodeRequests(currentSnapshot(await w.table('orders'))!.summary['kafscale.processor.requests'], 'here')
}

/** History of ten segments of three records in two partitions, behind which the tail begins. */
async function withHistory(): Promise<World> {
  const w = world()
  for (const at of [orders, other]) for (let i = 0n; i < 10n; i++) await w.write(at, i * 3n, [batch(i * 3n, 3)])
  await w.clock.advanceBy(60_000)
  expect(await w.runOnce(latest)).toBe(true)
  expect(await w.rows('orders')).toEqual([])
  return w
}

describe('a declared backfill', () => {
  test('brings all history into the table, once, and the table says that it is done', async () => {
    const w = await withHistory()
    expect(await w.runOnce(all)).toBe(true)
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 30), ...rowsOf(other, 0, 30)])
    expect((await requestsIn(w)).backfills.map(({ topic, state }) => [topic, state])).toEqual([['orders', 'done']])
    const before = (await w.table('orders'))['last-sequence-number']
    expect(await w.runOnce(all)).toBe(true)
    expect((await w.table('orders'))['last-sequence-number']).toBe(before)
  })

  test('leaves to the tail what lies behind its beginning, whoever is first', async () => {
    const w = await withHistory()
    await w.write(orders, 30n, [batch(30n, 3)])
    await w.clock.advanceBy(60_000)
    expect(await w.runOnce(all)).toBe(true)
    await w.write(orders, 33n, [batch(33n, 3)])
    await w.clock.advanceBy(60_000)
    expect(await w.runOnce(all)).toBe(true)
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 36), ...rowsOf(other, 0, 30)])
  })

  test('runs beside a tail that goes on', async () => {
    const w = await withHistory()
    const stop = new AbortController()
    const ok = await w.clock.run(async () => {
      const done = w.processor(all).run(false, stop.signal)
      for (let i = 10n; i < 30n; i++) {
        await w.write(orders, i * 3n, [batch(i * 3n, 3)])
        await w.clock.sleep(7000)
      }
      await w.clock.sleep(600_000)
      stop.abort()
      return done
    })
    expect(ok).toBe(true)
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 90), ...rowsOf(other, 0, 30)])
    expect((await requestsIn(w)).backfills.map(({ state }) => state)).toEqual(['done'])
  })

  test('by times takes the records from the first of the one time to before the first of the other', async () => {
    const w = world()
    const start = Date.UTC(2026, 0, 1)
    for (let i = 0n; i < 20n; i++) {
      const records = [0, 1].map((n) => record('v', { timestampMs: BigInt(start + Number(i) * day + n * (day / 2)) }))
      await w.write(orders, i * 2n, [batch(i * 2n, records)])
    }
    await w.clock.advanceBy(60_000)
    expect(await w.runOnce(latest)).toBe(true)
    const times = (document: Plain) => {
      latest(document)
      document.spec.backfill = [{ topic: 'orders', from: '2026-01-05T06:00:00Z', to: '2026-01-09' }]
    }
    const got: string[] = []
    w.faults.store = (operation, key) => {
      if (operation === 'get') got.push(key)
      return undefined
    }
    expect(await w.runOnce(times)).toBe(true)
    // From noon of the fifth day, offset 9, to before midnight of the ninth, offset 16.
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 9, 16))
    expect(got.length).toBeLessThan(20)
  })

  test('of segments that overlap takes the earlier one, as the tail would', async () => {
    const w = world()
    const marked = (count: number, mark: string) => Array.from({ length: count }, () => record(mark))
    for (const [base, count] of [
      [0, 10],
      [10, 7],
      [15, 5],
      [17, 7],
      [20, 5],
    ] as const) {
      await w.write(orders, BigInt(base), [batch(BigInt(base), marked(count, `s${base}`))])
    }
    await w.clock.advanceBy(60_000)
    expect(await w.runOnce(latest)).toBe(true)
    const newest = (document: Plain) => {
      latest(document)
      document.spec.backfill = [{ topic: 'orders' }]
    }
    expect(await w.runOnce(newest)).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 25))
    const found = new Map(
      (await w.plainRows('orders')).map((row) => [Number(row.kafka_offset), Buffer.from(row.value as Uint8Array).toString()]),
    )
    expect([14, 15, 16, 17, 19, 20, 23, 24].map((offset) => found.get(offset))).toEqual([
      's10',
      's10',
      's10',
      's15',
      's15',
      's17',
      's17',
      's20',
    ])
  })

  test('goes past what the source does not have, and past segments that vanish while it reads', async () => {
    const w = world()
    for (const base of [0n, 3n, 9n, 12n]) await w.write(orders, base, [batch(base, 3)])
    await w.clock.advanceBy(60_000)
    expect(await w.runOnce(latest)).toBe(true)
    w.faults.store = (operation, key) => {
      if (operation === 'get' && key.endsWith('0009.kfs')) {
        for (const end of ['kfs', 'index']) void w.source.remove(key.replace('kfs', end))
      }
      return undefined
    }
    expect(await w.runOnce(all)).toBe(true)
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 6), ...rowsOf(orders, 12, 15)].sort())
    expect(w.linesOf('warn', 'gap: offsets that the source does not have').length).toBeGreaterThan(0)
    expect((await requestsIn(w)).backfills.map(({ state }) => state)).toEqual(['done'])
  })

  test('stops in the topic-partition that has a fault, names the place, and goes on elsewhere', async () => {
    const w = await withHistory()
    await w.write(orders, 9n, [new Uint8Array(80)])
    await w.clock.advanceBy(60_000)
    expect(await w.runOnce(all)).toBe(false)
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 9), ...rowsOf(other, 0, 30)])
    const [line] = w.linesOf('error', 'backfill stopped in a topic-partition')
    expect(line.fields).toMatchObject({ table: 'orders', topic: 'orders', partition: 0 })
    expect((await requestsIn(w)).backfills.map(({ state }) => state)).toEqual(['active'])
  })
})
