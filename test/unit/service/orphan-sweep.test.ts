import { expect, test } from 'vitest'
import { sweepOrphans, type SweepSeams } from '../../../src/service/maintain/orphan-sweep.ts'
import { sweepTables } from '../../../src/service/maintain/sweep-tables.ts'
import { expireTable } from '../../../src/service/maintain/table-expirer.ts'
import { commitForeign, liveEntries } from './foreign-commit.ts'
import { countedTable } from './counted.ts'
import { at, batch } from './segments.ts'
import { namespace, rowsOf, world, type World } from './world.ts'

const orders = { namespace, name: 'orders' }
const hour = 3_600_000
const home = 's3://warehouse/analytics/orders'

/** A table with two commits, and files beside it that nothing names, all of them written four days ago. */
async function worldWith(...strays: readonly string[]): Promise<World> {
  const made = world()
  for (const offset of [0n, 2n]) {
    await made.write(at, offset, [batch(offset, 2)])
    await made.runOnce()
  }
  // The memory catalog keeps its documents to itself; a catalog of files has them beside the table.
  for (const stray of strays) await made.io.write(stray.includes('://') ? stray : `${home}/${stray}`, [new Uint8Array(10)])
  await made.clock.advanceBy(96 * hour)
  return made
}

function sweep(made: World, options: { remove?: boolean; hours?: number; seams?: Partial<SweepSeams> } = {}) {
  const { remove = true, hours = 72, seams } = options
  return made.clock.run(() => sweepOrphans(orders, { olderThanMs: hours * hour, remove }, { ...made.seams, ...seams }))
}

async function isThere({ io }: World, path: string): Promise<boolean> {
  return io.read(path.includes('://') ? path : `${home}/${path}`).then(
    () => true,
    () => false,
  )
}

async function setProperties(made: World, updates: Record<string, string>): Promise<void> {
  await made.catalog.commitTable(orders, { requirements: [], updates: [{ action: 'set-properties', updates }], idempotencyKey: '' })
}

test('what nothing names and is old enough is shown, then removed, and the table is whole', async () => {
  const made = await worldWith('data/a.parquet', 'metadata/b-m0.avro', 'stray')
  await made.io.write(`${home}/data/young.parquet`, [new Uint8Array(10)])
  const files = made.warehouse.keys().length
  const expected = {
    listed: files,
    orphans: 3,
    bytes: 30,
    requests: { lists: expect.any(Number) as number, gets: expect.any(Number) as number, deletes: 3 },
    examples: [`${home}/data/a.parquet`, `${home}/metadata/b-m0.avro`, `${home}/stray`],
  }
  const shown = await sweep(made, { remove: false })
  expect(shown).toEqual({ ...expected, removed: 0, left: 3 })
  expect(shown.requests.gets).toBeGreaterThan(2)
  expect(made.warehouse.keys()).toHaveLength(files)
  // What is asked of the store is what was said before.
  expect(await sweep(made)).toEqual({ ...shown, removed: 3, left: 0 })
  expect(made.warehouse.keys()).toHaveLength(files - 3)
  expect(await isThere(made, 'data/young.parquet')).toBe(true)
  expect(await made.rows('orders')).toEqual(rowsOf(at, 0, 4))
  expect(await sweep(made)).toMatchObject({ orphans: 0, removed: 0 })
})

test('nothing younger than a day goes, whatever age is asked for', async () => {
  const made = await worldWith()
  await made.io.write(`${home}/data/young.parquet`, [new Uint8Array(10)])
  await made.clock.advanceBy(23 * hour)
  expect(await sweep(made, { hours: 1 })).toMatchObject({ orphans: 0 })
  await made.clock.advanceBy(2 * hour)
  expect(await sweep(made, { hours: 1 })).toMatchObject({ orphans: 1 })
})

