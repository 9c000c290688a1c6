import { expect, test } from 'vitest'
import { inProcessQueue } from '../../../src/drivers/queue/in-process.ts'
import { readRows } from '../../../src/formats/parquet/read-rows.ts'
import type { TaskResult } from '../../../src/pipeline/flow.ts'
import { compactTables } from '../../../src/service/maintain/compact-tables.ts'
import { expireTables } from '../../../src/service/maintain/expire-tables.ts'
import { sweepTables } from '../../../src/service/maintain/sweep-tables.ts'
import { carryOutRewrite } from '../../../src/service/tasks/rewrite-task.ts'
import type { TablePayload } from '../../../src/service/tasks/task-payload.ts'
import { carryOut } from '../../../src/service/tasks/worker.ts'
import { load, smallest } from '../spec/documents.ts'
import { commitForeign, deletionVector, equalityDeletes, liveEntries, positionDeletes } from './foreign-commit.ts'
import { at, batch } from './segments.ts'
import { verify } from './verifying.ts'
import { namespace, rowsOf, sourceId, type World, world } from './world.ts'

const hourMs = 3_600_000
const source = { id: sourceId, prefix: 'p/' }
const document = load(
  smallest((plain) => {
    plain.spec.source.topics = ['*']
    plain.spec.sink = { database: namespace[0] }
    plain.spec.mappings = [{ topic: '*', value: { format: 'binary' } }]
    plain.spec.maintenance = { expiry: { maxAgeHours: 1, minSnapshots: 1 } }
  }),
)

/** Files that have the row of an offset, in the table or not: every Parquet file that is anywhere in the warehouse. */
async function filesWith({ warehouse, io }: World, offset: bigint): Promise<string[]> {
  const found: string[] = []
  for (const key of warehouse.keys()) {
    if (!key.endsWith('.parquet')) continue
    const uri = `s3://warehouse/${key}`
    const rows = await readRows(await io.read(uri), 1_000_000)
    if (rows.some((row) => row['kafka_offset'] === offset)) found.push(uri)
  }
  return found
}

test.each([
  ['positions', 2, async (made: World, path: string) => positionDeletes(made, path, [1])],
  ['deletion vectors', 3, async (made: World, path: string) => deletionVector(made, path, [1])],
  ['values', 2, async (made: World) => equalityDeletes(made, 'orders', ['kafka_offset'], [[3n]])],
] as const)(
  'a row that is erased as the page says, deleted by %s, is in no file any more and does not come back',
  async (_what, formatVersion, deletes) => {
    const made = world()
    const feed = async (base: number) => {
      await made.write(at, BigInt(base), [batch(BigInt(base), 2)])
      expect(await made.runOnce()).toBe(true)
    }
    for (const base of [0, 2, 4]) await feed(base)
    const [path] = await filesWith(made, 3n)
    // A commit that failed has left a copy.
    await made.io.write('s3://warehouse/analytics/orders/data/copy.parquet', [await made.io.read(path)])

    const thief = await commitForeign(made, 'orders', { deletes: [await deletes(made, path)], formatVersion })
    expect((await verify(made)).findings).toMatchObject([{ kind: 'missing', start: 3n, end: 4n, snapshot: thief }])
    expect((await verify(made, { accept: thief })).findings).toEqual([])
    const rewrites = { catalog: made.catalog, namespace, io: made.io, carryOut: carryOutRewrite }
    const seams = { ...made.seams, queue: inProcessQueue<TablePayload, TaskResult>(), carryOut, rewrites }
    const compact = () => compactTables(document, 'orders', source, seams, { dryRun: false, deleteFileThreshold: 1 })
    expect(await made.clock.run(compact)).toMatchObject([{ done: { report: { committed: 1, failed: 0, rowsDeleted: 1n } } }])
    expect((await liveEntries(made, 'orders')).every(({ dataFile }) => dataFile.content === 0)).toBe(true)

    await made.clock.advanceBy(2 * hourMs)
    expect(await made.clock.run(() => expireTables(document, 'orders', source, made.seams, { dryRun: false }))).toMatchObject([
      { done: { kept: 1, left: 0 } },
    ])
    expect(await filesWith(made, 3n)).toEqual(['s3://warehouse/analytics/orders/data/copy.parquet'])

    await made.clock.advanceBy(73 * hourMs)
    const sweep = { olderThanHours: undefined, remove: true }
    expect(await made.clock.run(() => sweepTables(document, 'orders', source, made.seams, sweep))).toMatchObject([{ done: { left: 0 } }])
    expect(await filesWith(made, 3n)).toEqual([])

    await feed(6)
    expect(await made.rows('orders')).toEqual([...rowsOf(at, 0, 3), ...rowsOf(at, 4, 8)])
    expect(await verify(made, { exact: true })).toMatchObject({ findings: [], problem: null })
  },
)
