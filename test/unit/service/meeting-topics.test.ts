import { describe, expect, test } from 'vitest'
import { currentSchema } from '../../../src/formats/iceberg/table-metadata.ts'
import { WorkError } from '../../../src/model/failure.ts'
import { readinessOf } from '../../../src/model/readiness.ts'
import { healthReadings } from '../../../src/service/feed/health-readings.ts'
import type { Processor } from '../../../src/service/feed/processor.ts'
import { Backfiller } from '../../../src/service/backfill/backfiller.ts'
import { pauseTopics } from '../../../src/service/feed/pause-topics.ts'
import { recoverDocument } from '../../../src/service/recover/recovery.ts'
import { documentOutlook } from '../../../src/service/status/table-outlook.ts'
import { documentStatus, isStopped } from '../../../src/service/status/status.ts'
import { inProcessQueue } from '../../../src/drivers/queue/in-process.ts'
import { carryOut } from '../../../src/service/tasks/worker.ts'
import type { TaskResult } from '../../../src/pipeline/flow.ts'
import type { TablePayload } from '../../../src/service/tasks/task-payload.ts'
import type { Plain } from '../spec/documents.ts'
import { documentOf, planned, source } from './outlooks.ts'
import { batch } from './segments.ts'
import { namespace, rowsOf, world, type World } from './world.ts'

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
  expect(readings).toContainEqual({ name: 'lag_segments', value: 1, labels: { table: 'events_v1', topic: 'Events.V1', partition: '0' } })
  const age = readings.find(({ name, labels }) => name === 'lag_seconds' && labels?.topic === 'Events.V1')!.value
  expect(age).toBeGreaterThan(60)
  expect(w.seams.meter.totals().get('partitions.stopped')).toBe(1)
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

describe('a topic whose table has another one, of which the source has nothing any more,', () => {
  const gone = async (w: World) => {
    for (const key of w.source.keys().filter((one) => one.startsWith('p/events_v1/'))) await w.source.remove(key)
  }

  test('is left out by a service that runs, and by one that starts; the table goes on when its own is back', async () => {
    const w = world()
    await w.write(events, 0n, [batch(0n, 2)])
    await serve(w, async (processor) => {
      await w.clock.sleep(100_000)
      await gone(w)
      await w.clock.sleep(100_000)
      await w.write(stranger, 0n, [batch(0n, 9)])
      await w.clock.sleep(200_000)
      expectTold(w, processor)
    })
    expect(await w.runOnce()).toBe(false)
    const later = world()
    await later.write(events, 0n, [batch(0n, 2)])
    expect(await later.runOnce()).toBe(true)
    await gone(later)
    await later.write(stranger, 0n, [batch(0n, 9)])
    await serve(later, async (processor) => {
      await later.clock.sleep(200_000)
      expectTold(later, processor)
      await later.write(events, 2n, [batch(2n, 2)])
      await later.clock.sleep(200_000)
      expectTold(later, processor)
    })
    for (const [one, rows] of [
      [w, 2],
      [later, 4],
    ] as const)
      expect(await one.rows('events_v1')).toEqual(rowsOf(events, 0, rows))
  })

  test('goes on where it has rows there already', async () => {
    const w = world()
    await w.write(stranger, 0n, [batch(0n, 2)])
    expect(await w.runOnce()).toBe(true)
    await w.write(stranger, 2n, [batch(2n, 2)])
    expect(await w.runOnce()).toBe(true)
    expect(await w.rows('events_v1')).toEqual(rowsOf(stranger, 0, 4))
  })

  test('is told by status and plan, and has no history brought', async () => {
    const w = world()
    await w.write(events, 0n, [batch(0n, 2)])
    expect(await w.runOnce()).toBe(true)
    await gone(w)
    await w.write(stranger, 0n, [batch(0n, 9)])
    const { tables } = await documentStatus(documentOf(whole), source, w.seams)
    expect(tables).toMatchObject([
      { table: 'analytics.events_v1', stopped: null, leftOut: { topics: ['Events.V1'] }, partitions: [{ ...events, stopped: null }, { ...stranger, stopped: leftOut }] }, // prettier-ignore
    ])
    expect((await planned(w, whole)).tables).toMatchObject([
      { stopped: leftOut, stops: [{ ...stranger, message: leftOut }], work: { segments: 0 } },
    ])
    await expect(openBackfill(w, 'Events.V1')).rejects.toThrow(/the table goes on with events_v1 alone: Events\.V1 left out/)
  })
})

const whole = (d: Plain) => (d.spec.mappings = [{ topic: '*', value: { format: 'binary' } }])
const leftOut = expect.stringContaining('the table goes on with events_v1 alone: Events.V1 left out') as string
const seamsOf = (w: World) => ({ ...w.seams, queue: inProcessQueue<TablePayload, TaskResult>(), carryOut })
const openBackfill = (w: World, topic: string) => Backfiller.open(documentOf(whole), topic, { kind: 'live' }, {}, source, seamsOf(w))

