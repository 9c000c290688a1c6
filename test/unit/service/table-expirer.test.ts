import { expect, test } from 'vitest'
import { comparablePath } from '../../../src/formats/iceberg/comparable-path.ts'
import { snapshotById, type TableMetadata } from '../../../src/formats/iceberg/table-metadata.ts'
import { liveEntries, manifestsOf } from '../../../src/pipeline/maintain/unreached-files.ts'
import { expireTables } from '../../../src/service/maintain/expire-tables.ts'
import { expireTable } from '../../../src/service/maintain/table-expirer.ts'
import { commitForeign, liveEntries as liveFiles, positionDeletes, rollBack } from './foreign-commit.ts'
import { countedTable } from './counted.ts'
import { at, batch } from './segments.ts'
import { namespace, world, type World } from './world.ts'

const orders = { namespace, name: 'orders' }

/** Everything that the snapshots of a table name; reading it is part of the check. */
async function named({ io }: World, metadata: TableMetadata): Promise<Set<string>> {
  const paths = new Set<string>()
  for (const snapshot of metadata.snapshots ?? []) {
    paths.add(snapshot['manifest-list'])
    for (const manifest of await manifestsOf(snapshot, io)) {
      paths.add(manifest.manifestPath)
      for (const { dataFile } of await liveEntries(manifest, io)) paths.add(dataFile.filePath)
    }
  }
  return paths
}

function files({ warehouse }: World): string[] {
  return warehouse.keys().map((key) => `/${key}`)
}

/** A table of six commits of ours, a minute apart, of which another writer replaces a file and deletes a row before the last. */
async function agedWorld(): Promise<World> {
  const made = world()
  const commit = async (offset: bigint) => {
    await made.write(at, offset, [batch(offset, 2)])
    await made.runOnce()
    await made.clock.advanceBy(60_000)
  }
  for (let i = 0n; i < 5n; i++) await commit(2n * i)
  const [first, second] = await liveFiles(made, 'orders')
  await commitForeign(made, 'orders', { remove: [first.dataFile.filePath] })
  await commitForeign(made, 'orders', { deletes: [await positionDeletes(made, second.dataFile.filePath, [0])] })
  await commit(10n)
  return made
}

const newestAlone = () => ({ maxAgeMs: 1, minSnapshots: 1, maxSnapshots: 100 })

function expire(made: World, options: { dryRun?: boolean; settings?: typeof newestAlone; seams?: Partial<World['seams']> } = {}) {
  const { dryRun = false, settings = newestAlone, seams } = options
  return made.clock.run(() => expireTable(orders, settings, { ...made.seams, ...seams }, { dryRun, sourcePrefix: 'p/' }))
}

test('what only expired snapshots named is removed, and all that the others name is there', async () => {
  const made = await agedWorld()
  const live = await liveFiles(made, 'orders')
  const before = files(made)
  const history = (await made.table('orders')).snapshots!.length
  const report = await expire(made)
  const after = await made.table('orders')
  expect(after.snapshots).toHaveLength(1)
  expect(report).toMatchObject({ kept: 1, left: 0, files: { data: 1, deletes: 0 } })
  expect(report.snapshots).toHaveLength(history - 1)
  expect(report.files.manifestList).toBe(history - 1)
  expect(await liveFiles(made, 'orders')).toEqual(live)
  // Nothing is left over, and nothing is missing. Metadata documents are the catalog's.
  const left = files(made).filter((path) => path.startsWith('/analytics'))
  expect(new Set(left)).toEqual(
    new Set([...(await named(made, after))].map(comparablePath).filter((path) => path.startsWith('/analytics'))),
  )
  expect(before.length - files(made).length).toBe(Object.values(report.files).reduce((sum, count) => sum + count))
})

test('a dry run says the same, and changes nothing', async () => {
  const made = await agedWorld()
  const before = files(made)
  const metadata = await made.table('orders')
  const said = await expire(made, { dryRun: true })
  expect(files(made)).toEqual(before)
  expect(await made.table('orders')).toEqual(metadata)
  expect(await expire(made)).toEqual(said)
})