test('files of all snapshots, branches and statistics are named, and what an interrupted expiry left is not', async () => {
  const made = await worldWith()
  const [first] = await liveEntries(made, 'orders')
  await commitForeign(made, 'orders', { remove: [first.dataFile.filePath] })
  await made.io.write(`${home}/metadata/stats.puffin`, [new Uint8Array(10)])
  await made.clock.advanceBy(96 * hour)
  const current = (await made.table('orders'))['current-snapshot-id']!
  const withStatistics = {
    ...made.catalog,
    loadTable: async (...asked: Parameters<typeof made.catalog.loadTable>) => {
      const loaded = (await made.catalog.loadTable(...asked))!
      const statistics = [{ 'snapshot-id': current, 'statistics-path': `${home}/metadata/stats.puffin`, 'file-size-in-bytes': 10 }]
      return { ...loaded, metadata: { ...loaded.metadata, statistics } }
    },
  }
  expect(await sweep(made, { seams: { catalog: withStatistics } })).toMatchObject({ orphans: 0 })

  await made.write(at, 4n, [batch(4n, 2)])
  await made.runOnce()
  const dying = { ...made.io, remove: () => Promise.reject(new Error('killed')) }
  const settings = () => ({ maxAgeMs: 1, minSnapshots: 1, maxSnapshots: 100 })
  const { left } = await made.clock.run(() =>
    expireTable(orders, settings, { ...made.seams, io: dying }, { dryRun: false, sourcePrefix: 'p/' }),
  )
  await made.clock.advanceBy(96 * hour)
  const report = await sweep(made)
  expect(report.examples).toContain(first.dataFile.filePath)
  // The statistics are no longer named either.
  expect([report.removed, report.left]).toEqual([left + 1, 0])
  expect(await made.rows('orders')).toHaveLength(4)
})

test('paths are compared whatever their scheme and encoding', async () => {
  const made = await worldWith()
  const key = 'data/p=a%20b/x.parquet'
  const [{ dataFile }] = await liveEntries(made, 'orders')
  await made.io.write(`${home}/${key}`, [await made.io.read(dataFile.filePath)])
  await commitForeign(made, 'orders', { add: [{ ...dataFile, filePath: `s3a://warehouse/analytics/orders/data/p=a b/x.parquet` }] })
  await made.clock.advanceBy(96 * hour)
  expect(await sweep(made)).toMatchObject({ orphans: 0 })
  expect(await isThere(made, key)).toBe(true)
})

test('nothing of another table goes: one that the catalog has below ours, one that only its documents tell of, and one with a longer name', async () => {
  const made = await worldWith('inner/data/a.parquet', 'hidden/data/b.parquet', 'hidden/metadata/00000-u.metadata.json')
  await made.io.write('s3://warehouse/analytics/orders2/data/c.parquet', [new Uint8Array(10)])
  await made.clock.advanceBy(96 * hour)
  const other = (await made.table('orders')) as object
  const catalog = {
    ...made.catalog,
    listTables: async () => ['orders', 'inner'],
    loadTable: async (table: typeof orders, options?: { readonly fresh?: boolean }) =>
      table.name === 'inner'
        ? { metadata: { ...other, location: `${home}/inner/` } as Awaited<ReturnType<typeof made.table>>, config: {} }
        : made.catalog.loadTable(table, options),
  }
  expect(await sweep(made, { seams: { catalog } })).toMatchObject({ orphans: 0, removed: 0 })
  expect(await isThere(made, 's3://warehouse/analytics/orders2/data/c.parquet')).toBe(true)
  // What nobody claims is an orphan.
  expect(await sweep(made)).toMatchObject({ orphans: 1, examples: [`${home}/inner/data/a.parquet`] })
})

test('a location that two tables share is refused, by the catalog or by a document in it', async () => {
  const made = await worldWith('data/a.parquet')
  const shared = { ...(await made.catalog.loadTable(orders))! }
  const catalog = { ...made.catalog, listTables: async () => ['orders', 'copy'], loadTable: async () => shared }
  await expect(sweep(made, { seams: { catalog } })).rejects.toThrow(/its location is that of table copy too/)
  await made.io.write(`${home}/metadata/00001-u.metadata.json`, [Buffer.from('{"table-uuid": "of-another"}')])
  await expect(sweep(made)).rejects.toThrow(/00001-u.metadata.json is of table of-another/)
  expect(await isThere(made, 'data/a.parquet')).toBe(true)
})

test('hidden files stay, since others keep their own things in them', async () => {
  const made = await worldWith('_delta_log/0.json', 'data/.part', 'metadata/version-hint.text')
  expect(await sweep(made)).toMatchObject({ orphans: 0 })
})

