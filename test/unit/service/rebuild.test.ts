import { describe, expect, test } from 'vitest'
import { inProcessQueue } from '../../../src/drivers/queue/in-process.ts'
import { currentSnapshot, snapshotById } from '../../../src/formats/iceberg/table-metadata.ts'
import { defaultPrices } from '../../../src/pipeline/backfill/bill.ts'
import { Backfiller } from '../../../src/service/backfill/backfiller.ts'
import { onBranch } from '../../../src/service/backfill/branch-catalog.ts'
import { findTableState } from '../../../src/pipeline/commit/table-state.ts'
import type { TaskResult } from '../../../src/pipeline/flow.ts'
import { TableCommitter } from '../../../src/service/feed/committer.ts'
import { takeMainsPlace } from '../../../src/service/backfill/rebuild.ts'
import { wishId } from '../../../src/service/backfill/resolve-backfill.ts'
import type { TablePayload } from '../../../src/service/tasks/task-payload.ts'
import { carryOut } from '../../../src/service/tasks/worker.ts'
import type { Catalog, CatalogProfile } from '../../../src/seams/catalog.ts'
import { commitForeign, liveEntries } from './foreign-commit.ts'
import { load, type Plain, smallest } from '../spec/documents.ts'
import { batch, record } from './segments.ts'
import { namespace, rowsOf, sourceId, world, type World } from './world.ts'

const orders = { topic: 'orders', partition: 0 } as const
const never = new AbortController().signal
const wish = { topic: 'orders', partitions: null, from: null, to: null, missing: false, newestFirst: false }
const document = load(
  smallest((plain: Plain) => {
    plain.spec.source.topics = ['*']
    plain.spec.sink = { database: namespace[0] }
    plain.spec.mappings = [{ topic: '*', value: { format: 'binary' } }]
  }),
)
const identifier = { namespace, name: 'orders' }

/** Ten segments of three records, all in the table. */
async function withTable(profile?: CatalogProfile): Promise<World> {
  const w = world(profile)
  for (let i = 0n; i < 10n; i++) await w.write(orders, i * 3n, [batch(i * 3n, 3)])
  await w.clock.advanceBy(60_000)
  expect(await w.runOnce()).toBe(true)
  return w
}

const seamsOf = (w: World, catalog: Catalog = w.catalog) => ({
  ...w.seams,
  catalog,
  queue: inProcessQueue<TablePayload, TaskResult>(),
  carryOut,
})
const rebuilderOf = async (w: World, catalog?: Catalog) =>
  (await Backfiller.open(document, 'orders', { kind: 'rebuild' }, {}, { id: sourceId, prefix: 'p/' }, seamsOf(w, catalog)))!

/** Everything on the branch but what is written meanwhile. */
async function rebuilt(w: World): Promise<Backfiller> {
  const rebuilder = await rebuilderOf(w)
  const { backfill } = await rebuilder.bill(wish, 'command', defaultPrices)
  await rebuilder.ask(backfill)
  const { outcome } = await w.clock.run(() => rebuilder.carryOut(backfill, never, () => undefined))
  expect(outcome).toBe('done')
  return rebuilder
}

const takePlace = (w: World, { rebuild }: Backfiller, catalog?: Catalog) =>
  w.clock.run(() => takeMainsPlace(rebuild!, document, { id: sourceId, prefix: 'p/' }, seamsOf(w, catalog), never))

const headOf = async (w: World) => currentSnapshot(await w.table('orders'))!

