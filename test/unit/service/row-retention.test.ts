import { expect, test } from 'vitest'
import { currentSnapshot } from '../../../src/formats/iceberg/table-metadata.ts'
import { summaryKeys } from '../../../src/pipeline/commit/summary-keys.ts'
import { limitsOf } from '../../../src/service/tasks/limits.ts'
import { retireRows } from '../../../src/service/maintain/row-retention.ts'
import { expireTable } from '../../../src/service/maintain/table-expirer.ts'
import type { Catalog } from '../../../src/seams/catalog.ts'
import { mappingFor } from '../../../src/spec/table-mapping.ts'
import { load, type Plain, smallest } from '../spec/documents.ts'
import { commitForeign, liveEntries, positionDeletes } from './foreign-commit.ts'
import { at, batch, record } from './segments.ts'
import { verify } from './verifying.ts'
import { namespace, rowsOf, sourceId, world, type World } from './world.ts'

const orders = { namespace, name: 'orders' }
const dayMs = 86_400_000

/** A segment of records that are so many days old each; null: without a time. */
async function feed(made: World, baseOffset: bigint, ages: readonly (number | null)[]): Promise<void> {
  const records = ages.map((days) =>
    record('v', { timestampMs: days === null ? -1n : BigInt(Math.floor(made.clock.now() / dayMs) * dayMs - days * dayMs) }),
  )
  await made.write(at, baseOffset, [batch(baseOffset, records)])
  await made.runOnce()
}

function retire(
  made: World,
  { by = 'kafka_timestamp', days = 10, catalog = made.catalog }: { by?: string; days?: number; catalog?: Catalog } = {},
) {
  const document = load(smallest())
  const context = {
    document,
    source: { id: sourceId, prefix: 'p/' },
    limits: limitsOf(document.spec.processing),
    kafkaColumns: mappingFor(document, 'orders').kafkaColumns,
  }
  const seams = { ...made.seams, catalog }
  return made.clock.run(() => retireRows(orders, { by, days }, context, seams, new AbortController().signal))
}

/** A table with a file of old rows, one of old and young ones, and one of young ones. */
async function aged(): Promise<World> {
  const made = world()
  await feed(made, 0n, [30, 20, 11])
  await feed(made, 3n, [12, 9, 11, 10, null])
  await feed(made, 8n, [1, 0])
  return made
}

const kept = [4, 6, 7, 8, 9].map((offset) => rowsOf(at, offset, offset + 1)[0])

test('old files go whole, those at the edge are rewritten, and what is left is what is young enough or has no time', async () => {
  const made = await aged()
  const [, , young] = (await liveEntries(made, 'orders')).map(({ dataFile }) => dataFile.filePath).toSorted()
  expect(young).toBeDefined()
  const parent = currentSnapshot(await made.table('orders'))!
  expect(await retire(made)).toEqual({ files: 1, rewritten: 1, rows: 5n })
  expect(await made.rows('orders')).toEqual(kept)
  const { snapshots = [] } = await made.table('orders')
  const [removed, rewritten] = snapshots.slice(-2)
  expect(removed.summary).toMatchObject({ operation: 'delete', 'deleted-data-files': '1', 'deleted-records': '3' })
  expect(rewritten.summary).toMatchObject({ operation: 'overwrite', 'added-records': '3', 'deleted-records': '5', 'total-records': '5' })
  expect(rewritten.summary[summaryKeys.progress]).toBe(parent.summary[summaryKeys.progress])
  // Nothing is left to be done.
  const before = await made.table('orders')
  expect(await retire(made)).toEqual({ files: 0, rewritten: 0, rows: 0n })
  expect(await made.table('orders')).toBe(before)
})

test('what was deleted stays decided, and verify misses nothing, even when the snapshots that deleted it are gone; other losses it does miss', async () => {
  const made = await aged()
  await retire(made)
  for (const backfill of [undefined, [{ topic: 'orders' }]]) {
    expect(await made.runOnce((document) => (document.spec.backfill = backfill))).toBe(true)
    expect(await made.rows('orders')).toEqual(kept)
  }
  expect(await verify(made)).toMatchObject({ findings: [], problem: null, counts: { rows: 5n, removed: 5n, accepted: 0n } })
  await feed(made, 10n, [0])
  await made.clock.advanceBy(dayMs)
  const few = () => ({ maxAgeMs: 1, minSnapshots: 1, maxSnapshots: 9 })
  expect(await made.clock.run(() => expireTable(orders, few, made.seams, { dryRun: false, sourcePrefix: 'p/' }))).toMatchObject({
    kept: 1,
    left: 0,
  })
  expect(await verify(made)).toMatchObject({ findings: [], problem: null, counts: { rows: 6n, removed: 0n, accepted: 5n } })
  expect(await verify(made, { exact: true })).toMatchObject({ findings: [], counts: { accepted: 5n } })

  await feed(made, 11n, [0])
  const young = (await liveEntries(made, 'orders')).find(({ dataFile }) => dataFile.recordCount === 2n)!
  const thief = await commitForeign(made, 'orders', { remove: [young.dataFile.filePath] })
  expect(await verify(made)).toMatchObject({ findings: [{ kind: 'missing', start: 8n, end: 10n, snapshot: thief }] })
})