describe('while topics meet', () => {
  async function meeting(): Promise<World> {
    const w = world()
    await w.write(events, 0n, [batch(0n, 2)])
    expect(await w.runOnce()).toBe(true)
    await w.write(stranger, 0n, [batch(0n, 9)])
    await w.write(events, 2n, [batch(2n, 2)])
    await w.write(clicks, 0n, [batch(0n, 3)])
    return w
  }

  test('status shows all tables, and what is left out and waits', async () => {
    const status = await documentStatus(documentOf(whole), source, (await meeting()).seams)
    expect(status.tables).toMatchObject([
      {
        table: 'analytics.events_v1',
        stopped: null,
        leftOut: { topics: ['Events.V1'], reason: leftOut },
        partitions: [
          { ...events, next: 2n, lagSegments: 1, stopped: null },
          { ...stranger, next: null, lagSegments: 1, stopped: leftOut },
        ],
      },
      { table: 'analytics.clicks', leftOut: null },
    ])
    expect(isStopped(status)).toBe(true)
  })

  test('and none has the table yet, status and plan say that neither goes into it', async () => {
    const w = world()
    for (const at of [events, stranger, clicks]) await w.write(at, 0n, [batch(0n, 3)])
    const none = expect.stringContaining('none of them goes into it') as string
    const { tables } = await documentStatus(documentOf(whole), source, w.seams)
    const told = tables.find(({ table }) => table === 'analytics.events_v1')
    expect(told).toMatchObject({
      exists: false,
      leftOut: { reason: none },
      partitions: [
        { ...stranger, stopped: none },
        { ...events, stopped: none },
      ],
    })
    const plan = await planned(w, whole)
    expect(plan.tables.map(({ table, stopped, work }) => [table, stopped !== null, work.segments])).toEqual([
      ['analytics.clicks', false, 1],
      ['analytics.events_v1', true, 0],
    ])
    expect((await documentOutlook(documentOf(whole), undefined, source, w.seams)).tableNames).toEqual(['analytics.clicks'])
  })

  test('plan plans the others, and says what is left out', async () => {
    const { tables } = await planned(await meeting(), whole)
    expect(tables).toMatchObject([
      { table: 'analytics.events_v1', stopped: null, work: { segments: 1 }, stops: [{ ...stranger, message: leftOut }] },
      { table: 'analytics.clicks', work: { segments: 1 }, stops: [] },
    ])
  })

  test('a topic that has its table is paused, backfilled and recovered; one that is left out is refused by name', async () => {
    const w = await meeting()
    const { tables } = await pauseTopics(documentOf(whole), 'pause', undefined, source, w.seams)
    expect(tables).toMatchObject([
      { table: 'analytics.events_v1', topics: ['events_v1'], paused: ['events_v1'], problem: null },
      { table: 'analytics.clicks', problem: null },
      { table: 'analytics.events_v1', topics: ['Events.V1'], changed: false, problem: leftOut },
    ])
    expect((await openBackfill(w, 'events_v1'))?.backfills).toEqual([])
    await expect(openBackfill(w, 'Events.V1')).rejects.toThrow(/the table goes on with events_v1 alone: Events\.V1 left out/)
    const options = { from: 'rows', table: null, exact: false, passed: null, commit: false, progress: () => undefined } as const
    const { tables: recovered } = await recoverDocument(documentOf(whole), source, w.seams, options)
    expect(recovered.map(({ table, problem }) => [table, problem])).toEqual([
      ['analytics.events_v1', null],
      ['analytics.clicks', null],
    ])
  })
})

/** As another engine does it: what was written for the schema before does not fit any more. */
async function addColumn(w: World): Promise<void> {
  const metadata = await w.table('events_v1')
  const id = metadata['last-column-id'] + 1
  const fields = [...currentSchema(metadata).fields, { id, name: 'more', type: 'string' as const, required: false }]
  const updates = [
    { action: 'add-schema' as const, schema: { ...currentSchema(metadata), 'schema-id': 1, fields }, 'last-column-id': id },
    { action: 'set-current-schema' as const, 'schema-id': -1 },
  ]
  await w.catalog.commitTable({ namespace, name: 'events_v1' }, { requirements: [], updates, idempotencyKey: '' })
}

test('a table is opened again though its topics are gone from the source', async () => {
  const w = world()
  await w.write(events, 0n, [batch(0n, 2)])
  await serve(w, async (processor) => {
    await w.clock.sleep(100_000)
    for (const key of w.source.keys()) await w.source.remove(key)
    await w.clock.sleep(100_000)
    await addColumn(w)
    // Who has nothing to do looks at the table once an hour.
    await w.clock.sleep(2 * 3_600_000)
    expect(processor.health().tables.map(({ stopped }) => stopped)).toEqual([null])
    await w.write(events, 2n, [batch(2n, 2)])
    await w.clock.sleep(200_000)
  })
  expect(w.linesOf('info', 'table opened again')).toHaveLength(1)
  expect(await w.rows('events_v1')).toEqual(rowsOf(events, 0, 4))
})
