import { describe, expect, test } from 'vitest'
import { currentSnapshot } from '../../../src/formats/iceberg/table-metadata.ts'
import { snapshotSummary } from '../../../src/formats/iceberg/snapshot-summary.ts'
import { readManifestList, writeManifestList } from '../../../src/formats/iceberg/manifest-list.ts'
import type { ProcessorSeams } from '../../../src/service/feed/processor-seams.ts'
import { batch, record } from './segments.ts'
import { namespace, rowsOf, world, type World } from './world.ts'

const orders = { topic: 'orders', partition: 0 } as const
const other = { topic: 'orders', partition: 1 } as const
const table = { namespace, name: 'orders' }

/** Runs a processor until `during` has ended and what it holds is committed. */
function serve(
  w: World,
  during: () => Promise<void>,
  change?: (document: { spec: Record<string, unknown> & { source: Record<string, unknown> } }) => void,
  seams?: Partial<ProcessorSeams>,
) {
  const stop = new AbortController()
  return w.clock.run(async () => {
    const done = w.processor(change as never, seams).run(false, stop.signal)
    await during()
    stop.abort()
    return done
  })
}

/** A source whose answers to GETs of one partition take their time. */
function slowSource(w: World, partition: number, ms: number): Partial<ProcessorSeams> {
  return {
    source: {
      ...w.source,
      get: async (key, options) => {
        if (key.includes(`/${partition}/`)) await w.clock.sleep(ms)
        return w.source.get(key, options)
      },
    },
  }
}

/** Appends an empty snapshot of somebody else. */
async function appendForeign(w: World): Promise<void> {
  const metadata = await w.table('orders')
  const parent = currentSnapshot(metadata)
  const id = 4_000_000n + metadata['last-sequence-number']
  const sequenceNumber = metadata['last-sequence-number'] + 1n
  const parentSnapshotId = parent?.['snapshot-id'] ?? null
  const list = `s3://warehouse/foreign-${id}.avro`
  const manifests = parent === null ? [] : readManifestList(await w.io.read(parent['manifest-list'])).manifests
  await w.io.write(list, [
    writeManifestList({ manifests, snapshotId: id, parentSnapshotId, sequenceNumber, formatVersion: 2, syncMarker: new Uint8Array(16) }),
  ])
  const snapshot = {
    'snapshot-id': id,
    ...(parentSnapshotId === null ? {} : { 'parent-snapshot-id': parentSnapshotId }),
    'sequence-number': sequenceNumber,
    'timestamp-ms': w.clock.now(),
    'manifest-list': list,
    summary: snapshotSummary({ operation: 'append', parent, added: [], removed: [], extra: {} }),
    'schema-id': 0,
  }
  const outcome = await w.catalog.commitTable(table, {
    requirements: [],
    updates: [
      { action: 'add-snapshot', snapshot },
      { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': id },
    ],
    idempotencyKey: 'x',
  })
  expect(outcome.kind).toBe('committed')
}

describe('what comes back while something else is going on is not lost', () => {
  test('a result that arrives during a commit is committed with the next one', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.clock.advanceBy(60_000)
    w.faults.catalog = async ({ kind }) => {
      if (kind === 'commit') await w.clock.sleep(30_000)
      return 'none' as const
    }
    const during = async () => {
      await w.clock.sleep(60_000)
      await w.write(other, 0n, [batch(0n, 2)])
      await w.clock.sleep(400_000)
      expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 3), ...rowsOf(other, 0, 2)])
    }
    expect(await serve(w, during, undefined, slowSource(w, 0, 140_000))).toBe(true)
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 3), ...rowsOf(other, 0, 2)])
  })

  test('a result that waits for its commit survives the start mark of another partition', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.clock.advanceBy(60_000)
    const during = async () => {
      await w.clock.sleep(10_000)
      await w.write(orders, 3n, [batch(3n, 2)])
      await w.clock.sleep(170_000)
      await w.write(orders, 5n, [batch(5n, 2)])
      await w.write(other, 9n, [batch(9n, 4)])
      await w.clock.sleep(400_000)
    }
    expect(await serve(w, during, (document) => (document.spec.source.startAt = '2030-01-01T00:00:00Z'))).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 3, 7))
  })
})