describe('a rebuild', () => {
  test('is made on a branch, beside which main goes on, and then has its place in one commit', async () => {
    const w = await withTable()
    const before = await headOf(w)
    const rebuilder = await rebuilt(w)
    const { branch } = rebuilder.rebuild!
    expect((await headOf(w))['snapshot-id']).toBe(before['snapshot-id'])
    await w.write(orders, 30n, [batch(30n, 3)])
    await w.clock.advanceBy(60_000)
    expect(await w.runOnce()).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 33))
    expect(await takePlace(w, rebuilder)).toBe(true)
    const metadata = await w.table('orders')
    expect(metadata.refs?.[branch]).toBeUndefined()
    const live = await Backfiller.open(document, 'orders', { kind: 'live' }, {}, { id: sourceId, prefix: 'p/' }, seamsOf(w))
    expect(live!.backfills).toMatchObject([{ id: wishId(wish), topic: 'orders', state: 'done', by: 'command' }])
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 33))
    const head = await headOf(w)
    for (let id = head['parent-snapshot-id']; id != null; id = snapshotById(metadata, id)!['parent-snapshot-id']) {
      expect(snapshotById(metadata, id)!.summary['kafscale.processor.branch']).toBe(branch)
    }
    await w.write(orders, 33n, [batch(33n, 3)])
    await w.clock.advanceBy(60_000)
    expect(await w.runOnce()).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 36))
  })

  test('asks the source for what its bill says, and for nothing more where main stands still', async () => {
    const w = await withTable()
    const more = [1, 2, 3].map((partition) => ({ ...orders, partition }))
    for (const at of more) await w.write(at, 0n, [batch(0n, 3)])
    await w.clock.advanceBy(60_000)
    expect(await w.runOnce()).toBe(true)
    const asked = { list: 0, get: 0, put: 0 }
    const rebuilder = await rebuilderOf(w)
    const { bill, backfill } = await rebuilder.bill(wish, 'command', defaultPrices)
    w.faults.store = (operation) => void asked[operation]++
    await rebuilder.ask(backfill)
    await w.clock.run(() => rebuilder.carryOut(backfill, never, () => undefined))
    expect(await takePlace(w, rebuilder)).toBe(true)
    expect(bill.work).toMatchObject({ segments: 13, gets: 13 })
    expect(asked).toEqual({ list: bill.work.lists, get: bill.work.gets, put: 0 })
    expect(await w.rows('orders')).toEqual([orders, ...more].flatMap((at) => rowsOf(at, 0, at.partition === 0 ? 30 : 3)))
  })

  test('where the catalog has no branches is made in a table beside it', async () => {
    const w = await withTable({ propertiesInCommit: true, forbiddenProperties: [], branches: false })
    const rebuilder = await rebuilderOf(w)
    expect(rebuilder.rebuild).toBeNull()
    const { bill, backfill } = await rebuilder.bill(wish, 'command', defaultPrices)
    expect(bill).toMatchObject({ table: 'analytics.orders_rebuilt', besides: 'analytics.orders', branch: null, wanted: 30n })
    await rebuilder.ask(backfill)
    expect((await w.clock.run(() => rebuilder.carryOut(backfill, never, () => undefined))).outcome).toBe('done')
    expect(await w.rows('orders_rebuilt')).toEqual(rowsOf(orders, 0, 30))
    for (const name of ['orders', 'orders_rebuilt']) expect(Object.keys((await w.table(name)).refs!)).toEqual(['main'])
  })

  test('goes on where it was left, on the branch that it began', async () => {
    const w = await withTable()
    const first = await rebuilt(w)
    const second = await rebuilderOf(w)
    expect(second.rebuild).toEqual(first.rebuild)
    expect((await second.bill(wish, 'command', defaultPrices)).bill).toMatchObject({ work: { segments: 0 }, branch: first.rebuild!.branch })
    expect(await takePlace(w, second)).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 30))
  })

  test('that was begun before the source moved is not gone on with: which branch it is, and what to type, is said', async () => {
    const w = await withTable()
    const { branch } = (await rebuilt(w)).rebuild!
    const id = 's3://elsewhere/p/'
    expect(await w.runOnce(undefined, { id, sourceMoved: sourceId })).toBe(true)
    const open = () => Backfiller.open(document, 'orders', { kind: 'rebuild' }, {}, { id, prefix: 'p/' }, seamsOf(w))
    await expect(open()).rejects.toThrow(
      `table analytics.orders: its branch ${branch} was begun from ${sourceId}, before the source moved to ${id}, and can not go on from there. ` +
        `Drop it (Spark: ALTER TABLE analytics.orders DROP BRANCH ${branch}); the same command then begins the rebuild anew`,
    )
    const dropped = [{ action: 'remove-snapshot-ref' as const, 'ref-name': branch }]
    await w.catalog.commitTable(identifier, { requirements: [], updates: dropped, idempotencyKey: '' })
    expect((await open())!.rebuild!.branch).not.toBe(branch)
  })

  test('of a table whose log was restarted is refused, by the name of the branch where one was begun before', async () => {
    const w = await withTable()
    const { branch } = (await rebuilt(w)).rebuild!
    for (const key of w.source.keys()) await w.source.remove(key)
    await w.clock.advanceBy(60_000)
    for (let i = 0n; i < 2n; i++) await w.write(orders, i * 3n, [batch(i * 3n, 3)])
    await w.clock.advanceBy(60_000)
    expect(await w.runOnce(undefined, { sourceRestarted: true })).toBe(true)
    const what = `table analytics.orders: the log of ${sourceId} was restarted, and main has rows of the log before, which a rebuild can not bring again.`
    const instead = ' backfill --into brings what the source has now into another table'
    await expect(rebuilderOf(w)).rejects.toThrow(
      `${what} Its branch ${branch}, which was begun before, can not take its place: drop it (Spark: ALTER TABLE analytics.orders DROP BRANCH ${branch}).${instead}`,
    )
    const dropped = [{ action: 'remove-snapshot-ref' as const, 'ref-name': branch }]
    await w.catalog.commitTable(identifier, { requirements: [], updates: dropped, idempotencyKey: '' })
    await expect(rebuilderOf(w)).rejects.toThrow(what + instead)
  })

  test('that was given up stops neither main nor the next one', async () => {
    const w = await withTable()
    const { branch } = (await rebuilt(w)).rebuild!
    await w.write(orders, 30n, [batch(30n, 3)])
    await w.clock.advanceBy(60_000)
    const dropped = { requirements: [], updates: [{ action: 'remove-snapshot-ref', 'ref-name': branch } as const], idempotencyKey: '' }
    expect((await w.catalog.commitTable(identifier, dropped)).kind).toBe('committed')
    expect(await w.runOnce()).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 33))
    const next = await rebuilt(w)
    expect(next.rebuild!.branch).not.toBe(branch)
    expect(await takePlace(w, next)).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 33))
  })

  test('of a source that does not have everything any more replaces nothing', async () => {
    const w = await withTable()
    for (const part of ['kfs', 'index'] as const) await w.source.remove(`p/orders/0/segment-${'0'.repeat(20)}.${part}`)
    const rebuilder = await rebuilt(w)
    await expect(takePlace(w, rebuilder)).rejects.toThrow(
      /main has orders\/0 \[0, 3\), which its source does not have any more, or which is of another source\. Nothing was replaced/,
    )
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 30))
  })

  test('of a topic of which the source has nothing any more is not begun; one that was made before takes its place', async () => {
    const [empty, made] = [await withTable(), await withTable()]
    await rebuilt(made)
    for (const w of [empty, made]) for (const key of w.source.keys()) await w.source.remove(key)
    await expect(rebuilderOf(empty)).rejects.toThrow('the source has no segment of topic orders any more: nothing can be made anew from it')
    const before = await headOf(made)
    expect(await takePlace(made, await rebuilderOf(made))).toBe(true)
    expect(await headOf(made)).not.toEqual(before)
    expect(await made.rows('orders')).toEqual(rowsOf(orders, 0, 30))
  })

  test('of a table with rows of others replaces nothing, whatever its totals say', async () => {
    const w = world()
    await w.write({ topic: 'clicks', partition: 0 }, 0n, [batch(0n, 2)])
    for (let i = 0n; i < 10n; i++) await w.write(orders, i * 3n, [batch(i * 3n, 3)])
    await w.clock.advanceBy(60_000)
    expect(await w.runOnce()).toBe(true)
    const rebuilder = await rebuilt(w)
    const [{ dataFile }] = await liveEntries(w, 'clicks')
    const id = await commitForeign(w, 'orders', { add: [dataFile] })
    await expect(takePlace(w, rebuilder)).rejects.toThrow(/main has 2 rows that are not from what it has decided .* Nothing was replaced/)
    expect((await headOf(w))['snapshot-id']).toBe(id)
  })

  test('of a table that has rows twice replaces nothing', async () => {
    const w = await withTable()
    const rebuilder = await rebuilt(w)
    const [{ dataFile }] = await liveEntries(w, 'orders')
    await commitForeign(w, 'orders', { add: [{ ...dataFile, lowerBounds: new Map(), upperBounds: new Map() }] })
    await expect(takePlace(w, rebuilder)).rejects.toThrow(/has 30 rows of what main has decided, and main has 60: .* Nothing was replaced/)
  })

  test('meets what main commits in the same moment, and follows it first', async () => {
    const w = await withTable()
    const rebuilder = await rebuilt(w)
    let meddled = 0
    const meddling: Catalog = {
      ...w.catalog,
      async commitTable(table, request) {
        if (request.updates.some((one) => one.action === 'remove-snapshot-ref') && meddled++ === 0) {
          await w.write(orders, 30n, [batch(30n, 3)])
          await w.clock.advanceBy(60_000)
          expect(await w.processor().run(true, never)).toBe(true)
        }
        return w.catalog.commitTable(table, request)
      },
    }
    expect(await takePlace(w, rebuilder, meddling)).toBe(true)
    expect(meddled).toBe(2)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 33))
  })

  test('comes to its end while segments are written all the time', async () => {
    const w = await withTable()
    const rebuilder = await rebuilt(w)
    let next = 30n
    const steady = (catalog: Catalog): Catalog => ({
      ...catalog,
      async commitTable(table, request) {
        await w.write(orders, next, [batch(next, 3)])
        next += 3n
        await w.clock.advanceBy(60_000)
        return catalog.commitTable(table, request)
      },
    })
    await w.write(orders, next, [batch(next, 3)])
    next += 3n
    await w.clock.advanceBy(60_000)
    expect(await takePlace(w, rebuilder, steady(w.catalog))).toBe(true)
    expect(next).toBeLessThan(60n)
    expect(await w.runOnce()).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, Number(next)))
  })

  test('has what came at offsets below its start, since the segment at the end of the log was written again, shorter', async () => {
    const w = await withTable()
    await w.write(orders, 30n, [batch(30n, 12)])
    await w.clock.advanceBy(60_000)
    const rebuilder = await rebuilderOf(w)
    const { backfill } = await rebuilder.bill(wish, 'command', defaultPrices)
    await rebuilder.ask(backfill)
    await w.write(orders, 30n, [batch(30n, 3)])
    await w.clock.advanceBy(60_000)
    expect((await w.clock.run(() => rebuilder.carryOut(backfill, never, () => undefined))).outcome).toBe('done')
    await w.write(orders, 33n, [batch(33n, 20)])
    await w.clock.advanceBy(60_000)
    expect(await takePlace(w, rebuilder)).toBe(true)
    expect(await w.runOnce()).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 53))
  })

  test('replaces nothing of a table that another document feeds from another source, though it has no rows of it yet', async () => {
    const w = await withTable()
    const rebuilder = await rebuilt(w)
    const others = new TableCommitter('s3://other/', identifier, 'other', await w.table('orders'), { ...w.seams, catalog: w.catalog })
    await w.clock.run(() => others.commit([], [{ at: { topic: 'clicks', partition: 0 }, ranges: [[5n, 5n]] }]))
    await expect(takePlace(w, rebuilder)).rejects.toThrow(/main has clicks\/0 .*of another source\. Nothing was replaced/)
  })

  test('counts the rows that main has not decided where some of its offsets have none', async () => {
    const w = world()
    const marker = batch(6n, [record(null)], { attributes: 0x20 })
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.write(orders, 3n, [batch(3n, 3), marker])
    await w.write(orders, 7n, [batch(7n, 3)])
    await w.clock.advanceBy(60_000)
    expect(await w.runOnce((plain) => (plain.spec.source.startAt = 'latest'))).toBe(true)
    expect(currentSnapshot(await w.table('orders'))?.summary['total-records'] ?? '0').toBe('0')
    await w.write(orders, 10n, [batch(10n, 3)])
    await w.clock.advanceBy(60_000)
    expect(await w.runOnce((plain) => (plain.spec.source.startAt = 'latest'))).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 10, 13))
    expect(await takePlace(w, await rebuilt(w))).toBe(true)
    expect(await w.rows('orders')).toEqual([...rowsOf(orders, 0, 6), ...rowsOf(orders, 7, 13)].sort())
  })

  test('of which another was quicker to put the branch in place is not begun once more on a branch of that name', async () => {
    const w = await withTable()
    const [rebuilder, another] = [await rebuilt(w), await rebuilderOf(w)]
    expect(await takePlace(w, another)).toBe(true)
    const head = await headOf(w)
    await expect(takePlace(w, rebuilder)).rejects.toThrow(`has no branch ${rebuilder.rebuild!.branch} any more: begin the rebuild anew`)
    expect(Object.keys((await w.table('orders')).refs!)).toEqual(['main'])
    expect((await headOf(w))['snapshot-id']).toBe(head['snapshot-id'])
  })

  test('whose last answer was lost is found to have landed', async () => {
    const w = await withTable()
    const rebuilder = await rebuilt(w)
    let lost = 0
    const forgetful: Catalog = {
      ...w.catalog,
      async commitTable(table, request) {
        const outcome = await w.catalog.commitTable(table, request)
        if (!request.updates.some((one) => one.action === 'remove-snapshot-ref')) return outcome
        lost++
        return { kind: 'unknown', reason: 'lost' }
      },
    }
    expect(await takePlace(w, rebuilder, forgetful)).toBe(true)
    expect(lost).toBe(1)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 30))
  })
})

