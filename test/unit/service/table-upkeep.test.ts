import { expect, test } from 'vitest'
import { comparablePath } from '../../../src/formats/iceberg/comparable-path.ts'
import { liveEntries, manifestsOf } from '../../../src/pipeline/maintain/unreached-files.ts'
import { load, type Plain, smallest } from '../spec/documents.ts'
import { at, batch, record } from './segments.ts'
import { documentStatus } from '../../../src/service/status/status.ts'
import { summaryKeys } from '../../../src/pipeline/commit/summary-keys.ts'
import { namespace, rowsOf, sourceId, type World, world } from './world.ts'

const minuteMs = 60_000

function keepsFew(document: Plain): void {
  document.spec.maintenance = { expiry: { maxSnapshots: 8, minSnapshots: 2 } }
}

/** A service for `minutes`, with a segment each minute. */
async function serve(made: World, minutes: number, ...how: Parameters<World['processor']>): Promise<boolean> {
  const stop = new AbortController()
  return made.clock.run(async () => {
    const running = made.processor(...how).run(false, stop.signal)
    for (let i = 0; i < minutes; i++) {
      await made.write(at, BigInt(i), [batch(BigInt(i), 1)])
      await made.clock.sleep(minuteMs)
    }
    await made.clock.sleep(5 * minuteMs)
    stop.abort()
    return running
  })
}

async function namedFiles({ table, io }: World): Promise<string[]> {
  const paths = new Set<string>()
  for (const snapshot of (await table('orders')).snapshots ?? []) {
    paths.add(snapshot['manifest-list'])
    for (const manifest of await manifestsOf(snapshot, io)) {
      paths.add(manifest.manifestPath)
      for (const { dataFile } of await liveEntries(manifest, io)) paths.add(dataFile.filePath)
    }
  }
  return [...paths].map(comparablePath).toSorted()
}

test('a service keeps the history of its tables short, and leaves no file behind that nothing names', async () => {
  const made = world()
  expect(await serve(made, 60, keepsFew)).toBe(true)
  expect(await made.rows('orders')).toEqual(rowsOf(at, 0, 60))
  // Between two looks there are ten commits.
  expect((await made.table('orders')).snapshots!.length).toBeLessThanOrEqual(18)
  expect(await namedFiles(made)).toEqual(
    made.warehouse
      .keys()
      .map((key) => `/${key}`)
      .toSorted(),
  )
  expect(made.linesOf('info', 'snapshots expired').length).toBeGreaterThan(2)
  const totals = made.seams.meter.totals()
  expect(totals.get('upkeep.snapshots.expired')).toBeGreaterThan(40)
  expect(totals.get('upkeep.files.removed')).toBeGreaterThan(40)
})

test('a service that was told to leave the history alone does', async () => {
  const made = world()
  await serve(made, 30, (document) => {
    document.spec.maintenance = { expiry: { maxSnapshots: 8, minSnapshots: 2, enabled: false } }
  })
  expect((await made.table('orders')).snapshots!.length).toBeGreaterThan(25)
})

test('a run with once keeps it short at its end', async () => {
  const made = world()
  for (let i = 0; i < 12; i++) {
    await made.write(at, BigInt(i), [batch(BigInt(i), 1)])
    await made.clock.advanceBy(minuteMs)
    expect(await made.runOnce(keepsFew)).toBe(true)
  }
  expect((await made.table('orders')).snapshots!.length).toBeLessThanOrEqual(8)
})

test('upkeep that fails is told, and the table is fed all the same', async () => {
  const made = world()
  const failing = { ...made.io, remove: () => Promise.reject(new Error('no')) }
  const catalog = {
    ...made.catalog,
    commitTable: (...[table, request]: Parameters<typeof made.catalog.commitTable>) =>
      request.updates.some(({ action }) => action === 'remove-snapshots')
        ? Promise.reject(new TypeError('a bug'))
        : made.catalog.commitTable(table, request),
  }
  expect(await serve(made, 30, keepsFew, { io: failing, catalog })).toBe(true)
  expect(await made.rows('orders')).toEqual(rowsOf(at, 0, 30))
  expect(made.linesOf('error', 'upkeep failed unexpectedly and is tried again later').length).toBeGreaterThan(0)
  expect(made.seams.meter.totals().get('upkeep.expiry.failed')).toBeGreaterThan(0)
})

