import { expect, test } from 'vitest'
import { comparablePath } from '../../../src/formats/iceberg/comparable-path.ts'
import { liveEntries, manifestsOf } from '../../../src/pipeline/maintain/unreached-files.ts'
import type { Plain } from '../spec/documents.ts'
import { at, batch } from './segments.ts'
import { rowsOf, type World, world } from './world.ts'

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
