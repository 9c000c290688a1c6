import { describe, expect, test } from 'vitest'
import { decodeRequests } from '../../../src/pipeline/commit/requests-text.ts'
import { currentSnapshot } from '../../../src/formats/iceberg/table-metadata.ts'
import type { Backfill } from '../../../src/model/backfill.ts'
import { WorkError } from '../../../src/model/failure.ts'
import { inProcessQueue } from '../../../src/drivers/queue/in-process.ts'
import { memoryStore, type MemoryStore } from '../../../src/drivers/store/memory.ts'
import { segmentKey } from '../../../src/formats/kfs/segment-key.ts'
import type { TopicPartition } from '../../../src/model/topic-partition.ts'
import { defaultPrices } from '../../../src/pipeline/backfill/bill.ts'
import { type BackfillBounds, Backfiller, type Where } from '../../../src/service/backfill/backfiller.ts'
import type { TaskResult } from '../../../src/pipeline/flow.ts'
import type { BackfillWish } from '../../../src/service/backfill/resolve-backfill.ts'
import type { TablePayload } from '../../../src/service/tasks/task-payload.ts'
import { carryOut, type CarryOut } from '../../../src/service/tasks/worker.ts'
import { healthReadings } from '../../../src/service/feed/health-readings.ts'
import { documentStatus } from '../../../src/service/status/status.ts'
import { priorityBands } from '../../../src/seams/task-queue.ts'
import { load, type Plain, smallest } from '../spec/documents.ts'
import { loseEverythingOfOurs, loseHistory } from './lost-progress.ts'
import { documentOf } from './outlooks.ts'
import { batch, framed, record } from './segments.ts'
import { verify } from './verifying.ts'
import { rowsOf, sourceId, world, type World } from './world.ts'

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

