import { beforeEach, describe, expect, test } from 'vitest'
import { segmentKey } from '../../../src/formats/kfs/segment-key.ts'
import { writeSegment } from '../../../src/formats/kfs/write.ts'
import { WorkError } from '../../../src/model/failure.ts'
import { TableCommitter } from '../../../src/service/feed/committer.ts'
import { documentStatus, isStopped, type TableStatus } from '../../../src/service/status/status.ts'
import type { Plain } from '../spec/documents.ts'
import { documentOf, planned, source } from './outlooks.ts'
import { at, batch, record } from './segments.ts'
import { verify } from './verifying.ts'
import { namespace, sourceId, type World, world } from './world.ts'

let w: World

beforeEach(() => (w = world()))

const whole = (d: Plain) => (d.spec.mappings = [{ topic: '*', value: { format: 'binary' } }])

/** A segment as the broker writes it: its footer tells its last offset. */
async function write(baseOffset: bigint, records: number): Promise<void> {
  const { segment, index } = writeSegment({ baseOffset, batches: [batch(baseOffset, records)], createdMs: w.clock.now() })
  await w.source.put(segmentKey('p/', at, baseOffset, 'index'), [index])
  await w.source.put(segmentKey('p/', at, baseOffset, 'kfs'), [segment])
}

async function status(id = sourceId): Promise<TableStatus> {
  const { tables } = await documentStatus(documentOf(whole), { ...source, id }, w.seams)
  expect(tables).toHaveLength(1)
  return tables[0]
}

test('each of several gaps is a gap', async () => {
  await write(0n, 3)
  await write(5n, 3)
  await write(10n, 2)
  expect(await w.runOnce()).toBe(true)
  expect((await status()).partitions).toMatchObject([
    { next: 12n, endOffset: 12n, lagSegments: 0, gaps: [[3n, 5n], [8n, 10n]], holes: [], stopped: null }, // prettier-ignore
  ])
})

test('what a segment has and the table has not is a hole, inside a segment too', async () => {
  await write(0n, 3)
  await write(5n, 5)
  await write(10n, 2)
  await write(12n, 1)
  await w.runOnce()
  const committer = new TableCommitter(sourceId, { namespace, name: 'orders' }, 'test', await w.table('orders'), w.seams)
  const ranges = [[0n, 3n], [5n, 8n], [12n, 13n]] as const // prettier-ignore
  await committer.changeState(async (state) => ({
    ...state,
    progress: new Map([[sourceId, new Map([[at.topic, new Map([[at.partition, ranges]])]])]]),
  }))
  expect((await status()).partitions).toMatchObject([{ gaps: [[3n, 5n]], holes: [[8n, 12n]] }])
})

test('a segment without batches has no offset, so that what is missing there is a gap', async () => {
  await write(0n, 3)
  await w.write(at, 3n, [])
  await write(5n, 3)
  await w.runOnce()
  expect((await status()).partitions).toMatchObject([{ next: 8n, gaps: [[3n, 5n]], holes: [] }])
  expect((await verify(w)).findings).toMatchObject([{ kind: 'gap', start: 3n, end: 5n }])
})

test('the requests that tell gaps from holes are bounded', async () => {
  for (let i = 0n; i < 60n; i++) await write(i * 3n, 2)
  await w.runOnce()
  let gets = 0
  w.faults.store = (operation) => void (operation === 'get' && gets++)
  const [{ gaps, holes }] = (await status()).partitions
  expect([gaps.length, holes.length, gets]).toEqual([59, 0, 21])
})

test('a restarted log is told as a stop, and its offsets are not taken for those of the log before', async () => {
  await write(0n, 3)
  await write(3n, 3)
  await w.runOnce()
  await w.source.remove(segmentKey('p/', at, 3n, 'kfs'))
  await w.clock.advanceBy(3_600_000)
  await write(0n, 2)
  await write(2n, 1)
  const [partition] = (await status()).partitions
  expect(partition).toMatchObject({ next: 6n, endOffset: null, lagOffsets: null, lagSegments: null, lagBytes: null, holes: [], gaps: [] })
  expect(partition.stopped).toMatch(/^the log was restarted: .* --source-restarted$/)
  const [{ stops, work }] = (await planned(w, whole)).tables
  expect([stops.map(({ message }) => message), work.segments]).toEqual([[partition.stopped], 0])
})

