import { beforeEach, describe, expect, test } from 'vitest'
import type { CatalogFault } from '../../../src/drivers/catalog/memory.ts'
import type { DataFile } from '../../../src/formats/iceberg/data-file.ts'
import { currentSnapshot } from '../../../src/formats/iceberg/table-metadata.ts'
import { WorkError } from '../../../src/model/failure.ts'
import { decidedRanges, progressOf, unionProgress } from '../../../src/model/progress.ts'
import { type Requests, withPaused, withResumed } from '../../../src/model/requests.ts'
import { newTable } from '../../../src/pipeline/commit/new-table.ts'
import { TableCommitter } from '../../../src/service/feed/committer.ts'
import type { TaskResult } from '../../../src/pipeline/flow.ts'
import type { Catalog, CommitOutcome } from '../../../src/seams/catalog.ts'
import { mappingFor } from '../../../src/spec/table-mapping.ts'
import { at, refOf } from './segments.ts'
import { namespace, sourceId, type World, world } from './world.ts'

const name = { namespace, name: 'orders' }
let w: World

beforeEach(async () => {
  w = world()
  await w.catalog.ensureNamespace(namespace)
  const mapping = mappingFor({ spec: { mappings: [] } }, 'orders')
  await w.catalog.createTable(
    name,
    newTable(mapping, { value: { format: 'binary' }, properties: {}, formatVersion: 2, profile: w.catalog.profile }),
  )
})

async function committer(catalog: Catalog = w.catalog): Promise<TableCommitter> {
  return new TableCommitter(sourceId, name, 'test', await w.table('orders'), { ...w.seams, catalog })
}

/** A result that read the segment at `base` up to `end`, after the one at `follows`. */
function result(follows: number | null, base: number, end: number): TaskResult {
  const segment = refOf(BigInt(base))
  const file: DataFile = {
    content: 0,
    filePath: `s3://warehouse/${base}-${w.seams.entropy.uuid()}.parquet`,
    fileFormat: 'PARQUET',
    partition: [],
    recordCount: BigInt(end - base),
    fileSizeInBytes: 10n,
  }
  const follow = follows === null ? null : BigInt(follows)
  const part = { at, follows: follow, segments: [segment], startOffset: 0n, decided: [], nextBaseOffset: null }
  return {
    task: { id: `${base}`, parts: [part], bytes: 100 },
    files: [file],
    startedAtMs: w.clock.now(),
    parts: [
      {
        at,
        follows: follow,
        first: segment,
        last: segment,
        ranges: [[BigInt(base), BigInt(end)]],
        gaps: [],
        maxTimestampMs: 5,
        counts: { rows: end - base, control: 0, skipped: 0, clipped: 0, repeated: 0, transactional: 0 },
        skips: [],
        control: [],
        rescued: { records: 0, paths: {}, otherPaths: 0 },
        ended: null,
      },
    ],
  }
}

/** The catalog, with the answer to each commit replaced: `answer` gets what the catalog said. */
function answering(answer: (outcome: CommitOutcome, attempt: number) => CommitOutcome): Catalog {
  let attempt = 0
  return { ...w.catalog, commitTable: async (...asked) => answer(await w.catalog.commitTable(...asked), ++attempt) }
}

function onCommit(...faults: CatalogFault[]): void {
  w.faults.catalog = ({ kind }) => (kind === 'commit' ? (faults.shift() ?? 'none') : 'none')
}

async function rangesNow() {
  return decidedRanges((await (await committer()).load()).state.progress, sourceId, at)
}

async function recordsNow(): Promise<string | undefined> {
  return (await w.table('orders')).snapshots?.at(-1)?.summary['total-records']
}

test('results that follow one another become one snapshot', async () => {
  const [a, b] = [result(null, 0, 5), result(0, 5, 9)]
  const report = await (await committer()).commit([b, a])
  expect(report).toMatchObject({ committed: [a, b], refused: [], held: [] })
  expect(await w.table('orders')).toMatchObject({
    snapshots: [{ 'snapshot-id': report.state.snapshotId, summary: { 'added-data-files': '2', 'total-records': '9' } }],
  })
  expect(await rangesNow()).toEqual([[0n, 9n]])
})

