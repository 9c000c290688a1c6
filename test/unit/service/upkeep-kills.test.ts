import { describe, expect, test } from 'vitest'
import { inProcessQueue } from '../../../src/drivers/queue/in-process.ts'
import { comparablePath } from '../../../src/formats/iceberg/comparable-path.ts'
import { compactTables } from '../../../src/service/maintain/compact-tables.ts'
import { retireRows } from '../../../src/service/maintain/row-retention.ts'
import { expireTable } from '../../../src/service/maintain/table-expirer.ts'
import { TableRewriter } from '../../../src/service/maintain/table-rewriter.ts'
import type { TaskResult } from '../../../src/pipeline/flow.ts'
import { liveEntries, manifestsOf } from '../../../src/pipeline/maintain/unreached-files.ts'
import { sweepOrphans } from '../../../src/service/maintain/orphan-sweep.ts'
import { limitsOf } from '../../../src/service/tasks/limits.ts'
import { carryOutRewrite } from '../../../src/service/tasks/rewrite-task.ts'
import type { TablePayload } from '../../../src/service/tasks/task-payload.ts'
import { carryOut } from '../../../src/service/tasks/worker.ts'
import { mappingFor } from '../../../src/spec/table-mapping.ts'
import { load, smallest } from '../spec/documents.ts'
import { commitForeign, liveEntries as liveFiles, positionDeletes } from './foreign-commit.ts'
import { at, batch, record } from './segments.ts'
import { verify } from './verifying.ts'
import { namespace, rowsOf, sourceId, type World, world } from './world.ts'

const orders = { namespace, name: 'orders' }
const source = { id: sourceId, prefix: 'p/' }
const hourMs = 3_600_000
const dayMs = 24 * hourMs
const document = load(
  smallest((plain) => {
    plain.spec.source.topics = ['*']
    plain.spec.sink = { database: namespace[0] }
    plain.spec.mappings = [{ topic: '*', value: { format: 'binary' } }]
  }),
)

/** What a process does to the table that may be killed at any step: at any request to the store or the catalog. */
interface Upkeep {
  work(made: World, seams: World['seams']): Promise<unknown>
  /** Rows that data files no longer have when it is done, of twelve. */
  readonly gone: readonly number[]
  /** The most steps that it takes are more than this. */
  readonly steps: number
}

const upkeeps: Record<string, Upkeep> = {
  compaction: {
    work({ clock }, seams) {
      const rewrites = { catalog: seams.catalog, namespace, io: seams.io, carryOut: carryOutRewrite }
      const own = { ...seams, queue: inProcessQueue<TablePayload, TaskResult>(), carryOut, rewrites }
      return clock.run(() => compactTables(document, undefined, source, own, { dryRun: false }))
    },
    gone: [3],
    steps: 20,
  },
  expiry: {
    work({ clock }, seams) {
      const newestAlone = () => ({ maxAgeMs: 1, minSnapshots: 1, maxSnapshots: 100 })
      return clock.run(() => expireTable(orders, newestAlone, seams, { dryRun: false, sourcePrefix: 'p/' }))
    },
    gone: [],
    steps: 12,
  },
  'a deletion of old rows': {
    work({ clock }, seams) {
      const { kafkaColumns } = mappingFor(document, 'orders')
      const context = { document, source, limits: limitsOf(document.spec.processing), kafkaColumns }
      const retention = { by: 'kafka_timestamp', days: 10 }
      return clock.run(() => retireRows(orders, retention, context, seams, new AbortController().signal))
    },
    gone: [0, 1, 2, 3, 5],
    steps: 40,
  },
  'a rewrite of manifests': {
    work({ clock }, seams) {
      return clock.run(async () => {
        const { metadata } = (await seams.catalog.loadTable(orders))!
        await new TableRewriter(sourceId, orders, 'test', metadata, seams).rewriteManifests({ dryRun: false })
      })
    },
    gone: [],
    steps: 10,
  },
}

/** Six files of two rows. Old are the rows 0, 1, 2 and 5, and another writer has deleted row 3. */
async function table(): Promise<World> {
  const made = world()
  const feed = async (base: number) => {
    const isOld = (offset: number) => [0, 1, 2, 5].includes(offset)
    const timeOf = (offset: number) => BigInt(made.clock.now() - (isOld(offset) ? 30 * dayMs : 0))
    const records = [base, base + 1].map((offset) => record('v', { timestampMs: timeOf(offset) }))
    await made.write(at, BigInt(base), [batch(BigInt(base), records)])
    await made.runOnce()
    await made.clock.advanceBy(1000)
  }
  for (const base of [0, 2, 4, 6, 8]) await feed(base)
  const [path] = (await liveFiles(made, 'orders')).flatMap(({ dataFile, sequenceNumber }) =>
    sequenceNumber === 2n ? [dataFile.filePath] : [],
  )
  await commitForeign(made, 'orders', { deletes: [await positionDeletes(made, path, [1])] })
  await feed(10)
  return made
}