test('a moved source is told as a stop by status and plan, without numbers that would mean nothing', async () => {
  await write(0n, 3)
  await w.runOnce()
  await write(3n, 3)
  const { stopped, partitions, rows } = await status('s3://elsewhere/p/')
  expect(stopped).toMatch(/^table analytics\.orders is stopped: orders\/0 was materialized from s3:\/\/segments\/p\/ up to offset 3, /)
  expect(rows).toBe(3n)
  expect(partitions).toMatchObject([{ next: null, endOffset: null, lagSegments: null, lagOffsets: null }])
  const plan = await planned(w, whole, {}, { ...source, id: 's3://elsewhere/p/' })
  expect(plan.tables).toMatchObject([{ stopped, work: { segments: 0 } }])
})

test('a store that does not answer is no stop: status and plan fail, and can be asked again', async () => {
  await write(0n, 3)
  await w.runOnce()
  const read = async (uri: string) => {
    throw new WorkError(`${uri}: the service did not answer`, { retry: 'later' })
  }
  const io = { ...w.io, read }
  await expect(documentStatus(documentOf(whole), source, { ...w.seams, io })).rejects.toThrow(/snap-.* did not answer$/)
  await expect(planned(w, whole, { io })).rejects.toThrow(/snap-.* did not answer$/)

  // Whether a source is a strange one is asked of its listing.
  const elsewhere = { ...source, id: 's3://elsewhere/p/' }
  w.faults.store = (operation, key) => (operation === 'list' && key === 'p/orders/0/' ? 'lost-after' : undefined)
  await expect(documentStatus(documentOf(whole), elsewhere, w.seams)).rejects.toThrow('the answer was lost')
})

test('rows rescued are counted over all commits, also by those that bring none', async () => {
  const json = (d: Plain) => (d.spec.mappings = [{ topic: '*', value: { format: 'json', columns: [{ name: 'n', type: 'long' }] } }])
  const good = record('{"n": 1}')
  await w.write(at, 0n, [batch(0n, [good, record('{"n": 1, "more": 2}'), record('{"n": "x"}')])])
  expect(await w.runOnce(json)).toBe(true)
  expect((await status()).rescuedRows).toBe(2n)
  await w.write(at, 3n, [batch(3n, [good, record('{"other": 2}')])])
  expect(await w.runOnce(json)).toBe(true)
  await w.write(at, 5n, [batch(5n, [good])])
  expect(await w.runOnce(json)).toBe(true)
  expect(await status()).toMatchObject({ rescuedRows: 3n, rows: 6n })
})

test('the state of a table and what is due are told, of one that is there and goes on', async () => {
  for (let i = 0n; i < 12n; i++) {
    await write(i * 2n, 2)
    await w.runOnce()
    await w.clock.advanceBy(1000)
  }
  const few = (d: Plain) => (whole(d), (d.spec.maintenance = { expiry: { maxSnapshots: 8, minSnapshots: 2 }, orphans: { enabled: true } }))
  const { tables } = await documentStatus(documentOf(few), source, w.seams)
  const [{ health, upkeep }] = tables
  expect(health).toMatchObject({
    dataFiles: 12,
    filesAtTarget: 1,
    deleteFiles: 0,
    deleteRatio: 0,
    manifests: 12,
    snapshots: 12,
    branchesAndTags: 0,
  })
  const { metadata } = (await w.catalog.loadTable({ namespace, name: 'orders' }))!
  expect(health!.metadataBytes).toBeGreaterThan(metadata.snapshots!.length * 500)
  expect(upkeep).toContainEqual({ kind: 'orphans', due: true, reason: 'once a day' })
  expect(upkeep.find(({ kind }) => kind === 'expiry')).toMatchObject({
    due: true,
    reason: expect.stringMatching(/^\d snapshots can go$/) as string,
  })
  expect(upkeep.find(({ kind }) => kind === 'retention')).toMatchObject({ due: false })

  const own = { ...w.catalog, profile: { ...w.catalog.profile, ownUpkeep: 'Such a catalog' } }
  const [left] = (await documentStatus(documentOf(few), source, { ...w.seams, catalog: own })).tables
  expect(left.upkeep.filter(({ due }) => due)).toEqual([])
  expect(left.upkeep).toContainEqual({ kind: 'expiry', due: false, reason: 'Such a catalog expires snapshots by itself' })
  // A table that is stopped is not looked after.
  expect(await status('s3://elsewhere/p/')).toMatchObject({ upkeep: [], health: { dataFiles: 12 } })
})