test('nothing to commit writes nothing', async () => {
  const before = w.warehouse.keys()
  expect(await (await committer()).commit([])).toMatchObject({ committed: [], state: { snapshotId: null } })
  expect(w.warehouse.keys()).toEqual(before)
})

test('a result that another committer has decided meanwhile is refused', async () => {
  await (await committer()).commit([result(null, 0, 5)])
  expect(await (await committer()).commit([result(null, 0, 5)])).toMatchObject({
    committed: [],
    refused: [{ reason: 'orders/0 [0, 5) is decided already' }],
  })
  expect(await recordsNow()).toBe('5')
})

test('marks count only where nothing is decided yet', async () => {
  const mark = { at, ranges: [[7n, 7n]] as const }
  const one = await committer()
  await one.commit([], [mark])
  expect(await rangesNow()).toEqual([[7n, 7n]])
  expect((await one.commit([], [{ at, ranges: [[9n, 9n]] }])).state.newest).toMatchObject({ 'sequence-number': 1n })
  expect(await rangesNow()).toEqual([[7n, 7n]])
})

test('keep-alive commits an empty snapshot with the same progress', async () => {
  const one = await committer()
  await one.commit([result(null, 0, 5)])
  await one.commit([], [], true)
  expect((await w.table('orders')).snapshots).toHaveLength(2)
  expect([await rangesNow(), await recordsNow()]).toEqual([[[0n, 5n]], '5'])
})

describe('what is asked of the table', () => {
  const pausing = (requests: Requests) => withPaused(requests, ['orders'])

  test('is changed by an empty snapshot that carries everything else', async () => {
    const one = await committer()
    await one.commit([result(null, 0, 5)])
    expect((await one.changeRequests(pausing)).requests.pause).toEqual(['orders'])
    expect((await (await committer()).load()).state.requests.pause).toEqual(['orders'])
    expect([await rangesNow(), await recordsNow()]).toEqual([[[0n, 5n]], '5'])
  })

  test('is carried by the snapshots that follow, and by the properties', async () => {
    const one = await committer()
    await one.changeRequests(pausing)
    await one.commit([result(null, 0, 5)])
    expect((await one.load()).state.requests.pause).toEqual(['orders'])
    const key = 'kafscale.processor.requests'
    expect((await w.table('orders')).properties?.[key]).toBe('{"pause":["orders"]}')
    await one.changeRequests((requests) => withResumed(requests, ['orders']))
    expect(await w.table('orders')).toMatchObject({ properties: { [key]: '{}' } })
    expect((await w.table('orders')).snapshots?.at(-1)?.summary[key]).toBeUndefined()
  })

  test('is not written again where nothing changes', async () => {
    const one = await committer()
    await one.changeRequests(pausing)
    const before = await w.table('orders')
    await one.changeRequests(pausing)
    expect(await w.table('orders')).toBe(before)
  })

  test('is changed on top of what somebody else commits meanwhile', async () => {
    const meanwhile = async () => {
      await (await committer()).commit([result(null, 0, 5)])
      await (await committer()).changeRequests((requests) => withPaused(requests, ['clicks']))
    }
    let first = true
    const catalog: Catalog = {
      ...w.catalog,
      commitTable: async (...asked) => {
        if (first) {
          first = false
          await meanwhile()
        }
        return w.catalog.commitTable(...asked)
      },
    }
    const state = await w.clock.run(async () => (await committer(catalog)).changeRequests(pausing))
    expect(state.requests.pause).toEqual(['clicks', 'orders'])
    expect(await rangesNow()).toEqual([[0n, 5n]])
  })
})