test('a snapshot that a tag names keeps its files', async () => {
  const made = await agedWorld()
  const { snapshots } = await made.table('orders')
  const removal = snapshots!.find((one) => one.summary['operation'] === 'overwrite')!
  await made.catalog.commitTable(orders, {
    requirements: [],
    updates: [{ action: 'set-snapshot-ref', 'ref-name': 'audit', type: 'tag', 'snapshot-id': removal['parent-snapshot-id']! }],
    idempotencyKey: '',
  })
  const report = await expire(made)
  const after = await made.table('orders')
  expect(report.files.data).toBe(0)
  expect(after.snapshots).toHaveLength(2)
  for (const path of await named(made, after)) expect(await made.io.read(path)).toBeDefined()
})

test('a file that another snapshot names by another scheme stays', async () => {
  const made = await agedWorld()
  const entry = (await liveFiles(made, 'orders'))[0]
  const renamed = { ...entry.dataFile, filePath: entry.dataFile.filePath.replace('s3://', 's3a://') }
  await commitForeign(made, 'orders', { remove: [entry.dataFile.filePath] })
  await commitForeign(made, 'orders', { add: [renamed] })
  await made.write(at, 12n, [batch(12n, 2)])
  await made.runOnce()
  await made.clock.advanceBy(60_000)
  await expire(made)
  expect(await made.io.read(renamed.filePath)).toBeDefined()
})

test.each([
  ['a conflict', 'conflict', 1],
  ['an answer that is lost on its way there', 'lost-before', 1],
  ['an answer that is lost on its way back', 'lost-after', 1],
] as const)('after %s the table is looked at, and what is gone is removed', async (_what, fault, times) => {
  const made = await agedWorld()
  let left: number = times
  made.faults.catalog = ({ kind }) => (kind === 'commit' && left-- > 0 ? fault : 'none')
  const { kept, files: removed } = await expire(made)
  const after = await made.table('orders')
  expect(after.snapshots).toHaveLength(1)
  for (const path of await named(made, after)) expect(await made.io.read(path)).toBeDefined()
  if (fault !== 'lost-after') expect([kept, removed.data]).toEqual([1, 1])
})

test('a commit that never comes through removes no file', async () => {
  const made = await agedWorld()
  const before = files(made)
  made.faults.catalog = ({ kind }) => (kind === 'commit' ? 'lost-before' : 'none')
  await expect(expire(made)).rejects.toThrow(/tried again later/)
  expect(files(made)).toEqual(before)
})

test('a catalog that confirms what it did not do has no file removed', async () => {
  const made = await agedWorld()
  const before = files(made)
  const lying = {
    ...made.catalog,
    commitTable: async () => ({ kind: 'committed' as const, table: (await made.catalog.loadTable(orders))! }),
  }
  await expect(expire(made, { seams: { catalog: lying } })).rejects.toThrow(/tried again later/)
  expect(files(made)).toEqual(before)
})

test('a snapshot that is tagged while it is about to go stays, and so does its file', async () => {
  const made = await agedWorld()
  const { metadata } = (await made.catalog.loadTable(orders))!
  const [first] = metadata.snapshots!
  let tagged = false
  const racing = {
    ...made.catalog,
    commitTable: async (...[table, request]: Parameters<typeof made.catalog.commitTable>) => {
      if (!tagged) {
        tagged = true
        await commitForeign(made, 'orders', {})
        const updates = [{ action: 'set-snapshot-ref', 'ref-name': 'audit', type: 'tag', 'snapshot-id': first['snapshot-id'] }] as const
        await made.catalog.commitTable(table, { requirements: [], updates, idempotencyKey: '' })
      }
      return made.catalog.commitTable(table, request)
    },
  }
  await expire(made, { seams: { catalog: racing } })
  const after = await made.table('orders')
  expect(snapshotById(after, first['snapshot-id'])).toBeDefined()
  for (const path of await named(made, after)) expect(await made.io.read(path)).toBeDefined()
})

test('ended at any removal, every snapshot that is left reads, and what stays is what nothing names', async () => {
  for (let dies = 0; dies < 12; dies++) {
    const made = await agedWorld()
    let removals = 0
    const dying = { ...made.io, remove: (uri: string) => (removals++ >= dies ? new Promise<void>(() => undefined) : made.io.remove(uri)) }
    await Promise.race([
      expireTable(orders, newestAlone, { ...made.seams, io: dying }, { dryRun: false, sourcePrefix: 'p/' }),
      new Promise((resolve) => setImmediate(() => setImmediate(() => setImmediate(resolve)))),
    ])
    const after = await made.table('orders')
    for (const path of await named(made, after)) expect(await made.io.read(path)).toBeDefined()
    await made.write(at, 12n, [batch(12n, 2)])
    expect(await made.runOnce()).toBe(true)
  }
})