describe('startAt', () => {
  test('latest commits where a partition begins at once, and what comes later becomes rows', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.write(orders, 3n, [batch(3n, 3)])
    await w.clock.advanceBy(60_000)
    const latest = (document: { spec: { source: { startAt?: string } } }) => (document.spec.source.startAt = 'latest')
    expect(await w.runOnce(latest as never)).toBe(true)
    expect(await w.rows('orders')).toEqual([])
    expect(currentSnapshot(await w.table('orders'))!.summary['kafscale.processor.progress']).toBe(
      '{"s3://segments/p/":{"orders":{"0":[[6,6]]}}}',
    )
    await w.write(orders, 6n, [batch(6n, 2)])
    expect(await w.runOnce(latest as never)).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 6, 8))
  })

  test('latest leaves out nothing of a partition that came later, whether its records come while somebody runs or between two runs', async () => {
    const w = world()
    const latest = (document: { spec: { source: { startAt?: string } } }) => (document.spec.source.startAt = 'latest')
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.clock.advanceBy(60_000)
    expect(await w.runOnce(latest as never)).toBe(true)
    expect(w.linesOf('info', 'begun where startAt says; what lies before is left out')).toMatchObject([
      { fields: { starts: 'orders/0 at 3' } },
    ])
    await w.write(other, 0n, [batch(0n, 4)])
    await w.clock.advanceBy(60_000)
    expect(await w.runOnce(latest as never)).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(other, 0, 4))
    const third = { topic: 'orders', partition: 2 }
    const during = async () => {
      await w.clock.sleep(10_000)
      await w.write(third, 0n, [batch(0n, 2)])
      await w.write(third, 2n, [batch(2n, 2)])
      await w.clock.sleep(400_000)
    }
    expect(await serve(w, during, latest as never)).toBe(true)
    expect(await w.rows('orders')).toEqual([...rowsOf(other, 0, 4), ...rowsOf(third, 0, 4)])
  })

  test('latest leaves out nothing of a topic that comes while somebody runs, and what there was before of one that was there', async () => {
    const w = world()
    const latest = (document: { spec: { source: { startAt?: string } } }) => (document.spec.source.startAt = 'latest')
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.clock.advanceBy(60_000)
    const late = { topic: 'late', partition: 0 }
    const during = async () => {
      await w.clock.sleep(10_000)
      await w.write(late, 0n, [batch(0n, 2)])
      await w.write(late, 2n, [batch(2n, 2)])
      await w.clock.sleep(400_000)
    }
    expect(await serve(w, during, latest as never)).toBe(true)
    expect(await w.rows('late')).toEqual(rowsOf(late, 0, 4))
    expect(await w.rows('orders')).toEqual([])
  })

  test('latest waits for a partition that was there and is not ready while others of its topic begin', async () => {
    const w = world()
    const latest = (document: { spec: { source: { startAt?: string } } }) => (document.spec.source.startAt = 'latest')
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.clock.advanceBy(60_000)
    await w.write(other, 0n, [batch(0n, 4)])
    expect(await w.runOnce(latest as never)).toBe(true)
    expect(await w.rows('orders')).toEqual([])
  })

  test('latest begins in a newest segment that is damaged behind what the one before has, which counts where both have an offset', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 6)])
    await w.write(orders, 4n, [new Uint8Array(80)])
    await w.clock.advanceBy(60_000)
    const latest = (document: { spec: { source: { startAt?: string } } }) => (document.spec.source.startAt = 'latest')
    expect(await w.runOnce(latest as never)).toBe(false)
    await w.write(orders, 4n, [batch(4n, 5)])
    await w.clock.advanceBy(60_000)
    expect(await w.runOnce(latest as never)).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 6, 9))
  })

  test('latest begins within a newest segment that is damaged, so that nothing is passed over when it is mended', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 3)])
    const whole = Buffer.concat([batch(3n, 2), batch(5n, 2)])
    await w.write(orders, 3n, [whole.subarray(0, whole.length - 1)])
    await w.clock.advanceBy(60_000)
    const latest = (document: { spec: { source: { startAt?: string } } }) => (document.spec.source.startAt = 'latest')
    expect(await w.runOnce(latest as never)).toBe(false)
    await w.write(orders, 3n, [whole])
    await w.write(orders, 7n, [batch(7n, 2)])
    await w.clock.advanceBy(60_000)
    expect(await w.runOnce(latest as never)).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 5, 9))
  })

  test('an ISO time begins at the first record of that time', async () => {
    const w = world()
    const timed = (base: bigint, ...seconds: number[]) =>
      batch(
        base,
        seconds.map((s) => record('x', { timestampMs: BigInt(Date.UTC(2026, 0, 1, 0, 0, s)) })),
      )
    await w.write(orders, 0n, [timed(0n, 1, 2, 3)])
    await w.clock.advanceBy(30_000)
    await w.write(orders, 3n, [timed(3n, 10, 20, 30)])
    await w.clock.advanceBy(60_000)
    const at = (document: { spec: { source: { startAt?: string } } }) => (document.spec.source.startAt = '2026-01-01T00:00:15Z')
    expect(await w.runOnce(at as never)).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 4, 6))
  })
})