describe('a table that was looked at a moment ago', () => {
  const counted = () => {
    let loads = 0
    const loadTable: Catalog['loadTable'] = (...asked) => {
      loads++
      return w.catalog.loadTable(...asked)
    }
    return { catalog: { ...w.catalog, loadTable }, loads: () => loads }
  }

  test('is not loaded again for a commit, once', async () => {
    await (await committer()).commit([result(null, 0, 5)])
    const { catalog, loads } = counted()
    const one = await committer(catalog)
    await one.load()
    expect((await one.commit([result(0, 5, 9)])).committed).toHaveLength(1)
    expect(loads()).toBe(1)
    expect((await one.commit([result(5, 9, 12)])).committed).toHaveLength(1)
    expect(loads()).toBe(2)
    expect(await rangesNow()).toEqual([[0n, 12n]])
  })

  test('is loaded again when others have committed since, when it is longer ago, and for its first commit', async () => {
    const { catalog, loads } = counted()
    const one = await committer(catalog)
    await one.load()
    await one.commit([result(null, 0, 5)])
    expect(loads()).toBe(2)
    await one.load()
    await w.clock.advanceBy(5000)
    await one.commit([result(0, 5, 9)])
    expect(loads()).toBe(4)
    await one.load()
    await (await committer()).commit([result(5, 9, 12)])
    expect(await w.clock.run(() => one.commit([result(5, 9, 12)]))).toMatchObject({
      committed: [],
      refused: [{ reason: 'orders/0 [9, 12) is decided already' }],
    })
    expect(loads()).toBe(6)
    expect(await recordsNow()).toBe('12')
  })
})

describe('a conflict', () => {
  test('is met by building anew on the parent that is there now, with the same manifest', async () => {
    onCommit('conflict', 'conflict')
    const one = await committer()
    const report = await w.clock.run(() => one.commit([result(null, 0, 5)]))
    expect(report.committed).toHaveLength(1)
    expect(await recordsNow()).toBe('5')
    expect(w.warehouse.keys().filter((key) => key.endsWith('-m0.avro'))).toHaveLength(1)
    expect(w.warehouse.keys().filter((key) => key.includes('/snap-'))).toHaveLength(3)
  })

  test('with a committer that decided the same leaves the result refused', async () => {
    const [first, second] = [await committer(), await committer()]
    const raced = await w.clock.run(() => Promise.all([first.commit([result(null, 0, 5)]), second.commit([result(null, 0, 5)])]))
    expect(raced.map(({ committed }) => committed.length).sort((a, b) => a - b)).toEqual([0, 1])
    expect(await recordsNow()).toBe('5')
  })

  test('that does not end is left to the next interval', async () => {
    w.faults.catalog = ({ kind }) => (kind === 'commit' ? 'conflict' : 'none')
    const one = await committer()
    await expect(w.clock.run(() => one.commit([result(null, 0, 5)]))).rejects.toMatchObject({
      message: 'table analytics.orders: 10 attempts to commit met conflict outcomes; the next interval tries again',
      retry: 'later',
    })
    expect((await w.table('orders')).snapshots ?? []).toEqual([])
  })
})

describe('an unknown outcome', () => {
  test('that had landed is found, and nothing is committed twice', async () => {
    onCommit('lost-after')
    const one = await committer()
    const a = result(null, 0, 5)
    expect(await w.clock.run(() => one.commit([a]))).toMatchObject({ committed: [a], refused: [], held: [] })
    expect((await w.table('orders')).snapshots).toHaveLength(1)
    expect(await recordsNow()).toBe('5')
  })

  test('that had not landed is built anew', async () => {
    onCommit('lost-before')
    const one = await committer()
    expect((await w.clock.run(() => one.commit([result(null, 0, 5)]))).committed).toHaveLength(1)
    expect(await recordsNow()).toBe('5')
  })

  test('that lands after the retry meets a conflict: its rows are there once', async () => {
    onCommit({ lateMs: 60_000 })
    const one = await committer()
    expect((await w.clock.run(() => one.commit([result(null, 0, 5)]))).committed).toHaveLength(1)
    await w.clock.advanceBy(120_000)
    expect(await recordsNow()).toBe('5')
    expect((await w.table('orders')).snapshots).toHaveLength(1)
  })

  test('that had landed beneath a commit of others is found among the ancestors', async () => {
    onCommit('lost-after')
    const [one, two] = [await committer(), await committer()]
    const both = await w.clock.run(async () => {
      const first = one.commit([result(null, 0, 5)])
      await w.clock.sleep(100)
      return [await two.commit([result(0, 5, 9)]), await first]
    })
    expect(both.map(({ committed }) => committed.length)).toEqual([1, 1])
    expect(await recordsNow()).toBe('9')
  })

  test('while the catalog can not be asked is told, and the table is not given up', async () => {
    onCommit('lost-after')
    const one = await committer()
    let loads = 0
    const fault = w.faults.catalog
    w.faults.catalog = (operation) =>
      operation.kind === 'load' && ++loads === 2 ? new WorkError('gone for now', { retry: 'later' }) : fault(operation)
    await expect(w.clock.run(() => one.commit([result(null, 0, 5)]))).rejects.toMatchObject({ retry: 'later' })
    expect((await w.clock.run(() => one.commit([result(null, 0, 5)]))).refused).toHaveLength(1)
    expect(await recordsNow()).toBe('5')
  })

  test('of a commit that was given up is found by the next one', async () => {
    onCommit('lost-after')
    const one = await committer()
    const [a, b] = [result(null, 0, 5), result(0, 5, 9)]
    let loads = 0
    const fault = w.faults.catalog
    w.faults.catalog = (operation) =>
      operation.kind === 'load' && ++loads === 2 ? new WorkError('gone for now', { retry: 'later' }) : fault(operation)
    await expect(w.clock.run(() => one.commit([a]))).rejects.toMatchObject({ retry: 'later' })
    expect(await w.clock.run(() => one.commit([a, b]))).toMatchObject({ committed: [a], refused: [], held: [b] })
    expect(await w.clock.run(() => one.commit([b]))).toMatchObject({ committed: [b], refused: [] })
    expect(await recordsNow()).toBe('9')
  })
})

