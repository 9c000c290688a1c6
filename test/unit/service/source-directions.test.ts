import { beforeEach, describe, expect, test } from 'vitest'
import { readManifestList } from '../../../src/formats/iceberg/manifest-list.ts'
import { currentSnapshot } from '../../../src/formats/iceberg/table-metadata.ts'
import { withDecided } from '../../../src/model/progress.ts'
import { ancestorsOf, findTableState } from '../../../src/pipeline/commit/table-state.ts'
import { expirySettings } from '../../../src/pipeline/maintain/choose-expired.ts'
import { TableChanged } from '../../../src/service/feed/commit-loop.ts'
import { TableCommitter } from '../../../src/service/feed/committer.ts'
import { expireTable } from '../../../src/service/maintain/table-expirer.ts'
import type { Plain } from '../spec/documents.ts'
import { commitForeign, liveEntries } from './foreign-commit.ts'
import { batch } from './segments.ts'
import { verify } from './verifying.ts'
import { namespace, rowsOf, sourceId, type World, world } from './world.ts'

const orders = { topic: 'orders', partition: 0 } as const
const other = { topic: 'orders', partition: 1 } as const
const table = { namespace, name: 'orders' }
const moved = 's3://elsewhere/p/'
let w: World

beforeEach(() => (w = world()))

async function progress(): Promise<unknown> {
  return JSON.parse(currentSnapshot(await w.table('orders'))!.summary['kafscale.processor.progress'])
}

const stopped = () => (w.linesOf('error').at(-1)!.fields.error as Error).message

/** Makes an earlier snapshot of the table the current one. */
async function rollBackTo(snapshot: bigint): Promise<void> {
  await w.catalog.commitTable(table, {
    requirements: [],
    updates: [{ action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': snapshot }],
    idempotencyKey: 'x',
  })
}

describe('a table that was rolled back', () => {
  beforeEach(async () => {
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.runOnce()
    await w.write(orders, 3n, [batch(3n, 3)])
    await w.runOnce()
    await rollBackTo((await w.table('orders')).snapshots![0]['snapshot-id'])
  })

  test('goes on from what its history says when that is accepted, and later runs do so without being told', async () => {
    expect(await w.runOnce()).toBe(false)
    expect(await w.runOnce(undefined, { acceptRollback: true })).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 6))
    await w.write(orders, 6n, [batch(6n, 1)])
    expect(await w.runOnce()).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 7))
  })

  test('stops again when it is rolled back again, to before that was accepted and after', async () => {
    const [first] = (await w.table('orders')).snapshots!
    await w.runOnce(undefined, { acceptRollback: true })
    await w.write(orders, 6n, [batch(6n, 1)])
    await w.runOnce()
    const snapshots = (await w.table('orders')).snapshots!
    await rollBackTo(snapshots.at(-2)!['snapshot-id'])
    expect(await w.runOnce()).toBe(false)
    expect(stopped()).toContain('orders/0 [6, 7)')
    await rollBackTo(first['snapshot-id'])
    expect(await w.runOnce()).toBe(false)
  })

  test('a table that was not rolled back is not touched', async () => {
    await w.runOnce(undefined, { acceptRollback: true })
    const before = await w.table('orders')
    expect(await w.runOnce(undefined, { acceptRollback: true })).toBe(true)
    expect(await w.table('orders')).toBe(before)
  })
})