describe('a table on a branch', () => {
  const audit = (w: World) => onBranch(w.catalog, { name: 'audit', begins: 'as main' })
  const runOnBranch = (w: World) => w.clock.run(() => w.processor(undefined, { catalog: audit(w) }).run(true, never))
  const noList = async () => null

  test('begins with what main has, goes on beside it, and neither disturbs the other', async () => {
    const w = await withTable()
    const main = (await headOf(w))['snapshot-id']
    await w.write(orders, 30n, [batch(30n, 3)])
    await w.clock.advanceBy(60_000)
    expect(await runOnBranch(w)).toBe(true)
    const metadata = await w.table('orders')
    expect(metadata['current-snapshot-id']).toBe(main)
    expect(snapshotById(metadata, metadata.refs!.audit['snapshot-id'])).toMatchObject({
      'parent-snapshot-id': main,
      summary: { 'total-records': '33', 'kafscale.processor.branch': 'audit' },
    })
    expect(await w.runOnce()).toBe(true)
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 33))
    await w.write(orders, 33n, [batch(33n, 3)])
    await w.clock.advanceBy(60_000)
    expect(await runOnBranch(w)).toBe(true)
    const after = await w.table('orders')
    expect(snapshotById(after, after.refs!.audit['snapshot-id'])!.summary['total-records']).toBe('36')
  })

  test('is made on a new table too, and stops where the branch was rolled back', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.clock.advanceBy(60_000)
    expect(await runOnBranch(w)).toBe(true)
    const first = await w.table('orders')
    expect(currentSnapshot(first)).toBeNull()
    await w.write(orders, 3n, [batch(3n, 3)])
    await w.clock.advanceBy(60_000)
    expect(await runOnBranch(w)).toBe(true)
    const back = { action: 'set-snapshot-ref', 'ref-name': 'audit', ...first.refs!.audit } as const
    expect((await w.catalog.commitTable(identifier, { requirements: [], updates: [back], idempotencyKey: '' })).kind).toBe('committed')
    const { metadata } = (await audit(w).loadTable(identifier))!
    await expect(findTableState('orders', metadata, noList)).rejects.toThrow('it was rolled back or replaced')
  })
})