test('a catalog that confirms what it does not have is not believed', async () => {
  const before = (await w.catalog.loadTable(name))!
  let asked = 0
  const lying: Catalog = {
    ...w.catalog,
    commitTable: async (...request) => (++asked === 1 ? { kind: 'committed', table: before } : w.catalog.commitTable(...request)),
  }
  const one = await committer(lying)
  expect((await w.clock.run(() => one.commit([result(null, 0, 5)]))).committed).toHaveLength(1)
  expect(w.linesOf('warn', 'the catalog confirmed a commit that its answer does not show')).toHaveLength(1)
  expect(await recordsNow()).toBe('5')
})

test('a refused commit is told with the catalog’s reason', async () => {
  const one = await committer(answering(() => ({ kind: 'refused', reason: 'no such permission' })))
  await expect(one.commit([result(null, 0, 5)])).rejects.toMatchObject({
    message: 'table analytics.orders: the catalog refused the commit: no such permission',
    retry: 'later',
  })
})

test('each attempt has an idempotency key of its own, since a conflict would be answered again', async () => {
  const keys: string[] = []
  const catalog: Catalog = {
    ...w.catalog,
    commitTable(table, request) {
      keys.push(request.idempotencyKey)
      return w.catalog.commitTable(table, request)
    },
  }
  onCommit('conflict', 'lost-before')
  const one = await committer(catalog)
  expect((await w.clock.run(() => one.commit([result(null, 0, 5)]))).committed).toHaveLength(1)
  expect(keys).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/) as unknown))
  expect(new Set(keys).size).toBe(3)
})

test('nothing that was written is removed, whatever the outcome', async () => {
  const removed: string[] = []
  const io = { ...w.io, remove: async (uri: string) => void removed.push(uri) }
  onCommit('conflict', 'lost-before', 'lost-after')
  const one = new TableCommitter(sourceId, name, 'test', await w.table('orders'), { ...w.seams, io })
  await w.clock.run(() => one.commit([result(null, 0, 5)]))
  expect(removed).toEqual([])
})

test('an answer of the catalog that was overtaken by a commit of this process is no loss', async () => {
  const overtaken = Promise.withResolvers<void>()
  let loads = 0
  const one = await committer({
    ...w.catalog,
    async loadTable(...asked) {
      const loaded = await w.catalog.loadTable(...asked)
      if (++loads === 1) await overtaken.promise
      return loaded
    },
  })
  const slow = one.load()
  await w.clock.run(() => one.commit([result(null, 0, 5)]))
  overtaken.resolve()
  expect((await slow).state.snapshotId).toBeNull()
  // What was committed is known all the same.
  expect((await one.load()).state.snapshotId).not.toBeNull()
})

test('a table that lost what this process saw committed is stopped, without any trace of it in the metadata', async () => {
  const one = await committer()
  const empty = await w.catalog.loadTable(name)
  await one.commit([result(null, 0, 5)])
  const forgetful = { ...w.catalog }
  Object.assign(w.catalog, { loadTable: async () => empty })
  await expect(one.load()).rejects.toMatchObject({
    retry: 'never',
    message: expect.stringMatching(/^table analytics\.orders is stopped: this process had materialized orders\/0 \[0, 5\)/),
  })
  Object.assign(w.catalog, forgetful)
})