describe('a source that has moved', () => {
  beforeEach(async () => {
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.runOnce()
  })

  test('stops the table until somebody says so, and then goes on where it stood', async () => {
    await w.clock.advanceBy(60_000)
    // Copied: the same bytes, written later.
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.write(orders, 3n, [batch(3n, 2)])
    expect(await w.runOnce(undefined, { id: moved })).toBe(false)
    expect(stopped()).toMatch(
      /orders\/0 was materialized from s3:\/\/segments\/p\/ up to offset 3.* --source-moved s3:\/\/segments\/p\/; .* --source-added$/,
    )
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 3))
    expect(await w.runOnce(undefined, { id: moved, sourceMoved: sourceId })).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 5))
    expect(await progress()).toEqual({ [moved]: { orders: { 0: [[0, 5]] } } })
    expect(await w.runOnce(undefined, { id: moved, sourceMoved: sourceId })).toBe(true)
    expect(await w.runOnce(undefined, { id: moved })).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 5))
  })

  test('goes on at once where the answer to the commit that says so is lost', async () => {
    await w.write(orders, 3n, [batch(3n, 2)])
    let commits = 0
    w.faults.catalog = ({ kind }) => (kind === 'commit' && ++commits === 1 ? 'lost-after' : 'none')
    expect(await w.runOnce(undefined, { id: moved, sourceMoved: sourceId })).toBe(true)
    expect(w.linesOf('error')).toEqual([])
    expect(await progress()).toEqual({ [moved]: { orders: { 0: [[0, 5]] } } })
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 5))
  })

  test('goes on where two processes say so at once', async () => {
    await w.write(orders, 3n, [batch(3n, 2)])
    // Both have loaded the table before either commits.
    w.faults.catalog = async ({ kind }) => {
      if (kind === 'commit') await w.clock.sleep(1000)
      return 'none' as const
    }
    const run = () => w.processor(undefined, {}, { id: moved, sourceMoved: sourceId }).run(true, new AbortController().signal)
    expect(await w.clock.run(() => Promise.all([run(), run()]))).toEqual([true, true])
    expect(w.linesOf('error')).toEqual([])
    expect(await progress()).toEqual({ [moved]: { orders: { 0: [[0, 5]] } } })
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 5))
  })

  test('stops who runs at the old place with the reason, and not as if the table were rolled back', async () => {
    const committer = new TableCommitter(sourceId, table, 'test', await w.table('orders'), w.seams)
    await committer.load()
    expect(await w.runOnce(undefined, { id: moved, sourceMoved: sourceId })).toBe(true)
    await expect(committer.load()).rejects.toThrow(TableChanged)
    expect(await w.runOnce()).toBe(false)
    expect(stopped()).toContain(`orders/0 was materialized from ${moved}`)
  })

  test('is refused where the new place has progress already, and where the table does not know the old one', async () => {
    expect(await w.runOnce(undefined, { id: moved, sourceMoved: 's3://typo/' })).toBe(false)
    expect(stopped()).toContain('it has no progress of s3://typo/; its sources are s3://segments/p/')
    expect(await w.runOnce(undefined, { id: moved, sourceAdded: true })).toBe(true)
    expect(await w.runOnce(undefined, { id: moved, sourceMoved: sourceId })).toBe(false)
    expect(stopped()).toContain('it has progress of s3://segments/p/ and of s3://elsewhere/p/')
  })

  test('is another one where somebody says that: its rows come besides', async () => {
    expect(await w.runOnce(undefined, { id: moved, sourceAdded: true })).toBe(true)
    expect(await progress()).toEqual({ [sourceId]: { orders: { 0: [[0, 3]] } }, [moved]: { orders: { 0: [[0, 3]] } } })
    expect(await w.runOnce(undefined, { id: moved })).toBe(true)
    expect(await w.rows('orders')).toHaveLength(6)
  })

  test('is not asked about where other topics come from it', async () => {
    await w.write(other, 0n, [batch(0n, 2)])
    for (const end of ['kfs', 'index']) await w.source.remove(`p/orders/0/segment-${'0'.padStart(20, '0')}.${end}`)
    expect(await w.runOnce(undefined, { id: moved })).toBe(true)
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 3), ...rowsOf(other, 0, 2)])
  })
})

describe('a source that has moved, of a table of which expiry has thinned the history out', () => {
  const toNewPlace = { id: moved, sourceMoved: sourceId }
  const state = async () =>
    findTableState('orders', await w.table('orders'), async (snapshot) => readManifestList(await w.io.read(snapshot['manifest-list'])))

  /** Snapshots of ours lie beside the history then: those that are older than the newest of those that are dropped. */
  async function thin(): Promise<void> {
    const fewest = { minSnapshots: 1, maxSnapshots: 4 }
    await w.clock.run(() =>
      expireTable(table, (metadata) => expirySettings(metadata, fewest), w.seams, { dryRun: false, sourcePrefix: 'p/' }),
    )
    const metadata = await w.table('orders')
    expect(ancestorsOf(metadata).ancestors.length).toBeLessThan(metadata.snapshots!.length)
  }

  beforeEach(async () => {
    for (let base = 0n; base < 18n; base += 3n) {
      await w.write(orders, base, [batch(base, 3)])
      await w.runOnce()
      await w.clock.advanceBy(3_600_000)
    }
  })

  test('goes on', async () => {
    await thin()
    expect(await w.runOnce(undefined, toNewPlace)).toBe(true)
    await w.write(orders, 18n, [batch(18n, 3)])
    expect(await w.runOnce(undefined, { id: moved })).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 21))
    expect(await progress()).toEqual({ [moved]: { orders: { 0: [[0, 21]] } } })
  })

  test('hides no rollback of another source, to before it moved or after', async () => {
    const another = 's3://another/'
    expect(await w.runOnce(undefined, { id: another, sourceAdded: true })).toBe(true)
    await thin()
    const before = currentSnapshot(await w.table('orders'))!['snapshot-id']
    expect(await w.runOnce(undefined, toNewPlace)).toBe(true)
    const after = currentSnapshot(await w.table('orders'))!['snapshot-id']
    await w.write(orders, 18n, [batch(18n, 3)])
    expect(await w.runOnce(undefined, { id: another })).toBe(true)
    for (const snapshot of [after, before]) {
      await rollBackTo(snapshot)
      expect(await w.runOnce(undefined, { id: another })).toBe(false)
      expect(stopped()).toContain('orders/0 [18, 21)')
    }
    expect(stopped()).toContain('it was rolled back or replaced')
  })

  test('takes along what was retracted, until it is decided again', async () => {
    const { dataFile } = (await liveEntries(w, 'orders'))[0]
    await commitForeign(w, 'orders', { remove: [dataFile.filePath] })
    expect(await verify(w, { retract: 'commit' })).toMatchObject({ retraction: { offsets: 3n, done: true }, problem: null })
    await thin()
    const before = (await state()).retraction!
    expect(await w.runOnce(undefined, toNewPlace)).toBe(true)
    expect((await state()).retraction).toEqual({ ...before, offsets: new Map([[moved, before.offsets.get(sourceId)]]) })
    expect(await w.runOnce(undefined, { id: moved })).toBe(true)
    const committer = new TableCommitter(moved, table, 'test', await w.table('orders'), w.seams)
    await w.clock.run(() =>
      committer.changeState(async (old) => ({ ...old, progress: withDecided(old.progress, moved, orders, [[0n, 18n]]) })),
    )
    expect((await state()).retraction).toBeNull()
    expect(await w.runOnce(undefined, { id: moved })).toBe(true)
  })
})