/** Seams of a life that ends before its `n`th step, which is after the one before: whatever is asked of the world then fails. */
function mortal({ seams }: World, n: number): { readonly seams: World['seams']; isDead(): boolean } {
  let steps = 0
  async function step<T>(act: () => Promise<T>): Promise<T> {
    if (++steps >= n) throw new Error('killed')
    return act()
  }
  const { catalog, io } = seams
  const dying = {
    ...seams,
    catalog: {
      ...catalog,
      loadTable: (...asked: Parameters<typeof catalog.loadTable>) => step(() => catalog.loadTable(...asked)),
      commitTable: (...asked: Parameters<typeof catalog.commitTable>) => step(() => catalog.commitTable(...asked)),
    },
    io: {
      ...io,
      read: (...asked: Parameters<typeof io.read>) => step(() => io.read(...asked)),
      write: (...asked: Parameters<typeof io.write>) => step(() => io.write(...asked)),
      remove: (...asked: Parameters<typeof io.remove>) => step(() => io.remove(...asked)),
    },
  }
  return { seams: dying, isDead: () => steps >= n }
}

/** What the snapshots of the table name, and what lies there. */
async function files({ table: current, io, warehouse }: World): Promise<{ named: string[]; there: string[] }> {
  const named = new Set<string>()
  for (const snapshot of (await current('orders')).snapshots ?? []) {
    named.add(snapshot['manifest-list'])
    for (const manifest of await manifestsOf(snapshot, io)) {
      named.add(manifest.manifestPath)
      for (const { dataFile } of await liveEntries(manifest, io)) named.add(dataFile.filePath)
    }
  }
  const there = warehouse.keys().map((key) => `/${key}`)
  return { named: [...named].map(comparablePath).toSorted(), there: there.toSorted() }
}

/** The table is whole: every snapshot's files are there, and of its rows only those are gone that are to go, or were deleted. */
async function expectWhole(made: World, gone: readonly number[], said: string): Promise<void> {
  const { named, there } = await files(made)
  expect(there, said).toEqual(expect.arrayContaining(named))
  const rows = await made.rows('orders')
  expect(new Set(rows).size, said).toBe(rows.length)
  expect(rows, said).toEqual(expect.arrayContaining(rowsBut(gone)))
  // A row that somebody deleted is gone, or still deleted.
  const isDeleted = (await liveFiles(made, 'orders')).some(({ dataFile }) => dataFile.content === 1)
  expect(isDeleted || !rows.includes(rowsOf(at, 3, 4)[0]), said).toBe(true)
}

const rowsBut = (gone: readonly number[]) =>
  rowsOf(at, 0, 12).filter((row) => !gone.some((offset) => row === rowsOf(at, offset, offset + 1)[0]))

describe.each(Object.entries(upkeeps))('%s', (_what, { work, gone, steps }) => {
  test('that is killed at any of its steps leaves the table whole and only orphans, which a sweep finds once it is done', async () => {
    let n = 1
    for (let killed = true; killed; n++) {
      const made = await table()
      const life = mortal(made, n)
      const said = `killed at step ${n}`
      try {
        await work(made, life.seams)
      } catch (error) {
        if (!life.isDead()) throw error
      }
      killed = life.isDead()
      await expectWhole(made, gone, said)
      await work(made, made.seams)
      await expectWhole(made, gone, said)
      expect(await made.rows('orders'), said).toEqual(rowsBut(gone))
      // What others deleted is missed, and nothing else.
      expect((await verify(made)).findings, said).toMatchObject([{ kind: 'missing', start: 3n, end: 4n }])

      const { named, there } = await files(made)
      const orphans = there.filter((path) => !named.includes(path))
      await made.clock.advanceBy(73 * hourMs)
      const swept = await made.clock.run(() => sweepOrphans(orders, { olderThanMs: 72 * hourMs, remove: true }, made.seams))
      expect(swept, said).toMatchObject({ orphans: orphans.length, removed: orphans.length, left: 0 })
      expect((await files(made)).there, said).toEqual(named)
      expect(await made.rows('orders'), said).toEqual(rowsBut(gone))
    }
    expect(n).toBeGreaterThan(steps)
  })
})