test.each([
  ['is not done again that day by a service that was started anew', true, [1, 1, 2]],
  ['is, where the catalog keeps no such note', false, [1, 2, 3]],
])('what is done once a day %s', async (_what, propertiesInCommit, expected) => {
  const made = world({ propertiesInCommit, forbiddenProperties: [] })
  const sweeps = (document: Plain) => (document.spec.maintenance = { orphans: { enabled: true } })
  const orphansOf = async () => {
    const { tables } = await documentStatus(
      load(smallest((plain) => ((plain.spec.source.topics = ['*']), (plain.spec.sink = { database: namespace[0] }), sweeps(plain)))),
      { id: sourceId, prefix: 'p/' },
      made.seams,
    )
    return tables[0].upkeep.find(({ kind }) => kind === 'orphans')!
  }
  const done: (number | undefined)[] = []
  const told: (readonly [boolean, string])[] = []
  for (const [i, hours] of [0, 5, 20].entries()) {
    await made.clock.advanceBy(hours * 60 * minuteMs)
    await made.write(at, BigInt(i), [batch(BigInt(i), 1)])
    if (i === 0) expect(await made.runOnce()).toBe(true)
    const { due, reason } = await orphansOf()
    told.push([due, reason])
    await made.write(at, BigInt(10 + i), [batch(BigInt(10 + i), 1)])
    expect(await made.runOnce(sweeps)).toBe(true)
    done.push(made.seams.meter.totals().get('upkeep.orphans.done'))
  }
  expect(done).toEqual(expected)
  const unknown = [false, 'once a day; when it was last, the running service knows'] as const
  expect(told).toEqual(
    propertiesInCommit
      ? [
          [true, 'once a day'],
          [false, 'done 5 h ago, once a day: again in 19 h'],
          [true, 'once a day, done 25 h ago'],
        ]
      : [unknown, unknown, unknown],
  )
})

test('a note that can not be written is told, and one that can not be read is written anew', async () => {
  const made = world()
  const sweeps = (document: Plain) => (document.spec.maintenance = { orphans: { enabled: true } })
  await made.write(at, 0n, [batch(0n, 1)])
  expect(await made.runOnce()).toBe(true)
  const orders = { namespace, name: 'orders' }
  const updates = [{ action: 'set-properties', updates: { [summaryKeys.upkeep]: 'no JSON' } }] as const
  await made.catalog.commitTable(orders, { requirements: [], updates, idempotencyKey: '' })
  await made.write(at, 1n, [batch(1n, 1)])
  let refusals = 0
  const refusing: World['catalog'] = {
    ...made.catalog,
    commitTable: async (table, request) =>
      request.updates[0].action === 'set-properties' && refusals++ === 0
        ? { kind: 'refused', reason: 'not that one' }
        : made.catalog.commitTable(table, request),
  }
  const run = (seams: Parameters<World['processor']>[1]) =>
    made.clock.run(() => made.processor(sweeps, seams).run(true, new AbortController().signal))
  expect(await run({ catalog: refusing })).toBe(true)
  expect(made.linesOf('info', 'the table was not told when upkeep was done').map(({ fields }) => fields)).toEqual([
    { table: 'orders', upkeep: 'orphans', reason: 'not that one' },
  ])
  expect((await made.table('orders')).properties![summaryKeys.upkeep]).toBe('no JSON')
  await made.write(at, 2n, [batch(2n, 1)])
  expect(await run({})).toBe(true)
  const { properties } = await made.table('orders')
  const orphans = expect.stringMatching(/^2026-01-01T/) as string
  expect(JSON.parse(properties![summaryKeys.upkeep])).toEqual({ orphans, settings: { orphans: '72 h' } })
})

test('what is done once a day is done again at once for other settings, and what an older program noted holds for any', async () => {
  const made = world()
  const dayMs = 24 * 60 * minuteMs
  const keeps = (days: number, olderThanHours: number) => (document: Plain) =>
    (document.spec.maintenance = { retention: { by: 'kafka_timestamp', days }, orphans: { enabled: true, olderThanHours } })
  const done = () => ['retention', 'orphans'].map((kind) => made.seams.meter.totals().get(`upkeep.${kind}.done`))
  let next = 0
  const runWith = async (days: number, hours: number) => {
    const timestampMs = BigInt(made.clock.now() - 20 * dayMs)
    await made.write(at, BigInt(next), [batch(BigInt(next++), [record('v', { timestampMs })])])
    expect(await made.runOnce(keeps(days, hours))).toBe(true)
    return done()
  }
  expect(await runWith(30, 72)).toEqual([1, 1])
  expect(await runWith(30, 72)).toEqual([1, 1])
  expect(await runWith(30, 48)).toEqual([1, 2])
  expect(await made.rows('orders')).toEqual(rowsOf(at, 0, 3))
  expect(await runWith(10, 48)).toEqual([2, 2])
  expect(await made.rows('orders')).toEqual([])

  const { settings, ...times } = JSON.parse((await made.table('orders')).properties![summaryKeys.upkeep]) as Record<string, string>
  expect(settings).toEqual({ retention: 'kafka_timestamp, 10 days', orphans: '48 h' })
  const updates = [{ action: 'set-properties', updates: { [summaryKeys.upkeep]: JSON.stringify(times) } }] as const
  await made.catalog.commitTable({ namespace, name: 'orders' }, { requirements: [], updates, idempotencyKey: '' })
  expect(await runWith(5, 24)).toEqual([2, 2])
})