test('the watermark is the least of the partitions’ highest timestamps and never goes back', async () => {
  const one = await committer()
  const early = result(null, 0, 5)
  const late = { ...early, parts: [{ ...early.parts[0], maxTimestampMs: 50 }] }
  const elsewhere = { ...early, files: [], parts: [{ ...early.parts[0], at: { topic: 'orders', partition: 1 }, maxTimestampMs: 20 }] }
  const watermark = async () => (await w.table('orders')).snapshots?.at(-1)?.summary['kafscale.processor.watermark-ms']
  await one.commit([late])
  expect(await watermark()).toBe('50')
  await one.commit([elsewhere])
  expect(await watermark()).toBe('50')
  await one.commit([
    { ...result(0, 5, 9), parts: [{ ...result(0, 5, 9).parts[0], at: { topic: 'orders', partition: 1 }, maxTimestampMs: 90 }] },
  ])
  expect(await watermark()).toBe('50')
})

test.each([
  ['judges them anew and commits them, after an hour', 3_600_000, 1],
  ['refuses them, after 13 hours', 13 * 3_600_000, 0],
])('a process that stood still between judging results and sending them %s', async (_, stoodMs, files) => {
  let stood = 0
  let commits = 0
  w.faults.catalog = ({ kind }) => {
    if (kind === 'commit') commits++
    return 'none'
  }
  const io: World['io'] = {
    ...w.io,
    async write(...asked) {
      const written = await w.io.write(...asked)
      // The last file of the first attempt: the next thing is the request.
      if (asked[0].includes('/snap-') && stood++ === 0) await w.clock.sleep(stoodMs)
      return written
    },
  }
  const asked = result(null, 0, 5)
  const own = new TableCommitter(sourceId, name, 'test', await w.table('orders'), { ...w.seams, io })
  const report = await w.clock.run(() => own.commit([asked]))
  expect([report.committed.length, report.refused.length, commits]).toEqual([files, 1 - files, files])
  expect((await w.table('orders')).snapshots ?? []).toHaveLength(files)
  expect(w.linesOf('info', 'a commit was not sent, since it was judged too long ago; building anew')).toHaveLength(1)
})

describe('whose process stood still while another committed and an expiry took the snapshot that it had loaded', () => {
  /** A committer that looks at the manifest list of the current snapshot for the `nth` time only when that is gone. */
  async function late(nth: number): Promise<TableCommitter> {
    const { 'manifest-list': list, 'snapshot-id': id } = currentSnapshot(await w.table('orders'))!
    let reads = 0
    const read: World['io']['read'] = async (path, ...more) => {
      if (path !== list || ++reads !== nth) return w.io.read(path, ...more)
      await (await committer()).commit([result(0, 5, 9)])
      await w.catalog.commitTable(name, {
        requirements: [],
        updates: [{ action: 'remove-snapshots', 'snapshot-ids': [id] }],
        idempotencyKey: 'expired',
      })
      await w.warehouse.remove(list.replace('s3://warehouse/', ''))
      return w.io.read(path, ...more)
    }
    return new TableCommitter(sourceId, name, 'test', await w.table('orders'), { ...w.seams, io: { ...w.io, read } })
  }

  test('builds its commit anew', async () => {
    await (await committer()).commit([result(null, 0, 5)])
    const twice = result(0, 5, 9)
    expect(await (await late(2)).commit([twice, result(5, 9, 12)])).toMatchObject({ refused: [{ result: twice }] })
    expect(await rangesNow()).toEqual([[0n, 12n]])
    expect(await recordsNow()).toBe('12')
  })

  test('is not stopped for progress that can not be read any more', async () => {
    await (await committer()).commit([result(null, 0, 5)])
    const many = Array.from({ length: 300 }, (_, i) => ({
      source: sourceId,
      at: { topic: `t${i}`, partition: 0 },
      ranges: [[0n, 5n]] as const,
    }))
    await (await committer()).changeState(async (state) => ({ ...state, progress: unionProgress(state.progress, progressOf(many)) }))
    const { state } = await (await late(1)).load()
    expect(decidedRanges(state.progress, sourceId, at)).toEqual([[0n, 9n]])
  })
})
