import { expect, test } from 'vitest'
import { WorkError } from '../../../src/model/failure.ts'
import { readinessOf } from '../../../src/model/readiness.ts'
import { healthReadings } from '../../../src/service/feed/health-readings.ts'
import type { Processor } from '../../../src/service/feed/processor.ts'
import { batch } from './segments.ts'
import { rowsOf, world, type World } from './world.ts'

const events = { topic: 'events_v1', partition: 0 } as const
const stranger = { topic: 'Events.V1', partition: 0 } as const
const clicks = { topic: 'clicks', partition: 0 } as const

/** Runs a service, of which nothing says where to `stranger` goes, until `during` has ended. */
function serve(w: World, during: (processor: Processor) => Promise<void>): Promise<boolean> {
  const stop = new AbortController()
  return w.clock.run(async () => {
    const processor = w.processor()
    const done = processor.run(false, stop.signal)
    await during(processor)
    stop.abort()
    return done
  })
}

function expectTold(w: World, processor: Processor): void {
  const { ready, reasons } = readinessOf([processor.health()], w.clock.now())
  expect(ready).toBe(false)
  expect(reasons).toMatchObject([
    {
      table: 'events_v1',
      ...stranger,
      reason: expect.stringMatching(/Events\.V1.*meet in table events_v1, and the table goes on with events_v1 alone: Events\.V1 left out/),
    },
  ])
  expect(reasons[0].reason).toContain('{topic: "Events.V1", table: a_name_of_its_own}')
  const readings = [...healthReadings(processor.health(), w.clock.now())]
  expect(readings).toContainEqual({ name: 'partitions_stopped', value: 1, labels: { table: 'events_v1' } })
  expect(readings).toContainEqual({ name: 'ready', value: 0 })
  expect(w.linesOf('error')).toMatchObject([
    { message: 'topics left out', fields: { table: 'events_v1', topics: ['Events.V1'], reason: reasons[0].reason } },
  ])
}

test('a topic that appears and meets another is told as stopped as long as it is there, and all others go on, new ones too', async () => {
  const w = world()
  await w.write(events, 0n, [batch(0n, 2)])
  await serve(w, async (processor) => {
    await w.clock.sleep(100_000)
    const key = await w.write(stranger, 0n, [batch(0n, 9)])
    await w.write(clicks, 0n, [batch(0n, 3)])
    await w.write(events, 2n, [batch(2n, 2)])
    await w.clock.sleep(200_000)
    expectTold(w, processor)
    const since = processor.health().tables.flatMap(({ partitions }) => partitions.flatMap(({ stopped }) => stopped?.sinceMs ?? []))
    expect(since[0]).toBeLessThan(w.clock.now() - 100_000)
    for (const name of [key, key.replace(/kfs$/, 'index')]) await w.source.remove(name)
    await w.clock.sleep(100_000)
    expect(readinessOf([processor.health()], w.clock.now())).toEqual({ ready: true, reasons: [], notes: [] })
  })
  expect(await w.rows('events_v1')).toEqual(rowsOf(events, 0, 4))
  expect(await w.rows('clicks')).toEqual(rowsOf(clicks, 0, 3))
})

test('a start goes on with the topic that the table has progress of, and leaves out the other', async () => {
  const w = world()
  await w.write(events, 0n, [batch(0n, 2)])
  expect(await w.runOnce()).toBe(true)
  await w.write(stranger, 0n, [batch(0n, 9)])
  await w.write(events, 2n, [batch(2n, 2)])
  await w.write(clicks, 0n, [batch(0n, 3)])
  await serve(w, async (processor) => {
    await w.clock.sleep(100_000)
    expectTold(w, processor)
  })
  expect(await w.runOnce()).toBe(false)
  expect(await w.rows('events_v1')).toEqual(rowsOf(events, 0, 4))
  expect(await w.rows('clicks')).toEqual(rowsOf(clicks, 0, 3))
})

test('a start that finds both before there is a table feeds neither, and all others; with a mapping both are fed', async () => {
  const w = world()
  for (const at of [events, stranger, clicks]) await w.write(at, 0n, [batch(0n, 3)])
  await serve(w, async (processor) => {
    await w.clock.sleep(100_000)
    const { reasons } = readinessOf([processor.health()], w.clock.now())
    expect(reasons).toMatchObject([
      { table: 'events_v1', ...stranger, reason: expect.stringContaining('none of them goes into it') },
      { table: 'events_v1', ...events },
    ])
    const stopped = { name: 'partitions_stopped', value: 2, labels: { table: 'events_v1' } }
    expect([...healthReadings(processor.health(), w.clock.now())]).toContainEqual(stopped)
  })
  expect(await w.rows('clicks')).toEqual(rowsOf(clicks, 0, 3))
  await expect(w.table('events_v1')).rejects.toThrow('there is no table')
  const mapped = await w.runOnce((document) => {
    document.spec.mappings = [{ topic: 'Events.V1', table: 'others', value: { format: 'binary' } }, ...(document.spec.mappings as [])]
  })
  expect(mapped).toBe(true)
  expect(await w.rows('events_v1')).toEqual(rowsOf(events, 0, 3))
  expect(await w.rows('others')).toEqual(rowsOf(stranger, 0, 3))
})

test('while the catalog does not say what the table has, neither topic goes into it', async () => {
  const w = world()
  await w.write(events, 0n, [batch(0n, 2)])
  await w.runOnce()
  await w.write(stranger, 0n, [batch(0n, 9)])
  await w.write(events, 2n, [batch(2n, 2)])
  w.faults.catalog = () => new WorkError('the catalog is down', { retry: 'later' })
  await serve(w, async (processor) => {
    await w.clock.sleep(100_000)
    expect(processor.health().tables.flatMap(({ partitions }) => partitions.map(({ topic }) => topic))).toEqual(['Events.V1', 'events_v1'])
    w.faults.catalog = () => 'none'
    await w.clock.sleep(100_000)
  })
  expect(await w.rows('events_v1')).toEqual(rowsOf(events, 0, 4))
})