test('orphans are looked for in one table at a time, however many there are', async () => {
  const made = world()
  const topics = ['orders', 'clicks', 'events']
  let [underWay, atOnce] = [0, 0]
  const io: World['io'] = {
    ...made.io,
    async *list(directory) {
      atOnce = Math.max(atOnce, ++underWay)
      await made.clock.sleep(minuteMs)
      try {
        yield* made.io.list(directory)
      } finally {
        underWay--
      }
    },
  }
  const stop = new AbortController()
  await made.clock.run(async () => {
    for (const topic of topics) await made.write({ topic, partition: 0 }, 0n, [batch(0n, 1)])
    const running = made
      .processor((document) => (document.spec.maintenance = { orphans: { enabled: true } }), { io })
      .run(false, stop.signal)
    await made.clock.sleep(60 * minuteMs)
    stop.abort()
    expect(await running).toBe(true)
  })
  const swept = made.linesOf('info', 'orphans removed').map(({ fields }) => fields.table)
  expect(new Set(swept)).toEqual(new Set(topics))
  expect(atOnce).toBe(1)
})

test('a service that is asked to removes orphans, and one that is not leaves them', async () => {
  const stray = 's3://warehouse/analytics/orders/data/stray.parquet'
  for (const enabled of [true, false]) {
    const made = world()
    await made.io.write(stray, [new Uint8Array(10)])
    await made.clock.advanceBy(80 * 60 * minuteMs)
    expect(await serve(made, 15, (document) => (document.spec.maintenance = { orphans: { enabled, olderThanHours: 72 } }))).toBe(true)
    expect(made.warehouse.keys().includes('analytics/orders/data/stray.parquet')).toBe(!enabled)
    expect(made.seams.meter.totals().get('upkeep.orphans.done')).toBe(enabled ? 1 : undefined)
    expect(await made.rows('orders')).toEqual(rowsOf(at, 0, 15))
  }
})

test('neither rows are deleted nor snapshots expired by a clock that is more than a day ahead of the store of the source, and rows are once it is right again', async () => {
  const made = world()
  const dayMs = 24 * 60 * minuteMs
  const aged = (days: number) => record('v', { timestampMs: BigInt(made.clock.now() - days * dayMs) })
  await made.write(at, 0n, [batch(0n, [aged(20)])])
  expect(await made.runOnce()).toBe(true)
  await made.write(at, 1n, [batch(1n, [aged(5)])])
  expect(await made.runOnce()).toBe(true)
  await made.write(at, 2n, [batch(2n, [aged(0)])])
  const [first] = (await made.table('orders')).snapshots!
  let aheadMs = 100 * dayMs
  const clock = { ...made.clock, now: () => made.clock.now() + aheadMs }
  const stop = new AbortController()
  await made.clock.run(async () => {
    const keepsTenDays = (document: Plain) =>
      (document.spec.maintenance = { retention: { by: 'kafka_timestamp', days: 10 }, expiry: { minSnapshots: 1 } })
    const running = made.processor(keepsTenDays, { clock }).run(false, stop.signal)
    await made.clock.sleep(30 * minuteMs)
    expect(await made.rows('orders')).toEqual(rowsOf(at, 0, 3))
    expect((await made.table('orders')).snapshots![0]).toEqual(first)
    const told = made.linesOf('warn', 'upkeep failed and is tried again later')
    for (const upkeep of ['retention', 'expiry']) {
      const { error } = told.find(({ fields }) => fields.upkeep === upkeep)!.fields
      expect(String(error)).toContain('100.0 days ahead of the source')
    }
    aheadMs = 0
    await made.write(at, 3n, [batch(3n, 1)])
    await made.clock.sleep(30 * minuteMs)
    stop.abort()
    expect(await running).toBe(true)
  })
  expect(await made.rows('orders')).toEqual(rowsOf(at, 1, 4))
})