test('tables and topic-partitions without a segment in the source are told as far as the table does', async () => {
  const other = { ...at, partition: 1 }
  await w.write(other, 0n, [batch(0n, 4)])
  await write(0n, 3)
  await write(5n, 3)
  await w.runOnce()
  const clear = async (prefix: string) => {
    for await (const { objects } of w.source.list({ prefix })) for (const { key } of objects) await w.source.remove(key)
  }
  await clear('p/orders/1/')
  const gone = { partition: 1, inSource: false, next: 4n, endOffset: 4n, lagSegments: 0, lagOffsets: 0n, stopped: null }
  expect((await status()).partitions).toMatchObject([{ partition: 0, inSource: true, next: 8n }, gone])
  await clear('p/')
  expect(await status()).toMatchObject({
    table: 'analytics.orders',
    exists: true,
    rows: 10n,
    stopped: null,
    partitions: [{ partition: 0, inSource: false, next: 8n, gaps: [[3n, 5n]] }, gone],
  })
})

describe('a topic-partition that stands at a segment which can not be read', () => {
  const json = (d: Plain) =>
    (d.spec.mappings = [{ topic: '*', value: { format: 'json', columns: [{ name: 'n', type: 'long', required: true }] } }])
  const look = async (change: (d: Plain) => void) => (await documentStatus(documentOf(change), source, w.seams)).tables[0]

  test('is told as stopped, with the segment and the reason, once it waits longer than it should', async () => {
    await write(0n, 3)
    expect(await w.runOnce(whole)).toBe(true)
    const bad = batch(3n, 2)
    bad[bad.length - 1] ^= 1
    const key = await w.write(at, 3n, [bad])
    await write(5n, 2)
    expect(await look(whole)).toMatchObject({ firstWaitingRead: 0, partitions: [{ lagSegments: 2, stopped: null }] })
    await w.clock.advanceBy(600_000)
    expect(await w.runOnce(whole)).toBe(false)
    let gets = 0
    w.faults.store = (operation, of) => void (operation === 'get' && of === key && gets++)
    const table = await look(whole)
    expect(table).toMatchObject({ firstWaitingRead: 1, firstWaitingNotRead: 0, partitions: [{ next: 3n, lagSegments: 2 }] })
    expect(table.partitions[0].stopped).toMatch(new RegExp(`^${key}: the record batch at byte 32 has CRC-32C`))
    expect(gets).toBe(1)
    expect(isStopped({ name: '', tables: [table] })).toBe(true)
  })

  test('is told where a value is what stops it, and not where onError passes it by', async () => {
    await w.write(at, 0n, [batch(0n, [record('{"n": 1}')])])
    expect(await w.runOnce(json)).toBe(true)
    await w.write(at, 1n, [batch(1n, [record('{"n": 2}'), record('{"other": 2}')])])
    await write(3n, 1)
    await w.clock.advanceBy(600_000)
    expect((await look(json)).partitions[0].stopped).toMatch(/segment-0+1\.kfs: .*a value is required here/)
    const skip = (d: Plain) => (json(d), (d.spec.mappings[0].onError = 'skip'))
    expect((await look(skip)).partitions).toMatchObject([{ lagSegments: 2, stopped: null }])
  })

  test('of many that wait a few are read, and how many were not is told; of a paused topic none is', async () => {
    for (let partition = 0; partition < 25; partition++) await w.write({ ...at, partition }, 0n, [batch(0n, 1)])
    expect(await w.runOnce(whole)).toBe(true)
    for (let partition = 0; partition < 25; partition++) await w.write({ ...at, partition }, 1n, [batch(1n, 1)])
    await w.clock.advanceBy(600_000)
    let [open, most] = [0, 0]
    const get: typeof w.source.get = (key, options) => {
      // Footers are small.
      if (options?.range !== undefined) return w.source.get(key, options)
      most = Math.max(most, ++open)
      return w.source.get(key, options).finally(() => open--)
    }
    const store = { ...w.source, get }
    const [table] = (await documentStatus(documentOf(whole), source, { ...w.seams, source: store })).tables
    expect(table).toMatchObject({ firstWaitingRead: 20, firstWaitingNotRead: 5 })
    // Segments may be large.
    expect(most).toBe(1)
    const committer = new TableCommitter(sourceId, { namespace, name: 'orders' }, 'test', await w.table('orders'), w.seams)
    await committer.changeRequests((requests) => ({ ...requests, pause: [at.topic] }))
    expect(await look(whole)).toMatchObject({ firstWaitingRead: 0, firstWaitingNotRead: 0 })
  })
})