/** Another bucket, with one segment of three records in it. */
async function bucketWith(at: TopicPartition, clock: World['clock']): Promise<MemoryStore> {
  const bucket = memoryStore({ clock })
  const { segment, index } = framed(0n, [batch(0n, 3)])
  await bucket.put(segmentKey('p/', at, 0n, 'kfs'), [segment])
  await bucket.put(segmentKey('p/', at, 0n, 'index'), [index])
  return bucket
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

  test('has tasks that come after any of the tail, which go first where both wait', async () => {
    const w = await withHistory()
    for (let i = 10n; i < 14n; i++) await w.write(orders, i * 3n, [batch(i * 3n, 3)])
    await w.clock.advanceBy(60_000)
    const queue = inProcessQueue<TablePayload, TaskResult>()
    const priorities = { tail: [] as number[], history: [] as number[] }
    const submit: typeof queue.submit = (id, payload, priority) => {
      if ('task' in payload) priorities[payload.task.parts[0].history === true ? 'history' : 'tail'].push(priority!)
      return queue.submit(id, payload, priority)
    }
    const processor = w.processor(all, { queue: { ...queue, submit } })
    expect(await w.clock.run(() => processor.run(true, new AbortController().signal))).toBe(true)
    expect(await w.rows('orders')).toHaveLength(72)
    expect([priorities.tail.length, priorities.history.length]).not.toContain(0)
    for (const priority of priorities.tail) expect(priority).toBeLessThan(priorityBands.backfill)
    for (const priority of priorities.history) expect(priority).toBeGreaterThanOrEqual(priorityBands.backfill)
  })

  test('says how much it has still to bring: to the metrics of the service that carries it out, and to status', async () => {
    const w = await withHistory()
    const get: typeof w.source.get = async (key, options) => {
      await w.clock.sleep(10_000)
      return w.source.get(key, options)
    }
    const stop = new AbortController()
    const left: [told: number | undefined, status: bigint | undefined][] = []
    await w.clock.run(async () => {
      const processor = w.processor(all, { source: { ...w.source, get } })
      const done = processor.run(false, stop.signal)
      for (const ms of [20_000, 600_000]) {
        await w.clock.sleep(ms)
        const readings = [...healthReadings(processor.health(), w.clock.now())]
        const { tables } = await documentStatus(documentOf(all), { id: sourceId, prefix: 'p/' }, w.seams)
        left.push([readings.find(({ name }) => name === 'backfill_remaining_offsets')?.value, tables[0].backfills[0]?.left])
      }
      stop.abort()
      return done
    })
    expect(left).toEqual([
      [60, 60n],
      [0, undefined],
    ])
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

  test('by times is tried again where a segment goes while it is looked for one', async () => {
    const w = await withHistory()
    const times = (document: Plain) => {
      latest(document)
      document.spec.backfill = [{ topic: 'orders', from: '1970-01-01', to: '2100-01-01' }]
    }
    let gone = 0
    w.faults.store = (operation, key) => {
      if (operation === 'get' && gone++ === 0) for (const end of ['kfs', 'index']) void w.source.remove(key.replace('kfs', end))
      return undefined
    }
    const stop = new AbortController()
    await w.clock.run(async () => {
      const done = w.processor(times).run(false, stop.signal)
      await w.clock.sleep(900_000)
      stop.abort()
      expect(await done).toBe(true)
    })
    expect(w.linesOf('warn', 'backfill failed, and is tried again')).toHaveLength(1)
    expect(await w.rows('orders')).toHaveLength(57)
  })

  test('that fails keeps no other one back', async () => {
    const w = await withHistory()
    const two = (document: Plain) => {
      latest(document)
      document.spec.backfill = [{ topic: 'orders', from: '1970-01-01', to: '2100-01-01' }, { topic: 'orders' }]
    }
    // Times can not be looked for.
    const get: typeof w.source.get = (key, options) => {
      if (options?.range !== undefined) throw new WorkError('the object is archived: restore it', { retry: 'never' })
      return w.source.get(key, options)
    }
    const stop = new AbortController()
    await w.clock.run(async () => {
      const done = w.processor(two, { source: { ...w.source, get } }).run(false, stop.signal)
      await w.clock.sleep(200_000)
      stop.abort()
      await done
    })
    expect(w.linesOf('warn', 'backfill failed, and is tried again')).toHaveLength(1)
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 30), ...rowsOf(other, 0, 30)])
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

  test.each([1, 2, 3])('keeps what it found in a topic-partition where listing the next one fails (listing %i)', async (nth) => {
    const w = await withHistory()
    let listings = 0
    w.faults.store = (operation, key) => {
      const isBegun = w.linesOf('info', 'backfill begun').length > 0
      if (!isBegun || operation !== 'list' || !key.includes('orders/1/') || ++listings !== nth) return undefined
      return new WorkError('the bucket does not answer', { retry: 'later' })
    }
    expect(await w.runOnce(all)).toBe(true)
    expect(listings).toBeGreaterThanOrEqual(nth)
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 30), ...rowsOf(other, 0, 30)])
    expect(w.linesOf('warn', 'gap: offsets that the source does not have')).toEqual([])
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

describe('a backfill that is asked for', () => {
  const wish: BackfillWish = { topic: 'orders', partitions: null, from: null, to: null, missing: false, newestFirst: false }

  async function backfillerOf(
    w: World,
    bounds: BackfillBounds = {},
    where: Where = { kind: 'live' },
    work = carryOut,
  ): Promise<Backfiller> {
    const document = load(
      smallest((plain) =>
        Object.assign(
          plain.spec,
          { sink: { database: 'analytics' }, mappings: [{ topic: '*', value: { format: 'binary' } }] },
          { source: { ...plain.spec.source, topics: ['*'] } },
        ),
      ),
    )
    const seams = { ...w.seams, queue: inProcessQueue<TablePayload, TaskResult>(), carryOut: work }
    return (await Backfiller.open(document, 'orders', where, bounds, { id: sourceId, prefix: 'p/' }, seams))!
  }

  test.each([
    ['from the oldest', {}, [...rowsOf(orders, 0, 30), ...rowsOf(other, 0, 30)]],
    ['from the newest', { newestFirst: true }, [...rowsOf(orders, 0, 30), ...rowsOf(other, 0, 30)]],
    ['of one partition', { partitions: [1] }, rowsOf(other, 0, 30)],
    ['of offsets that cut segments', { from: { offset: 4n }, to: { offset: 11n } }, [...rowsOf(orders, 4, 11), ...rowsOf(other, 4, 11)]],
  ] as const)('%s takes what its bill says, and no request more', async (_, change, rows) => {
    const w = await withHistory()
    const backfiller = await backfillerOf(w)
    const { bill, backfill } = await backfiller.bill({ ...wish, ...change }, 'command', defaultPrices)
    const asked = { get: 0, list: 0, put: 0 }
    w.faults.store = (operation) => {
      asked[operation]++
      return undefined
    }
    await backfiller.ask(backfill)
    const done = await w.clock.run(() => backfiller.carryOut(backfill, new AbortController().signal, () => undefined))
    expect(done.outcome).toBe('done')
    expect(await w.rows('orders')).toEqual(rows)
    expect(asked.get).toBe(bill.work.gets)
    expect(asked.list).toBe(bill.work.lists)
    expect(done.report).toMatchObject({ segments: bill.work.segments, bytes: bill.work.bytes, rows: BigInt(rows.length), commits: 1 })
    const again = await (await backfillerOf(w)).bill({ ...wish, ...change }, 'command', defaultPrices)
    expect(again.bill).toMatchObject({ decided: bill.wanted, work: { segments: 0, gets: 0, puts: 0 } })
  })

  test('reads nothing of a log that began anew, whose offsets mean other records', async () => {
    const w = await withHistory()
    for await (const { objects } of w.source.list({ prefix: 'p/orders/0/' })) for (const { key } of objects) await w.source.remove(key)
    await w.clock.advanceBy(60_000)
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.write(orders, 3n, [batch(3n, 3)])
    await w.clock.advanceBy(60_000)
    const backfiller = await backfillerOf(w)
    const { backfill } = await backfiller.bill(wish, 'command', defaultPrices)
    await backfiller.ask(backfill)
    const done = await w.clock.run(() => backfiller.carryOut(backfill, new AbortController().signal, () => undefined))
    expect(done.outcome).toBe('stopped')
    expect(await w.rows('orders')).toEqual(rowsOf(other, 0, 30))
    expect(done.report.stops).toEqual([{ at: orders, reason: expect.stringContaining('the log was restarted') }])
  })

  test('fills the holes alone', async () => {
    const w = await withHistory()
    const backfiller = await backfillerOf(w)
    const part = { ...wish, from: { offset: 9n }, to: { offset: 15n } }
    const { backfill } = await backfiller.bill(part, 'command', defaultPrices)
    await backfiller.ask(backfill)
    await w.clock.run(() => backfiller.carryOut(backfill, new AbortController().signal, () => undefined))
    await w.write(orders, 30n, [batch(30n, 3)])
    await w.clock.advanceBy(60_000)
    await w.runOnce(latest)
    const holes = await backfillerOf(w)
    const { bill, backfill: rest } = await holes.bill({ ...wish, missing: true }, 'command', defaultPrices)
    expect(bill.wanted).toBe(15n + 15n)
    await holes.ask(rest)
    await w.clock.run(() => holes.carryOut(rest, new AbortController().signal, () => undefined))
    // What lies before everything that is decided is no hole.
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 9, 33), ...rowsOf(other, 9, 30)])
  })

  test('waits where others have expired what told where the tail stands, and is brought once the tail has told that again', async () => {
    const w = await withHistory()
    const { backfill } = await (await backfillerOf(w)).bill(wish, 'service', defaultPrices)
    await (await backfillerOf(w)).ask(backfill)
    await loseHistory(w, 'orders')
    const backfiller = await backfillerOf(w)
    const { outcome, report } = await w.clock.run(() => backfiller.carryOut(backfill, new AbortController().signal, () => undefined))
    expect(outcome).toBe('stopped')
    expect(report.stops.map(({ at }) => at)).toEqual([orders, other])
    for (const { reason } of report.stops) expect(reason).toContain('the table does not tell where the tail stands')
    expect((await backfillerOf(w)).backfills.map(({ state }) => state)).toEqual(['active'])
    const stop = new AbortController()
    await w.clock.run(async () => {
      const running = w.processor(latest).run(false, stop.signal)
      await w.clock.sleep(900_000)
      stop.abort()
      await running
    })
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 30), ...rowsOf(other, 0, 30)])
    expect((await requestsIn(w)).backfills.map(({ state }) => state)).toEqual(['done'])
  })

  test('is not done while a segment that it asks for was written again a moment ago, and has it once that has stood for the grace age', async () => {
    const w = await withHistory()
    await w.write(orders, 27n, [batch(27n, 3)])
    const carriedOut = async () => {
      const backfiller = await backfillerOf(w)
      const { backfill } = await backfiller.bill(wish, 'command', defaultPrices)
      await backfiller.ask(backfill)
      const { outcome, report } = await w.clock.run(() => backfiller.carryOut(backfill, new AbortController().signal, () => undefined))
      return { outcome, stops: report.stops, states: (await backfillerOf(w)).backfills.map(({ state }) => state) }
    }
    const reason = expect.stringContaining('the segment at offset 27 is younger than source.graceSeconds')
    expect(await carriedOut()).toEqual({ outcome: 'stopped', stops: [{ at: orders, reason }], states: ['active'] })
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 27), ...rowsOf(other, 0, 30)])
    expect(w.linesOf('warn', 'gap: offsets that the source does not have')).toEqual([])
    await w.clock.advanceBy(60_000)
    expect(await carriedOut()).toEqual({ outcome: 'done', stops: [], states: ['done'] })
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 30), ...rowsOf(other, 0, 30)])
  })

  test('and left to the service is not taken for done by that of another source, which feeds the table too', async () => {
    const w = await withHistory()
    const { clock } = w
    const clicks = { topic: 'clicks', partition: 0 } as const
    const elsewhere = await bucketWith(clicks, clock)
    await clock.advanceBy(60_000)
    const backfiller = await backfillerOf(w)
    const { backfill } = await backfiller.bill(wish, 'service', defaultPrices)
    await backfiller.ask(backfill)
    const intoOrders = (document: Plain) => {
      document.spec.source.topics = ['clicks']
      document.spec.mappings = [{ topic: 'clicks', table: 'orders', value: { format: 'binary' } }]
    }
    const strange = w.processor(intoOrders, { source: elsewhere }, { id: 's3://elsewhere/p/' })
    expect(await clock.run(() => strange.run(true, new AbortController().signal))).toBe(true)
    expect((await requestsIn(w)).backfills.map(({ state }) => state)).toEqual(['active'])
    expect(await w.runOnce(latest)).toBe(true)
    expect((await requestsIn(w)).backfills.map(({ state }) => state)).toEqual(['done'])
    expect(await w.rows('orders')).toEqual([
      ...rowsOf(clicks, 0, 3),
      ...rowsOf(orders, 0, 30),
      ...rowsOf({ ...orders, partition: 1 }, 0, 30),
    ])
  })

  test('nor by one that has topic-partitions of the same names, which brings its own where it asks for the same', async () => {
    const w = await withHistory()
    const { clock } = w
    const elsewhere = await bucketWith(orders, clock)
    await clock.advanceBy(60_000)
    const another = (change: typeof all) => {
      const directed = { id: 's3://elsewhere/p/', sourceAdded: true }
      return clock.run(() => w.processor(change, { source: elsewhere }, directed).run(true, new AbortController().signal))
    }
    expect(await another(latest)).toBe(true)
    const backfiller = await backfillerOf(w)
    const { backfill } = await backfiller.bill(wish, 'service', defaultPrices)
    await backfiller.ask(backfill)
    expect(await another(latest)).toBe(true)
    expect((await requestsIn(w)).backfills.map(({ state }) => state)).toEqual(['active'])
    const told = async (id: string, source = w.source) => {
      const { tables } = await documentStatus(documentOf(latest), { id, prefix: 'p/' }, { ...w.seams, source })
      return tables.flatMap(({ backfills }) => backfills.map(({ left }) => left))
    }
    expect(await told(sourceId)).toEqual([60n])
    expect(await told('s3://elsewhere/p/', elsewhere)).toEqual([])
    expect(await another(all)).toBe(true)
    expect((await requestsIn(w)).backfills.map(({ source, state }) => [source, state])).toEqual([
      [sourceId, 'active'],
      ['s3://elsewhere/p/', 'done'],
    ])
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 3))
    expect(await w.runOnce(all)).toBe(true)
    expect((await requestsIn(w)).backfills.map(({ state }) => state)).toEqual(['done', 'done'])
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 3), ...rowsOf(orders, 0, 30), ...rowsOf(other, 0, 30)].sort())
  })

  test('brings nothing but what it asks for, though the newest segment of the start is written again', async () => {
    const w = await withHistory()
    const carryOutPart = async (change: Partial<BackfillWish>) => {
      const backfiller = await backfillerOf(w)
      const { backfill } = await backfiller.bill({ ...wish, ...change }, 'command', defaultPrices)
      await backfiller.ask(backfill)
      await w.clock.run(() => backfiller.carryOut(backfill, new AbortController().signal, () => undefined))
    }
    await carryOutPart({ from: { offset: 3n }, to: { offset: 9n } })
    // It begins at the same offset and has more: what lies below the start is left out for good.
    await w.write(orders, 27n, [batch(27n, 5)])
    await w.clock.advanceBy(60_000)
    expect(await w.runOnce(latest)).toBe(true)
    const later = [...rowsOf(orders, 3, 9), ...rowsOf(orders, 30, 32), ...rowsOf(other, 3, 9)].sort()
    expect(await w.rows('orders')).toEqual(later)
    expect(await verify(w)).toMatchObject({ findings: [], problem: null })
    await carryOutPart({ from: { offset: 20n }, to: { offset: 28n } })
    expect(await w.rows('orders')).toHaveLength(later.length + 16)
    expect(await verify(w)).toMatchObject({ findings: [], problem: null })
    await carryOutPart({})
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 32), ...rowsOf(other, 0, 30)].sort())
  })

  test('that is done leaves a hole where what it was to bring comes only then, below the first offset that is decided too', async () => {
    const w = world()
    for (let i = 2n; i < 10n; i++) if (i !== 5n) await w.write(orders, i * 3n, [batch(i * 3n, 3)])
    await w.clock.advanceBy(60_000)
    await w.runOnce(latest)
    const carryOutAll = async (missing: boolean) => {
      const backfiller = await backfillerOf(w)
      const { backfill } = await backfiller.bill({ ...wish, missing }, 'command', defaultPrices)
      await backfiller.ask(backfill)
      await w.clock.run(() => backfiller.carryOut(backfill, new AbortController().signal, () => undefined))
    }
    await carryOutAll(false)
    // The log begins at 6: that is no gap.
    const found = async (exact = false) => (await verify(w, { exact })).findings.map(({ kind, start, end }) => [kind, start, end])
    expect(await found()).toEqual([['gap', 15n, 18n]])
    await w.write(orders, 1n, [batch(1n, 5)])
    await w.write(orders, 15n, [batch(15n, 3)])
    // prettier-ignore
    for (const exact of [false, true]) expect(await found(exact)).toEqual([['hole', 1n, 6n], ['hole', 15n, 18n]])
    await carryOutAll(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 1, 30))
    expect(await verify(w)).toMatchObject({ findings: [], problem: null })
  })

  test('twice at once, and beside the tail, brings each row once', async () => {
    const w = await withHistory()
    const [one, two] = [await backfillerOf(w), await backfillerOf(w)]
    const asked = async (backfiller: Backfiller, change: Partial<BackfillWish>) => {
      const { backfill } = await backfiller.bill({ ...wish, ...change }, 'command', defaultPrices)
      await backfiller.ask(backfill)
      return backfiller.carryOut(backfill, new AbortController().signal, () => undefined)
    }
    const stop = new AbortController()
    await w.clock.run(async () => {
      const tail = w.processor(latest).run(false, stop.signal)
      await Promise.all([asked(one, {}), asked(two, { newestFirst: true, from: { offset: 5n } }), w.write(orders, 30n, [batch(30n, 3)])])
      await w.clock.sleep(200_000)
      stop.abort()
      await tail
    })
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 33), ...rowsOf(other, 0, 30)])
  })

  /** Carries a slow backfill out, which somebody else pauses or cancels after five seconds. */
  async function changedMeanwhile(to: 'paused' | 'cancelled') {
    const w = await withHistory()
    const backfiller = await backfillerOf(w, { requestsPerSecond: 1 })
    const { backfill } = await backfiller.bill(wish, 'command', defaultPrices)
    await backfiller.ask(backfill)
    const done = await w.clock.run(async () => {
      const working = backfiller.carryOut(backfill, new AbortController().signal, () => undefined)
      await w.clock.sleep(5000)
      await (await backfillerOf(w)).change(backfill.id, to)
      return working
    })
    return { w, done, backfill }
  }

  test('that is paused stands still, and goes on where it was when it is resumed', async () => {
    const { w, done, backfill } = await changedMeanwhile('paused')
    // What was not read yet is not missing in the source.
    expect(done).toMatchObject({ outcome: 'paused', report: { missing: [] } })
    const { length } = await w.rows('orders')
    expect(length).toBeLessThan(60)
    expect(await w.runOnce(latest)).toBe(true)
    expect(await w.rows('orders')).toHaveLength(length)
    await (await backfillerOf(w)).change(backfill.id, 'active')
    const resumed = await backfillerOf(w)
    const end = await w.clock.run(() => resumed.carryOut(backfill, new AbortController().signal, () => undefined))
    expect(end.outcome).toBe('done')
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 30), ...rowsOf(other, 0, 30)])
  })

  test('again, while the table does not tell where the tail stands, is not asked for any less', async () => {
    const w = await withHistory()
    const { backfill } = await (await backfillerOf(w)).bill(wish, 'command', defaultPrices)
    await (await backfillerOf(w)).ask(backfill)
    await loseHistory(w, 'orders')
    const backfiller = await backfillerOf(w)
    const again = await backfiller.bill(wish, 'command', defaultPrices)
    expect(again.bill.notBegun).toEqual([orders, other])
    await backfiller.ask(again.backfill)
    const { outcome } = await w.clock.run(() => backfiller.carryOut(again.backfill, new AbortController().signal, () => undefined))
    expect(outcome).toBe('stopped')
    expect((await backfillerOf(w)).backfills).toEqual([backfill])
  })

  /** The service carries out what was left to it, reading slowly at first, with a tail that has nothing to do. */
  async function whileServed(backfill: (whole: Backfill) => Backfill, meanwhile: (w: World, whole: Backfill) => Promise<void>) {
    const w = await withHistory()
    const { backfill: whole } = await (await backfillerOf(w)).bill(wish, 'service', defaultPrices)
    await (await backfillerOf(w)).ask(backfill(whole))
    const slowUntilMs = w.clock.now() + 10_000
    const get: typeof w.source.get = async (key, options) => {
      if (w.clock.now() < slowUntilMs) await w.clock.sleep(20_000)
      return w.source.get(key, options)
    }
    const small = (document: Plain) => {
      latest(document)
      document.spec.processing = { parallelism: 1 }
    }
    const stop = new AbortController()
    await w.clock.run(async () => {
      const done = w.processor(small, { source: { ...w.source, get } }).run(false, stop.signal)
      await w.clock.sleep(5000)
      await meanwhile(w, whole)
      await w.clock.sleep(600_000)
      stop.abort()
      await done
    })
    return { w, states: (await requestsIn(w)).backfills.map(({ state }) => state) }
  }

  test('and asked for again with more while the service carries it out is done once all of it is there', async () => {
    const { w, states } = await whileServed(
      (whole) => ({ ...whole, ranges: new Map([[0, [[0n, 12n]]]]) }),
      async (meanwhile, whole) => (await backfillerOf(meanwhile)).ask(whole),
    )
    expect(states).toEqual(['done'])
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 30), ...rowsOf(other, 0, 30)])
  })

  test('keeps what comes before a task that is set aside, and stops only behind it', async () => {
    const w = await withHistory()
    const poison: CarryOut = async (task, ...others) => {
      const isPoison = task.parts.some(({ at, segments }) => at.partition === 0 && segments.some(({ baseOffset }) => baseOffset === 15n))
      if (isPoison) throw new TypeError('undefined is not a function')
      return carryOut(task, ...others)
    }
    // Small tasks, so that there are several.
    const backfiller = await backfillerOf(w, { requestsPerSecond: 1_000_000, bytesPerSecond: 40 }, { kind: 'live' }, poison)
    const { backfill } = await backfiller.bill(wish, 'command', defaultPrices)
    await backfiller.ask(backfill)
    const { outcome, report } = await w.clock.run(() => backfiller.carryOut(backfill, new AbortController().signal, () => undefined))
    expect(outcome).toBe('stopped')
    expect(report.stops).toEqual([{ at: orders, reason: expect.stringContaining('set aside after 3 tries') }])
    const rows = await w.rows('orders')
    expect(rows).toEqual(expect.arrayContaining([...rowsOf(orders, 0, 3), ...rowsOf(other, 0, 30)]))
    expect(rows).not.toContain('orders/0@15')
  })

  test('and paused while the service carries it out stands still though the tail does not look at the table, until it is resumed', async () => {
    const counts: number[] = []
    const { w, states } = await whileServed(
      (whole) => whole,
      async (meanwhile, { id }) => {
        await (await backfillerOf(meanwhile)).change(id, 'paused')
        for (const ms of [60_000, 300_000]) {
          await meanwhile.clock.sleep(ms)
          counts.push((await meanwhile.rows('orders')).length)
        }
        expect((await backfillerOf(meanwhile)).backfills.map(({ state }) => state)).toEqual(['paused'])
        await (await backfillerOf(meanwhile)).change(id, 'active')
      },
    )
    expect(counts[0]).toBeLessThan(60)
    expect(counts[1]).toBe(counts[0])
    expect(states).toEqual(['done'])
    expect(await w.rows('orders')).toHaveLength(60)
  })

  test('and cancelled while the service carries it out brings nothing more, though the tail does not look at the table', async () => {
    const { w, states } = await whileServed(
      (whole) => whole,
      async (meanwhile, { id }) => void (await (await backfillerOf(meanwhile)).change(id, 'cancelled')),
    )
    expect(states).toEqual(['cancelled'])
    expect((await w.rows('orders')).length).toBeLessThan(60)
  })

  test('of objects in an archive says so before, stops in their topic-partition, and goes on when they are restored', async () => {
    const w = await withHistory()
    const isArchived = (key: string) => key.startsWith('p/orders/0/') && key.endsWith('.kfs')
    const source = {
      ...w.source,
      async *list(query: Parameters<typeof w.source.list>[0]) {
        for await (const page of w.source.list(query)) {
          const objects = page.objects.map((one) => (isArchived(one.key) ? { ...one, storageClass: 'DEEP_ARCHIVE' } : one))
          yield { ...page, objects }
        }
      },
    }
    const backfiller = await backfillerOf({ ...w, seams: { ...w.seams, source } })
    const { bill, backfill } = await backfiller.bill(wish, 'command', defaultPrices)
    expect(bill.archived).toEqual({ segments: 10, firstKey: `p/orders/0/segment-${'0'.repeat(20)}.kfs` })
    w.faults.store = (operation, key) =>
      operation === 'get' && isArchived(key) ? new WorkError('the object is archived: restore it', { retry: 'never' }) : undefined
    await backfiller.ask(backfill)
    const done = await w.clock.run(() => backfiller.carryOut(backfill, new AbortController().signal, () => undefined))
    expect(done).toMatchObject({ outcome: 'stopped', report: { stops: [{ at: orders, reason: 'the object is archived: restore it' }] } })
    expect(await w.rows('orders')).toEqual(rowsOf(other, 0, 30))
    w.faults.store = () => undefined
    const again = await backfillerOf(w)
    const end = await w.clock.run(() => again.carryOut(backfill, new AbortController().signal, () => undefined))
    expect(end.outcome).toBe('done')
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 30), ...rowsOf(other, 0, 30)])
  })

  test('that is cancelled brings nothing more, and what it brought stays', async () => {
    const { w, done, backfill } = await changedMeanwhile('cancelled')
    expect(done.outcome).toBe('cancelled')
    const rows = await w.rows('orders')
    expect(rows.length).toBeLessThan(60)
    expect(new Set(rows).size).toBe(rows.length)
    await expect((await backfillerOf(w)).change(backfill.id, 'active')).rejects.toThrow(
      `has no backfill ${backfill.id} that is not ended; it has none`,
    )
  })

  test('of a topic of which the source has nothing any more is still known, and can be cancelled', async () => {
    const w = await withHistory()
    const asking = await backfillerOf(w)
    const { backfill } = await asking.bill(wish, 'service', defaultPrices)
    await asking.ask(backfill)
    for await (const { objects } of w.source.list({ prefix: 'p/' })) for (const { key } of objects) await w.source.remove(key)
    const later = await backfillerOf(w)
    expect(later.backfills).toMatchObject([{ id: backfill.id, state: 'active' }])
    await later.change(backfill.id, 'cancelled')
    expect((await requestsIn(w)).backfills).toMatchObject([{ id: backfill.id, state: 'cancelled' }])
    expect((await later.bill(wish, 'command', defaultPrices)).bill).toMatchObject({ work: { segments: 0 } })
  })

  test('is refused where others wrote rows that may be records of the source, and nothing of ours tells of them', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.clock.advanceBy(60_000)
    expect(await w.runOnce()).toBe(true)
    await loseEverythingOfOurs(w, 'orders')
    await expect(backfillerOf(w, {})).rejects.toThrow(/has .*rows that others wrote.*recover --from-rows/)
  })

  test('into another table brings partitions too that came since it was begun', async () => {
    const w = await withHistory()
    const late = { ...orders, partition: 2 }
    for (const i of [0, 1]) {
      if (i === 1) await w.write(late, 0n, [batch(0n, 5)])
      await w.clock.advanceBy(60_000)
      const backfiller = await backfillerOf(w, {}, { kind: 'table', name: 'orders_rebuilt' })
      const { bill, backfill } = await backfiller.bill(wish, 'command', defaultPrices)
      expect(bill).toMatchObject({ notBegun: [], work: { segments: i === 0 ? 20 : 1 } })
      await backfiller.ask(backfill)
      expect((await w.clock.run(() => backfiller.carryOut(backfill, new AbortController().signal, () => undefined))).outcome).toBe('done')
    }
    expect(await w.rows('orders_rebuilt')).toEqual([...rowsOf(orders, 0, 30), ...rowsOf(other, 0, 30), ...rowsOf(late, 0, 5)])
  })

  test('into another table, that table has what came at offsets below its start, since the newest segment was written again, shorter', async () => {
    const w = await withHistory()
    const backfiller = await backfillerOf(w, {}, { kind: 'table', name: 'orders_rebuilt' })
    const { backfill } = await backfiller.bill(wish, 'command', defaultPrices)
    await backfiller.ask(backfill)
    await w.write(orders, 27n, [batch(27n, 1)])
    await w.clock.advanceBy(60_000)
    await w.clock.run(() => backfiller.carryOut(backfill, new AbortController().signal, () => undefined))
    await w.write(orders, 28n, [batch(28n, 9)])
    await w.clock.advanceBy(60_000)
    const renamed = (document: Plain) => (document.spec.mappings = [{ topic: '*', table: 'orders_rebuilt', value: { format: 'binary' } }])
    expect(await w.runOnce(renamed)).toBe(true)
    expect(await w.rows('orders_rebuilt')).toEqual([...rowsOf(orders, 0, 37), ...rowsOf(other, 0, 30)])
  })

  test('into another table makes that one, and whoever feeds it later goes on where it began', async () => {
    const w = await withHistory()
    const backfiller = await backfillerOf(w, {}, { kind: 'table', name: 'orders_rebuilt' })
    const { bill, backfill } = await backfiller.bill(wish, 'command', defaultPrices)
    expect(bill).toMatchObject({ table: 'analytics.orders_rebuilt', wanted: 60n, notBegun: [] })
    await w.write(orders, 30n, [batch(30n, 3)])
    await backfiller.ask(backfill)
    await w.clock.run(() => backfiller.carryOut(backfill, new AbortController().signal, () => undefined))
    expect(await w.rows('orders_rebuilt')).toEqual([...rowsOf(orders, 0, 30), ...rowsOf(other, 0, 30)])
    expect(await w.rows('orders')).toEqual([])
    await w.clock.advanceBy(60_000)
    let gets = 0
    w.faults.store = (operation) => {
      if (operation === 'get') gets++
      return undefined
    }
    const renamed = (document: Plain) => (document.spec.mappings = [{ topic: '*', table: 'orders_rebuilt', value: { format: 'binary' } }])
    expect(await w.runOnce(renamed)).toBe(true)
    expect(await w.rows('orders_rebuilt')).toEqual([...rowsOf(orders, 0, 33), ...rowsOf(other, 0, 30)])
    expect(gets).toBe(1)
    await expect(backfillerOf(w, {}, { kind: 'table', name: 'Orders' })).rejects.toThrow(
      '--into: Orders is a table of the document already',
    )
  })
})
