import { beforeEach, expect, test } from 'vitest'
import { WorkError } from '../../../src/model/failure.ts'
import type { DocumentHealth, TableHealth } from '../../../src/model/health.ts'
import { readinessOf } from '../../../src/model/readiness.ts'
import { healthReadings } from '../../../src/service/feed/health-readings.ts'
import type { Processor } from '../../../src/service/feed/processor.ts'
import type { ObjectStore } from '../../../src/seams/object-store.ts'
import { documentHealth, partitionLag, tableHealth } from '../../support/health.ts'
import { batch } from './segments.ts'
import { world, type World } from './world.ts'

const orders = { topic: 'orders', partition: 0 } as const
let w: World

let slowMs: number

beforeEach(() => {
  w = world()
  slowMs = 0
})

/** Runs a service until `during` has ended. GETs of its source take `slowMs`. */
function serve(during: (processor: Processor) => Promise<void>): Promise<boolean> {
  const stop = new AbortController()
  const get: ObjectStore['get'] = async (key, options) => {
    await w.clock.sleep(slowMs)
    return w.source.get(key, options)
  }
  return w.clock.run(async () => {
    const processor = w.processor(undefined, { source: { ...w.source, get } })
    const done = processor.run(false, stop.signal)
    await during(processor)
    stop.abort()
    return done
  })
}

function tableOf(health: DocumentHealth): TableHealth {
  expect(health.tables).toHaveLength(1)
  return health.tables[0]
}

const ready = (processor: Processor) => readinessOf([processor.health()], w.clock.now())

test('a process is not ready before the first round of every table, and then it is', async () => {
  await w.write(orders, 0n, [batch(0n, 3)])
  await w.clock.advanceBy(60_000)
  await serve(async (processor) => {
    expect(ready(processor).reasons).toMatchObject([{ reason: 'starting: topics are not listed yet' }])
    await w.clock.sleep(1000)
    expect(ready(processor)).toEqual({ ready: true, reasons: [], notes: [] })
  })
})

test('what waits is counted until it is committed, what is committed is not, and the newest segment counts as one offset', async () => {
  await w.write(orders, 0n, [batch(0n, 3)])
  await w.clock.advanceBy(60_000)
  await serve(async (processor) => {
    await w.clock.sleep(1000)
    expect(tableOf(processor.health())).toMatchObject({
      table: 'orders',
      lastCommitMs: w.clock.now() - 1000,
      partitions: [{ ...orders, offsets: 0n, segments: 0, bytes: 0, oldestMs: null }],
      waitingSinceMs: null,
    })
    const writtenMs = w.clock.now()
    await w.write(orders, 3n, [batch(3n, 3)])
    await w.write(orders, 6n, [batch(6n, 3)])
    slowMs = 30_000
    await w.clock.sleep(70_000)
    expect(tableOf(processor.health())).toMatchObject({
      partitions: [{ ...orders, offsets: 4n, segments: 2, oldestMs: writtenMs }],
      tasksInFlight: 1,
      waitingSinceMs: w.clock.now() - 11_000,
    })
    await w.clock.sleep(60_000)
    expect(tableOf(processor.health())).toMatchObject({
      partitions: [{ offsets: 0n, segments: 0 }],
      tasksInFlight: 0,
      waitingSinceMs: null,
    })
  })
})

test('a topic-partition that was stopped keeps its lag and its reason, and the age of what waits in it grows', async () => {
  await w.write(orders, 0n, [batch(0n, 3)])
  const bad = batch(3n, 3)
  bad[bad.length - 1] ^= 1
  await w.write(orders, 3n, [bad])
  await w.clock.advanceBy(60_000)
  await serve(async (processor) => {
    await w.clock.sleep(200_000)
    const [lag] = tableOf(processor.health()).partitions
    expect(lag).toMatchObject({ offsets: 1n, segments: 1, oldestMs: w.clock.now() - 260_000 })
    expect(ready(processor).reasons).toMatchObject([{ table: 'orders', topic: 'orders', partition: 0, reason: lag.stopped!.reason }])
    const readings = [...healthReadings(processor.health(), w.clock.now())]
    expect(readings).toContainEqual({ name: 'partitions_stopped', value: 1, labels: { table: 'orders' } })
    expect(readings).toContainEqual({ name: 'lag_seconds', value: 260, labels: { table: 'orders', topic: 'orders', partition: '0' } })
    expect(readings).toContainEqual({ name: 'ready', value: 0 })
  })
})

test('a catalog that can not be reached is the reason, with the time since when, until it answers again', async () => {
  await w.write(orders, 0n, [batch(0n, 3)])
  await w.clock.advanceBy(60_000)
  await serve(async (processor) => {
    await w.clock.sleep(1000)
    w.faults.catalog = () => new WorkError('the catalog is down', { retry: 'later' })
    await w.write(orders, 3n, [batch(3n, 3)])
    await w.clock.sleep(300_000)
    const { ready: isReady, reasons } = ready(processor)
    expect(isReady).toBe(false)
    expect(reasons.map(({ reason }) => reason).join('\n')).toMatch(/failed \d+ times in a row/)
    expect(reasons.map(({ reason }) => reason).join('\n')).toMatch(/segments wait, and nothing was committed for \d+ s/)
    w.faults.catalog = () => 'none'
    await w.clock.sleep(120_000)
    expect(ready(processor)).toEqual({ ready: true, reasons: [], notes: [] })
  })
})

test('of more topic-partitions than have series of their own, the rest of each table is one', () => {
  const partitions = Array.from({ length: 5 }, (_, partition) =>
    partitionLag({ topic: 't', partition, offsets: 10n, segments: 2, bytes: 100, oldestMs: 1_000_000 - partition * 1000 }),
  )
  const health = documentHealth(['t', 'u'].map((table) => tableHealth({ table, partitions })))
  const readings = [...healthReadings(health, 1_000_000, 3)].filter(({ name }) => name === 'lag_offsets' || name === 'lag_seconds')
  const labels = { table: 't', topic: 'other', partition: 'other' }
  expect(readings).toHaveLength(2 * 5)
  expect(readings).toContainEqual({ name: 'lag_offsets', value: 20, labels })
  expect(readings).toContainEqual({ name: 'lag_seconds', value: 4, labels })
  expect(readings).toContainEqual({ name: 'lag_offsets', value: 50, labels: { ...labels, table: 'u' } })
})