test('files that can not be removed are counted, and keep no other back', async () => {
  const made = await agedWorld()
  let first = true
  const failing = {
    ...made.io,
    remove: async (uri: string) => {
      if (first) {
        first = false
        throw new Error('no')
      }
      await made.io.remove(uri)
    },
  }
  const report = await expire(made, { seams: { io: failing } })
  expect(report.left).toBe(1)
  expect(report.files.manifestList).toBe(report.snapshots.length)
  expect(made.linesOf('warn', 'a file that nothing names any more could not be removed')).toHaveLength(1)
})

test('where what is left can not be read, no file is removed', async () => {
  const made = await agedWorld()
  const current = (await made.table('orders'))['current-snapshot-id']!
  const list = snapshotById(await made.table('orders'), current)!['manifest-list']
  const before = files(made)
  let reads = 0
  const failing = {
    ...made.io,
    read: (uri: string) => (uri === list && reads++ > 0 ? Promise.reject(new Error('no answer')) : made.io.read(uri)),
  }
  await expect(expire(made, { seams: { io: failing } })).rejects.toThrow(/left to the orphan sweep: no answer/)
  expect(files(made)).toEqual(before)
})

test('a table whose garbage others collect is left alone, and one whose catalog expires by itself', async () => {
  const made = await agedWorld()
  const own = { ...made.catalog, profile: { ...made.catalog.profile, ownUpkeep: 'The catalog' } }
  await expect(expire(made, { seams: { catalog: own } })).rejects.toThrow('The catalog expires snapshots by itself')
  await made.catalog.commitTable(orders, {
    requirements: [],
    updates: [{ action: 'set-properties', updates: { 'gc.enabled': 'false' } }],
    idempotencyKey: '',
  })
  await expect(expire(made)).rejects.toThrow(/gc\.enabled=false/)
})

test('a table that was rolled back keeps everything that may tell of it', async () => {
  const made = await agedWorld()
  const [first] = (await made.table('orders')).snapshots!
  await rollBack(made, first['snapshot-id'])
  await expect(expire(made)).rejects.toThrow(/rolled back/)
})

test('a table in which nothing of ours was committed yet keeps its beginning, by which that is known', async () => {
  const made = await agedWorld()
  const others: World['seams']['catalog'] = {
    ...made.catalog,
    async loadTable(table) {
      const { metadata, ...rest } = (await made.catalog.loadTable(table))!
      const snapshots = metadata.snapshots!.map((snapshot) => ({ ...snapshot, summary: { operation: 'append' } }))
      return { ...rest, metadata: { ...metadata, snapshots, properties: {} } }
    },
  }
  expect((await expire(made, { seams: { catalog: others } })).snapshots).toEqual([])
  expect((await expire(made)).snapshots.length).toBeGreaterThan(0)
})

test.each(['a server', 'a file'] as const)('a dry run says how many requests it takes, with a catalog that is %s', async (kind) => {
  const few = { expiry: { maxSnapshots: 3, minSnapshots: 1 } }
  const { made, document, source, seams, taken } = await countedTable(kind, (plain) => (plain.spec.maintenance = few))
  const run = async (dryRun: boolean) => (await made.clock.run(() => expireTables(document, undefined, source, seams, { dryRun })))[0].done!
  const { snapshots, requests } = await run(true)
  expect(snapshots.length).toBeGreaterThan(2)
  taken()
  expect(await run(false)).toMatchObject({ snapshots, requests })
  expect(taken()).toEqual({ lists: 0, ...requests })
})

test('a machine whose clock is days ahead of the source expires nothing, dry or not, and one that is right does', async () => {
  const made = await agedWorld()
  const [history, there] = [(await made.table('orders')).snapshots!.length, files(made)]
  const clock = { ...made.clock, now: () => made.clock.now() + 10 * 86_400_000 }
  for (const dryRun of [true, false]) {
    await expect(expire(made, { dryRun, seams: { clock } })).rejects.toThrow('analytics.orders: no snapshot is expired: this machine')
  }
  expect((await made.table('orders')).snapshots).toHaveLength(history)
  expect(files(made)).toEqual(there)
  expect((await expire(made)).snapshots.length).toBeGreaterThan(0)
})