test('rows that others had deleted at the edge stay deleted, and are not accepted by the way', async () => {
  const made = await aged()
  const mixed = (await liveEntries(made, 'orders')).find(({ dataFile }) => dataFile.recordCount === 5n)!
  const thief = await commitForeign(made, 'orders', { deletes: [await positionDeletes(made, mixed.dataFile.filePath, [1])] })
  expect(await retire(made)).toEqual({ files: 1, rewritten: 1, rows: 5n })
  const files = (await liveEntries(made, 'orders')).filter(({ dataFile }) => dataFile.content === 0)
  expect(files.map(({ dataFile }) => dataFile.recordCount)).toEqual([2n, 2n])
  expect(await verify(made)).toMatchObject({
    findings: [{ kind: 'missing', start: 4n, end: 5n, snapshot: thief }],
    counts: { rows: 4n, removed: 5n },
  })
  expect((await verify(made, { accept: thief })).findings).toEqual([])
})

test('a file that an append adds meanwhile is no concern, and one that others take away is passed over', async () => {
  const made = await aged()
  const old = (await liveEntries(made, 'orders')).find(({ dataFile }) => dataFile.recordCount === 3n)!
  let first = true
  const catalog: Catalog = {
    ...made.catalog,
    commitTable: async (...asked) => {
      if (first) {
        first = false
        await commitForeign(made, 'orders', { remove: [old.dataFile.filePath] })
      }
      return made.catalog.commitTable(...asked)
    },
  }
  expect(await retire(made, { catalog })).toEqual({ files: 0, rewritten: 1, rows: 2n })
  expect(await made.rows('orders')).toEqual(kept)
})

test.each([
  ['ordered_at', 'the table has no column ordered_at'],
  ['kafka_offset', 'its column kafka_offset is no date and no timestamp'],
])('a table without times in %s keeps its rows', async (by, reason) => {
  const made = await aged()
  await expect(retire(made, { by })).rejects.toThrow(reason)
  expect(await made.rows('orders')).toHaveLength(10)
})

test.each([
  ['date', 10],
  ['timestamp', 19],
])('rows go by a %s of their values too, and those without one stay', async (type, length) => {
  const made = world()
  const text = (days: number) => new Date(made.clock.now() - days * dayMs).toISOString().slice(0, length)
  const change = (document: Plain) => {
    document.spec.mappings = [{ topic: '*', value: { format: 'json', columns: [{ name: 'at', type }] } }]
    document.spec.maintenance = { retention: { by: 'at', days: 10 } }
  }
  const values = [[30, 20], [12, 3, null], [1]].map((own) => own.map((days) => JSON.stringify({ at: days === null ? null : text(days) })))
  let offset = 0n
  for (const own of values) {
    await made.write(at, offset, [
      batch(
        offset,
        own.map((value) => record(value)),
      ),
    ])
    offset += BigInt(own.length)
    expect(await made.runOnce(change)).toBe(true)
    await made.clock.advanceBy(dayMs)
  }
  expect(await made.rows('orders')).toEqual([3, 4, 5].map((left) => rowsOf(at, left, left + 1)[0]))
  expect(made.seams.meter.totals().get('upkeep.rows.retired')).toBe(3)
  expect(await verify(made, { exact: true }, change)).toMatchObject({ findings: [], problem: null })
})

test('the service does it, whatever the table calls the time', async () => {
  const made = world()
  await feed(made, 0n, [30, 20, 11])
  const other = world()
  for (const [own, column] of [
    [made, undefined],
    [other, 'written_at'],
  ] as const) {
    await own.write(at, 3n, [batch(3n, [record('v', { timestampMs: BigInt(own.clock.now()) })])])
    await own.runOnce((document) => {
      document.spec.maintenance = { retention: { by: 'kafka_timestamp', days: 10 } }
      if (column !== undefined) document.spec.mappings[0].kafkaColumns = { timestamp: column }
    })
    expect(await own.rows('orders')).toEqual(rowsOf(at, 3, 4))
    expect(own.seams.meter.totals().get('upkeep.retention.done')).toBe(1)
  }
  expect(made.seams.meter.totals().get('upkeep.rows.retired')).toBe(3)
})