describe('a log that was restarted', () => {
  beforeEach(async () => {
    for (const base of [0n, 3n]) await w.write(orders, base, [batch(base, 3)])
    for (const base of [0n, 3n]) await w.write(other, base, [batch(base, 3)])
    await w.runOnce()
    await w.clock.advanceBy(3_600_000)
    for (const end of ['kfs', 'index']) {
      for (const base of ['0', '3']) await w.source.remove(`p/orders/0/segment-${base.padStart(20, '0')}.${end}`)
    }
    await w.write(orders, 0n, [batch(0n, 2)])
    await w.clock.advanceBy(60_000)
  })

  test('goes on as another log of its source, and nothing of what was not restarted comes twice', async () => {
    expect(await w.runOnce()).toBe(false)
    expect(await w.runOnce(undefined, { sourceRestarted: true })).toBe(true)
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 6), ...rowsOf(orders, 0, 2), ...rowsOf(other, 0, 6)].sort())
    expect(await progress()).toEqual({
      [sourceId]: { orders: { 0: [[0, 6]], 1: [[0, 6]] } },
      [`${sourceId}#2`]: { orders: { 0: [[0, 2]], 1: [[0, 6]] } },
    })
    await w.write(orders, 2n, [batch(2n, 1)])
    await w.write(other, 6n, [batch(6n, 1)])
    expect(await w.runOnce()).toBe(true)
    expect(await w.rows('orders')).toHaveLength(16)
    expect(await verify(w)).toMatchObject({ findings: [], problem: null })
    const incarnations = (await w.plainRows('orders')).map((row) => row.kafka_incarnation ?? 1)
    expect(incarnations.toSorted((a, b) => Number(a) - Number(b))).toEqual([...Array.from({ length: 12 }, () => 1), 2, 2, 2, 2])
  })

  test('begins at offset 0, whatever startAt says of what is new', async () => {
    const latest = (document: Plain) => (document.spec.source.startAt = 'latest')
    expect(await w.runOnce(latest, { sourceRestarted: true })).toBe(true)
    expect(await w.rows('orders')).toHaveLength(14)
  })

  test('is not committed to by a process that planned for the log before', async () => {
    const committer = async () => new TableCommitter(sourceId, table, 'test', await w.table('orders'), w.seams)
    await w.runOnce(undefined, { sourceRestarted: true })
    const second = await committer()
    await second.load()
    expect(second.sourceId).toBe(`${sourceId}#2`)
    const { 'table-uuid': uuid, 'current-schema-id': schema, 'default-spec-id': spec } = await w.table('orders')
    const definitions = { 'table-uuid': uuid, 'current-schema-id': schema, 'default-spec-id': spec, sourceId }
    const late = new TableCommitter(sourceId, table, 'test', definitions, w.seams)
    await expect(late.commit([], [], true)).rejects.toThrow('since its log was restarted')
    expect(currentSnapshot(await w.table('orders'))!.summary['kafscale.processor.version']).toBe('2')
  })

  test('is told once: the same words begin no third log', async () => {
    await w.runOnce(undefined, { sourceRestarted: true })
    const before = await w.table('orders')
    expect(await w.runOnce(undefined, { sourceRestarted: true })).toBe(true)
    expect(await w.table('orders')).toBe(before)
  })

  test('is not begun where nothing was restarted', async () => {
    const fresh = world()
    await fresh.write(orders, 0n, [batch(0n, 3)])
    await fresh.runOnce()
    const before = await fresh.table('orders')
    expect(await fresh.runOnce(undefined, { sourceRestarted: true })).toBe(true)
    expect(await fresh.table('orders')).toBe(before)
  })
})