test('a file that a commit names while the listing is under way stays', async () => {
  const made = await worldWith('data/late.parquet')
  const [{ dataFile }] = await liveEntries(made, 'orders')
  const io = {
    ...made.io,
    async *list(directory: string) {
      yield* made.io.list(directory)
      if (directory === `${home}/`) await commitForeign(made, 'orders', { add: [{ ...dataFile, filePath: `${home}/data/late.parquet` }] })
    },
  }
  expect(await sweep(made, { seams: { io } })).toMatchObject({ orphans: 0 })
})

test('where a manifest can not be read, nothing is removed; where an expiry removed it meanwhile, it is looked at again', async () => {
  const made = await worldWith('data/a.parquet')
  const broken = { ...made.io, read: () => Promise.reject(new Error('no answer')) }
  await expect(sweep(made, { seams: { io: broken } })).rejects.toThrow('table analytics.orders: orphans are not looked for: no answer')
  expect(await isThere(made, 'data/a.parquet')).toBe(true)
  let expired = false
  const racing = {
    ...made.io,
    read: async (uri: string) => {
      if (!expired) {
        expired = true
        const [oldest] = (await made.table('orders')).snapshots!
        await expireTable(orders, () => ({ maxAgeMs: 1, minSnapshots: 1, maxSnapshots: 9 }), made.seams, {
          dryRun: false,
          sourcePrefix: 'p/',
        })
        return made.io.read(oldest['manifest-list'])
      }
      return made.io.read(uri)
    },
  }
  expect(await sweep(made, { seams: { io: racing } })).toMatchObject({ left: 0 })
  expect(await isThere(made, 'data/a.parquet')).toBe(false)
  expect(await made.rows('orders')).toEqual(rowsOf(at, 0, 4))
})

test('a listing of another place is not believed', async () => {
  const made = await worldWith()
  const io = {
    ...made.io,
    async *list() {
      yield { files: [{ uri: `${home}/data/a.parquet`, bytes: 1, lastModifiedMs: 0 }], dateMs: made.clock.now() }
    },
  }
  await expect(sweep(made, { seams: { io } })).rejects.toThrow(/does not show .*snap-/)
})

test('ended at any removal, the table is whole and the next sweep takes the rest', async () => {
  const strays = Array.from({ length: 6 }, (_, i) => `data/${i}.parquet`)
  for (let dies = 0; dies < 6; dies++) {
    const made = await worldWith(...strays)
    let removals = 0
    const dying = { ...made.io, remove: (uri: string) => (removals++ >= dies ? new Promise<void>(() => undefined) : made.io.remove(uri)) }
    const running = sweepOrphans(orders, { olderThanMs: 72 * hour, remove: true }, { ...made.seams, io: dying })
    await Promise.race([running, new Promise((resolve) => setTimeout(resolve, 50))])
    expect(await made.rows('orders')).toEqual(rowsOf(at, 0, 4))
    expect(await sweep(made)).toMatchObject({ removed: 6 - dies, left: 0 })
  }
})

test('tables whose files others may need are left alone, and one whose catalog sweeps', async () => {
  const made = await worldWith('data/a.parquet')
  const own = { ...made.catalog, profile: { ...made.catalog.profile, ownUpkeep: 'The catalog' } }
  await expect(sweep(made, { seams: { catalog: own } })).rejects.toThrow('The catalog removes them by itself')
  await setProperties(made, { 'gc.enabled': 'false' })
  await expect(sweep(made)).rejects.toThrow(/gc\.enabled=false/)
})

test.each(['a server', 'a file'] as const)('it is told how many requests it takes, with a catalog that is %s', async (kind) => {
  const { made, document, source, seams, taken } = await countedTable(kind)
  await made.io.write('s3://warehouse/analytics/orders/data/stray.parquet', [new Uint8Array(10)])
  await made.clock.advanceBy(71 * 3_600_000)
  const run = async (remove: boolean) =>
    (await made.clock.run(() => sweepTables(document, undefined, source, seams, { olderThanHours: undefined, remove })))[0].done!
  // Three days, unless somebody says otherwise.
  expect(await run(false)).toMatchObject({ orphans: 0 })
  await made.clock.advanceBy(2 * 3_600_000)
  const { orphans, requests } = await run(false)
  expect(orphans).toBeGreaterThan(0)
  taken()
  expect(await run(true)).toMatchObject({ orphans, requests, removed: orphans })
  expect(taken()).toEqual({ puts: 0, ...requests })
})
