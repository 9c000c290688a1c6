import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { openSqliteCatalog } from '../../../src/drivers/catalog/sqlite.ts'
import { inProcessQueue } from '../../../src/drivers/queue/in-process.ts'
import type { TaskResult } from '../../../src/pipeline/flow.ts'
import type { FileIO } from '../../../src/seams/file-io.ts'
import { compactTables } from '../../../src/service/maintain/compact-tables.ts'
import { carryOutRewrite } from '../../../src/service/tasks/rewrite-task.ts'
import type { TablePayload } from '../../../src/service/tasks/task-payload.ts'
import { carryOut } from '../../../src/service/tasks/worker.ts'
import { load, type Plain, smallest } from '../spec/documents.ts'
import { commitForeign, liveEntries, positionDeletes } from './foreign-commit.ts'
import { batch, record } from './segments.ts'
import { namespace, sourceId, world } from './world.ts'

/** Rows of a file, each with a value of so many bytes, half of them random, that are sorted by their offsets. */
interface Sorted {
  readonly rows: number
  readonly bytes: number
}

/**
 * A table of `runs` files in each of `partitions` partitions; of `deletes` of them somebody deleted a row. Says what compacting it was said to
 * take, and what it took: every request to the warehouse.
 */
async function compacted(
  { partitions, runs, deletes = 0, sorted = null }: { partitions: number; runs: number; deletes?: number; sorted?: Sorted | null },
  properties: Plain = {},
) {
  const made = world()
  const asked = { gets: 0, ofFiles: 0, puts: 0, removes: 0 }
  const io: FileIO & typeof made.io = {
    ...made.io,
    read(uri, range) {
      asked.gets++
      if (uri.endsWith('.parquet')) asked.ofFiles++
      return made.io.read(uri, range)
    },
    write: (uri, chunks) => (asked.puts++, made.io.write(uri, chunks)),
    remove: (uri) => (asked.removes++, made.io.remove(uri)),
  }
  const files = {
    readFile: (uri: string) => io.read(uri),
    writeFile: async (uri: string, bytes: Uint8Array) => void (await io.write(uri, [bytes])),
  }
  const { clock } = made
  const { entropy } = made.seams
  const catalog = await openSqliteCatalog({ path: ':memory:', warehouse: 's3://warehouse', files, clock, entropy })
  const document = (plain: Plain) => {
    plain.spec.source.topics = ['*']
    plain.spec.sink = { database: namespace[0], tables: { properties } }
    const order = sorted === null ? {} : { sortBy: ['kafka_offset desc nulls last'] }
    plain.spec.mappings = [{ topic: '*', value: { format: 'binary' }, partitionBy: ['kafka_partition'], ...order }]
    // Little memory is left for each rewrite.
    if (sorted !== null) plain.spec.processing = { parallelism: 64 }
  }
  const rows = sorted?.rows ?? 10
  const recordsOf = () =>
    sorted === null
      ? rows
      : Array.from({ length: rows }, () => record(Buffer.concat([randomBytes(sorted.bytes / 2), Buffer.alloc(sorted.bytes / 2, 'text')])))
  for (let run = 0; run < runs; run++) {
    for (let partition = 0; partition < partitions; partition++)
      await made.write({ topic: 'orders', partition }, BigInt(run * rows), [batch(BigInt(run * rows), recordsOf())])
    await clock.run(() => made.processor(document, { catalog, io }).run(true, new AbortController().signal))
  }
  const foreign = { ...made, catalog, table: async (name: string) => (await catalog.loadTable({ namespace, name }))!.metadata }
  for (const { dataFile } of (await liveEntries(foreign, 'orders')).slice(0, deletes)) {
    const file = { ...(await positionDeletes(made, dataFile.filePath, [1])), partition: dataFile.partition }
    await commitForeign(foreign, 'orders', { deletes: [file] })
  }
  const rewrites = { catalog, namespace, io, carryOut: carryOutRewrite }
  const seams = { ...made.seams, catalog, io, queue: inProcessQueue<TablePayload, TaskResult>(), carryOut, rewrites }
  const compact = async (dryRun: boolean) => {
    const source = { id: sourceId, prefix: 'p/' }
    const [{ done, problem }] = await clock.run(() => compactTables(load(smallest(document)), undefined, source, seams, { dryRun }))
    expect(problem).toBeNull()
    return done!
  }
  asked.ofFiles = 0
  const { cost, commits, rewrites: planned } = await compact(true)
  // It is planned from manifests alone.
  expect(asked.ofFiles).toBe(0)
  Object.assign(asked, { gets: 0, puts: 0, removes: 0 })
  const snapshots = (await foreign.table('orders')).snapshots!.length
  expect((await compact(false)).report).toMatchObject({ committed: planned, refused: 0, failed: 0 })
  const took = { ...asked }
  const after = await foreign.table('orders')
  expect(after.snapshots!.length - snapshots).toBe(commits)
  expect((await liveEntries(foreign, 'orders')).filter(({ dataFile }) => dataFile.content !== 0)).toEqual([])
  return { estimate: { gets: cost.gets, puts: cost.puts }, cost, asked: took, commits }
}

test.each([
  ['of one commit', { partitions: 3, runs: 8 }, {}, 1],
  ['of several commits', { partitions: 45, runs: 6 }, {}, 3],
  ['whose manifests are merged meanwhile', { partitions: 45, runs: 6 }, { 'commit.manifest.min-count-to-merge': '3' }, 3],
  ['with deletes', { partitions: 6, runs: 8, deletes: 10 }, {}, 1],
])(
  'a dry run says within 5 % how many requests the compaction of a table takes, %s',
  async (_, table, properties, expected) => {
    const { estimate, asked, commits } = await compacted(table, properties)
    expect(commits).toBe(expected)
    expect(asked.gets).toBeGreaterThan(20)
    for (const kind of ['gets', 'puts'] as const) {
      expect(Math.abs(estimate[kind] - asked[kind]) / asked[kind], `${kind}: ${estimate[kind]} for ${asked[kind]}`).toBeLessThanOrEqual(
        0.05,
      )
    }
  },
  60_000,
)

test('a dry run says within a quarter how many requests sorting takes that goes beyond its memory', async () => {
  const { estimate, cost, asked } = await compacted({ partitions: 1, runs: 6, sorted: { rows: 20_000, bytes: 400 } })
  expect(cost.spilledBytes).toBeGreaterThan(10_000_000)
  expect([asked.gets > 300, asked.removes > 3]).toEqual([true, true])
  // Large files are written in parts, which the store counts and not this test.
  for (const [told, took] of [
    [estimate.gets, asked.gets],
    [cost.spilledFiles, asked.removes],
  ])
    expect(Math.abs(told - took) / took, `${told} for ${took}`).toBeLessThanOrEqual(0.25)
}, 60_000)