describe('keep-alive', () => {
  const progressOf = async (w: World) => currentSnapshot(await w.table('orders'))?.summary['kafscale.processor.progress']

  test('when others have committed since, an empty snapshot carries the progress again', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.runOnce()
    const during = async () => {
      await w.clock.sleep(60_000)
      await appendForeign(w)
      expect(await progressOf(w)).toBeUndefined()
      await w.clock.sleep(2 * 3_600_000)
    }
    expect(await serve(w, during)).toBe(true)
    expect(await progressOf(w)).toBe('{"s3://segments/p/":{"orders":{"0":[[0,3]]}}}')
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 3))
  })

  test('at the start, too: a process that is started every day and finds nothing new keeps the table alive', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.runOnce()
    await appendForeign(w)
    await w.runOnce()
    expect(await progressOf(w)).toBe('{"s3://segments/p/":{"orders":{"0":[[0,3]]}}}')
  })

  test('when ours comes of age, and not before', async () => {
    const w = world({ propertiesInCommit: true, forbiddenProperties: [], snapshotExpiryMs: 40 * 3_600_000 })
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.runOnce()
    const snapshots = async () => (await w.table('orders')).snapshots?.length
    const during = async () => {
      await w.clock.sleep(9 * 3_600_000)
      expect(await snapshots()).toBe(1)
      await w.clock.sleep(3 * 3_600_000)
      expect(await snapshots()).toBe(2)
    }
    expect(await serve(w, during)).toBe(true)
    expect(await progressOf(w)).toBe('{"s3://segments/p/":{"orders":{"0":[[0,3]]}}}')
  })
})

describe('failures that may pass', () => {
  test('are tried again, and everything arrives', async () => {
    const { WorkError } = await import('../../../src/model/failure.ts')
    const w = world()
    for (let base = 0n; base < 20n; base += 4n) await w.write(orders, base, [batch(base, 4)])
    let failures = 0
    w.faults.store = (operation) => (operation === 'get' && failures++ < 1 ? new WorkError('busy', { retry: 'later' }) : undefined)
    expect(await w.runOnce()).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 20))
    expect(w.linesOf('warn', 'work failed and is tried again')).toMatchObject([
      { fields: { table: 'orders', step: 'task', error: { message: 'busy' } } },
    ])
  })

  test('that do not pass end once with false, and name the reason', async () => {
    const { WorkError } = await import('../../../src/model/failure.ts')
    const w = world()
    await w.write(orders, 0n, [batch(0n, 4)])
    w.faults.store = (operation) => (operation === 'get' ? new WorkError('busy', { retry: 'later' }) : undefined)
    expect(await w.runOnce()).toBe(false)
    expect(w.linesOf('error')).toMatchObject([{ message: 'table stopped', fields: { table: 'orders', error: { message: 'busy' } } }])
  })

  test('of commits are paused for, and end once with false after five in a row', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 4)])
    const times: number[] = []
    const catalog = {
      ...w.catalog,
      commitTable: async () => {
        times.push(w.clock.now())
        return { kind: 'refused', reason: 'not now' } as const
      },
    }
    expect(await w.clock.run(() => w.processor(undefined, { catalog }).run(true, new AbortController().signal))).toBe(false)
    expect(times.slice(1).map((time, i) => time - times[i])).toEqual([1000, 2000, 4000, 8000])
    expect(w.linesOf('error')).toMatchObject([
      { fields: { error: { message: 'table analytics.orders: the catalog refused the commit: not now' } } },
    ])
  })

  test('a segment written again between listing and reading is listed again', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 4)])
    await w.clock.advanceBy(60_000)
    let rewritten = false
    const source = {
      ...w.source,
      get: async (...asked: Parameters<typeof w.source.get>) => {
        if (!rewritten) await w.write(orders, 0n, [batch(0n, 6)])
        rewritten = true
        return w.source.get(...asked)
      },
    }
    expect(await w.clock.run(() => w.processor(undefined, { source }).run(true, new AbortController().signal))).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 6))
  })
})

test('a rollback under way stops the table and no row is added twice', async () => {
  const w = world()
  await w.write(orders, 0n, [batch(0n, 3)])
  await w.runOnce()
  const [first] = (await w.table('orders')).snapshots!
  await w.write(orders, 3n, [batch(3n, 3)])
  await w.runOnce()
  await w.catalog.commitTable(table, {
    requirements: [],
    updates: [{ action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': first['snapshot-id'] }],
    idempotencyKey: 'x',
  })
  await w.write(orders, 6n, [batch(6n, 1)])
  expect(await w.runOnce()).toBe(false)
  expect(w.linesOf('error')).toMatchObject([
    { message: 'table stopped', fields: { error: { message: expect.stringContaining('orders/0 [3, 6)') } } },
  ])
  expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 3))
})

test('a clock that is set back stops nothing: what comes is planned and committed, and new topics are found', async () => {
  const w = world()
  let skewMs = 0
  const clock = { now: () => w.clock.now() + skewMs, sleep: w.clock.sleep }
  await w.write(orders, 0n, [batch(0n, 3)])
  await w.clock.advanceBy(60_000)
  const during = async () => {
    await w.clock.sleep(300_000)
    skewMs = -6 * 3_600_000
    await w.write(orders, 3n, [batch(3n, 3)])
    await w.write({ topic: 'late', partition: 0 }, 0n, [batch(0n, 2)])
    await w.clock.sleep(300_000)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 6))
    expect(await w.rows('late')).toEqual(rowsOf({ topic: 'late', partition: 0 }, 0, 2))
  }
  expect(await serve(w, during, undefined, { clock })).toBe(true)
})
