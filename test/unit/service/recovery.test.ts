import { describe, expect, test } from 'vitest'
import type { CatalogFault } from '../../../src/drivers/catalog/memory.ts'
import type { DataFile } from '../../../src/formats/iceberg/data-file.ts'
import { currentSchema, currentSnapshot } from '../../../src/formats/iceberg/table-metadata.ts'
import { segmentKey } from '../../../src/formats/kfs/segment-key.ts'
import { WorkError } from '../../../src/model/failure.ts'
import { inProcessQueue } from '../../../src/drivers/queue/in-process.ts'
import { defaultPrices } from '../../../src/pipeline/backfill/bill.ts'
import type { TaskResult } from '../../../src/pipeline/flow.ts'
import { Backfiller } from '../../../src/service/backfill/backfiller.ts'
import type { TablePayload } from '../../../src/service/tasks/task-payload.ts'
import { carryOut } from '../../../src/service/tasks/worker.ts'
import type { ProcessorDocument } from '../../../src/spec/document.ts'
import { recoverDocument, type RecoverOptions, type TableRecovery } from '../../../src/service/recover/recovery.ts'
import { load, smallest } from '../spec/documents.ts'
import { commitForeign, liveEntries, positionDeletes, rollBack } from './foreign-commit.ts'
import { loseEverythingOfOurs, loseProgress } from './lost-progress.ts'
import { at, batch } from './segments.ts'
import { verify } from './verifying.ts'
import { namespace, rowsOf, sourceId, world, type World } from './world.ts'

function documentOf(onError: 'stop' | 'skip'): ProcessorDocument {
  return load(
    smallest((plain) => {
      plain.spec.source.topics = ['*']
      plain.spec.sink = { database: namespace[0] }
      plain.spec.mappings = [{ topic: '*', value: { format: 'binary' }, onError }]
    }),
  )
}

async function recover(own: World, options: Partial<RecoverOptions> = {}, onError: 'stop' | 'skip' = 'stop'): Promise<TableRecovery> {
  const document = documentOf(onError)
  const asked = { from: 'rows', table: null, exact: false, passed: null, commit: false, progress: () => undefined, ...options } as const
  const { tables } = await own.clock.run(() => recoverDocument(document, { id: sourceId, prefix: 'p/' }, own.seams, asked))
  return tables[0]
}

function boundsOf({ lowerBounds, upperBounds }: DataFile, id: number, value: Uint8Array): Partial<DataFile> {
  return { lowerBounds: new Map([...lowerBounds!, [id, value]]), upperBounds: new Map([...upperBounds!, [id, value]]) }
}

function stopped(own: World): string {
  return own
    .linesOf('error')
    .map(({ message, fields }) => `${message} ${(fields?.['error'] as Error | undefined)?.message}`)
    .join()
}

async function filled(starts: readonly bigint[]): Promise<World> {
  const own = world()
  for (const start of starts) {
    await own.write(at, start, [batch(start, 10)])
    await own.clock.run(() => own.clock.sleep(60_000))
    await own.runOnce()
  }
  return own
}

describe('a table whose progress is lost', () => {
  test('is stopped, shows what its rows tell, and goes on only once that was confirmed', async () => {
    const own = await filled([0n, 10n, 20n])
    await loseProgress(own, at.topic)
    await own.write(at, 30n, [batch(30n, 10)])
    expect(await own.runOnce()).toBe(false)
    const shown = await recover(own)
    expect(shown).toMatchObject({ done: false, problem: null, sound: null })
    expect(shown.partitions).toMatchObject([{ ...at, decided: [[0n, 30n]], rows: 30n, removed: 0n, holes: [], gaps: [], duplicates: [] }])
    expect(await own.runOnce()).toBe(false)
    expect(await recover(own, { commit: true })).toMatchObject({ done: true })
    expect(await own.runOnce()).toBe(true)
    expect(await own.rows(at.topic)).toEqual(rowsOf(at, 0, 40))
  })

  test('and which nothing of ours tells of any more, a copy perhaps, is stopped until somebody has recovered it', async () => {
    const own = await filled([0n])
    await loseEverythingOfOurs(own, at.topic)
    expect(await own.runOnce()).toBe(false)
    expect(stopped(own)).toContain('recover --from-rows')
    await recover(own, { commit: true })
    expect(await own.runOnce()).toBe(true)
    expect(await own.rows(at.topic)).toEqual(rowsOf(at, 0, 10))
  })

  test.each<[string, boolean, (file: DataFile, id: (name: string) => number) => Partial<DataFile>]>([
    ['another topic', true, (file, id) => boundsOf(file, id('kafka_topic'), Buffer.from('shipments'))],
    ['no offsets', true, (file, id) => ({ nullValueCounts: new Map([[id('kafka_offset'), file.recordCount]]) })],
    [
      'nobody knows what, without statistics',
      false,
      () => ({ lowerBounds: undefined, upperBounds: undefined, nullValueCounts: undefined }),
    ],
  ])('with rows of others that have %s: is fed %s', async (_, isFed, change) => {
    const own = await filled([0n])
    await loseEverythingOfOurs(own, at.topic)
    const { fields } = currentSchema(await own.table(at.topic))
    const [{ dataFile }] = await liveEntries(own, at.topic)
    const changed = { ...dataFile, ...change(dataFile, (name) => fields.find((field) => field.name === name)!.id) }
    await commitForeign(own, at.topic, { remove: [dataFile.filePath] })
    await commitForeign(own, at.topic, { add: [changed] })
    expect(await own.runOnce()).toBe(isFed)
  })

  test('is another than one whose progress a newer program wrote: nothing is assumed of that', async () => {
    const own = await filled([0n, 10n])
    const newest = (await own.table(at.topic)).snapshots!.at(-1)!
    const catalog = {
      ...own.seams.catalog,
      async loadTable(identifier: { readonly namespace: readonly string[]; readonly name: string }) {
        const loaded = await own.seams.catalog.loadTable(identifier)
        const { snapshots } = loaded!.metadata
        const newer = { ...newest, summary: { ...newest.summary, 'kafscale.processor.version': '4' } }
        return {
          ...loaded!,
          metadata: {
            ...loaded!.metadata,
            snapshots: snapshots!.map((one) => (one['snapshot-id'] === newest['snapshot-id'] ? newer : one)),
          },
        }
      },
    }
    const refused = await recover({ ...own, seams: { ...own.seams, catalog } }, { commit: true })
    expect(refused).toMatchObject({ done: false, partitions: [] })
    expect(refused.problem).toMatch(/progress of format version 4, and this program reads 1, 2 and 3; run the newer version/)
    expect((await own.table(at.topic)).snapshots).toHaveLength(2)
  })

  test('is told the same with and without believing metadata', async () => {
    const own = await filled([0n, 10n, 20n])
    await loseProgress(own, at.topic)
    expect((await recover(own, { exact: true })).partitions).toEqual((await recover(own)).partitions)
  })

  test('has what lies between its rows as holes, as gaps, or as offsets without a row, whichever the segments tell', async () => {
    const own = await filled([0n, 10n])
    await own.write(at, 20n, [batch(20n, 2, { attributes: 48 })])
    await own.write(at, 22n, [batch(22n, 8)])
    await own.runOnce()
    // 30 to 40 never came, and 40 to 50 come too late.
    await own.write(at, 50n, [batch(50n, 10)])
    await own.clock.run(() => own.clock.sleep(60_000))
    await own.runOnce()
    await own.write(at, 40n, [batch(40n, 10)])
    await loseProgress(own, at.topic)
    expect((await recover(own, { commit: true })).partitions).toMatchObject([
      {
        decided: [
          [0n, 30n],
          [50n, 60n],
        ],
        rows: 38n,
        withoutRow: 2n,
        holes: [[40n, 50n]],
        gaps: [[30n, 40n]],
      },
    ])
    expect(await own.runOnce()).toBe(true)
    // A hole is for a backfill: the tail does not go back.
    expect(await own.rows(at.topic)).toHaveLength(38)
  })

  test('has a hole where a segment between its rows can not be read, unless such ones are skipped', async () => {
    const own = await filled([0n])
    const bad = batch(10n, 10)
    bad[70] ^= 1
    await own.write(at, 10n, [bad])
    await own.write(at, 20n, [batch(20n, 10)])
    await own.clock.run(() => own.clock.sleep(60_000))
    await own.runOnce((document) => ((document as { spec: { mappings: object[] } }).spec.mappings[0] = { topic: '*', onError: 'skip' }))
    await loseProgress(own, at.topic)
    expect((await recover(own)).partitions).toMatchObject([{ rows: 20n, withoutRow: 0n, holes: [[10n, 20n]], gaps: [] }])
    const skipping = await recover(own, { commit: true }, 'skip')
    expect(skipping.partitions).toMatchObject([{ rows: 20n, withoutRow: 10n, holes: [], gaps: [] }])
    // From then on the table knows it, whatever the document says.
    expect(await verify(own)).toMatchObject({ findings: [], counts: { skipped: 10n } })
  })

  test('has a hole where an archive keeps a segment between its rows, whether unreadable ones are skipped or not', async () => {
    const own = await filled([0n, 20n])
    await own.write(at, 10n, [batch(10n, 10)])
    await loseProgress(own, at.topic)
    const archived = segmentKey('p/', at, 10n, 'kfs')
    own.faults.store = (operation, key) =>
      operation === 'get' && key === archived ? new WorkError('the object is archived', { retry: 'never' }) : undefined
    for (const onError of ['stop', 'skip'] as const) {
      expect((await recover(own, {}, onError)).partitions).toMatchObject([{ holes: [[10n, 20n]], gaps: [], withoutRow: 0n }])
    }
  })

  test('counts rows that were deleted as decided, as far as it still knows of them', async () => {
    const own = await filled([0n, 10n, 20n])
    await loseProgress(own, at.topic)
    const [{ dataFile }] = (await liveEntries(own, at.topic)).filter((entry) => entry.fileSequenceNumber === 2n)
    await commitForeign(own, at.topic, { deletes: [await positionDeletes(own, dataFile.filePath, [3, 4])] })
    expect((await recover(own)).partitions).toMatchObject([{ decided: [[0n, 30n]], rows: 28n, removed: 2n, holes: [] }])
    await commitForeign(own, at.topic, { remove: [dataFile.filePath] })
    expect((await recover(own)).partitions).toMatchObject([{ decided: [[0n, 30n]], rows: 20n, removed: 10n, holes: [] }])
  })

  test('tells of rows that are there twice', async () => {
    const own = await filled([0n, 10n])
    const [{ dataFile }] = await liveEntries(own, at.topic)
    await commitForeign(own, at.topic, { add: [dataFile] })
    await loseProgress(own, at.topic)
    const [{ rows, duplicates }] = (await recover(own)).partitions
    expect([rows, duplicates.length]).toEqual([20n, 1])
  })

  test('is not recovered from files that are gone', async () => {
    const own = await filled([0n, 10n])
    const [{ dataFile }] = await liveEntries(own, at.topic)
    await loseProgress(own, at.topic)
    await own.warehouse.remove(dataFile.filePath.slice('s3://warehouse/'.length))
    expect(await recover(own, { commit: true })).toMatchObject({ done: false, problem: expect.stringContaining('is gone') as string })
    expect(await own.runOnce()).toBe(false)
  })

  test('is not written to where another writer commits while its rows are read', async () => {
    const own = await filled([0n, 10n])
    await loseProgress(own, at.topic)
    let looks = 0
    own.faults.catalog = async ({ kind }): Promise<CatalogFault> => {
      // The second look is the one before the commit.
      if (kind === 'load' && ++looks === 2) {
        own.faults.catalog = () => 'none'
        await commitForeign(own, at.topic, {})
      }
      return 'none'
    }
    expect((await recover(own, { commit: true })).problem).toContain('another writer has committed')
  })
})

test('a table whose progress is known is left alone', async () => {
  const own = await filled([0n])
  const { snapshots } = await own.table(at.topic)
  expect(await recover(own, { commit: true })).toMatchObject({ sound: 'its progress is known', done: false })
  expect(await recover(own, { commit: true, from: 'rollback' })).toMatchObject({ sound: 'it was not rolled back', done: false })
  expect((await own.table(at.topic)).snapshots).toEqual(snapshots)
})

describe('a table that was rolled back', () => {
  async function rolledBack(): Promise<World> {
    const own = await filled([0n, 10n, 20n])
    const [, second] = (await own.table(at.topic)).snapshots!
    await rollBack(own, second['snapshot-id'])
    return own
  }

  test('shows which offsets it lost, and materializes them again once that was confirmed', async () => {
    const own = await rolledBack()
    expect(await own.runOnce()).toBe(false)
    const lost = [{ source: sourceId, ...at, ranges: [[20n, 30n]], offsets: 10n }]
    expect(await recover(own, { from: 'rollback' })).toMatchObject({ lost, done: false, problem: null })
    expect(await own.runOnce()).toBe(false)
    expect(await recover(own, { from: 'rollback', commit: true })).toMatchObject({ lost, done: true })
    expect(await own.runOnce()).toBe(true)
    expect(await own.rows(at.topic)).toEqual(rowsOf(at, 0, 30))
  })

  test('did not lose what was abandoned before, when its source moved or an earlier rollback was accepted', async () => {
    const own = await rolledBack()
    const elsewhere = 's3://elsewhere/p/'
    expect(await own.runOnce(undefined, { acceptRollback: true })).toBe(true)
    expect(await own.runOnce(undefined, { id: elsewhere, sourceMoved: sourceId })).toBe(true)
    const before = currentSnapshot(await own.table(at.topic))!
    await own.write(at, 30n, [batch(30n, 10)])
    await own.clock.run(() => own.clock.sleep(60_000))
    expect(await own.runOnce(undefined, { id: elsewhere })).toBe(true)
    await rollBack(own, before['snapshot-id'])
    expect(await recover(own, { from: 'rollback' })).toMatchObject({
      lost: [{ source: elsewhere, ...at, ranges: [[30n, 40n]], offsets: 10n }],
      problem: null,
    })
  })

  test('is not recovered from its rows, which is another question', async () => {
    expect((await recover(await rolledBack(), { commit: true })).problem).toContain('run with --accept-rollback')
  })
})

describe('a table that was replaced', () => {
  /** As `CREATE OR REPLACE TABLE … AS SELECT … FROM` itself leaves it, without the rows of the last commit. */
  async function replaced(): Promise<World> {
    const own = await filled([0n, 10n, 20n])
    const kept = (await liveEntries(own, at.topic)).filter(({ sequenceNumber }) => sequenceNumber! < 3n)
    await commitForeign(own, at.topic, { add: kept.map(({ dataFile }) => dataFile), replaces: true })
    return own
  }

  test('and has its rows still is not filled again beside them, whoever accepts that: its rows tell', async () => {
    const own = await replaced()
    for (const acceptRollback of [false, true]) {
      expect(await own.runOnce(undefined, { acceptRollback })).toBe(false)
      expect(stopped(own)).toContain('recover --from-rows')
      expect(await own.rows(at.topic)).toEqual(rowsOf(at, 0, 20))
    }
    expect((await recover(own, { from: 'rollback', commit: true })).problem).toContain('recover --from-rows')
    expect(await recover(own)).toMatchObject({ problem: null, partitions: [{ ...at, decided: [[0n, 20n]], rows: 20n }] })
    expect(await recover(own, { commit: true })).toMatchObject({ done: true })
    expect(await own.runOnce()).toBe(true)
    expect(await own.rows(at.topic)).toEqual(rowsOf(at, 0, 30))
    expect((await verify(own)).findings).toEqual([])
  })

  /** As above, of a log that was restarted; `isLeftOut`: without the column that tells the two apart. */
  async function replacedOfRestarted(isLeftOut: boolean): Promise<World> {
    const own = await filled([0n, 10n])
    await own.clock.run(() => own.clock.sleep(3_600_000))
    for (const end of ['kfs', 'index'] as const) for (const base of [0n, 10n]) await own.source.remove(segmentKey('p/', at, base, end))
    await own.write(at, 0n, [batch(0n, 4)])
    await own.clock.run(() => own.clock.sleep(60_000))
    expect(await own.runOnce(undefined, { sourceRestarted: true })).toBe(true)
    const kept = await liveEntries(own, at.topic)
    if (isLeftOut) {
      const metadata = await own.table(at.topic)
      const fields = currentSchema(metadata).fields.filter(({ name }) => name !== 'kafka_incarnation')
      const updates = [
        { action: 'add-schema', schema: { ...currentSchema(metadata), fields, 'schema-id': 7 } } as const,
        { action: 'set-current-schema', 'schema-id': -1 } as const,
      ]
      const outcome = await own.catalog.commitTable(
        { namespace, name: at.topic },
        { requirements: [], updates, idempotencyKey: 'replaced' },
      )
      expect(outcome.kind).toBe('committed')
    }
    await commitForeign(own, at.topic, { add: kept.map(({ dataFile }) => dataFile), replaces: true })
    return own
  }

  test('and has no column that tells the logs apart any more is to be made anew: its rows tell nothing', async () => {
    const own = await replacedOfRestarted(true)
    expect(await own.runOnce()).toBe(false)
    expect((await recover(own, { commit: true })).problem).toMatch(/one offset means several records. `backfill --all --into` brings/)
    const seams = { ...own.seams, queue: inProcessQueue<TablePayload, TaskResult>(), carryOut }
    const anew = await Backfiller.open(
      documentOf('stop'),
      at.topic,
      { kind: 'table', name: 'anew' },
      {},
      { id: sourceId, prefix: 'p/' },
      seams,
    )
    const wish = { topic: at.topic, partitions: null, from: null, to: null, missing: false, newestFirst: false }
    const { backfill } = await anew!.bill(wish, 'command', defaultPrices)
    await anew!.ask(backfill)
    await own.clock.run(() => anew!.carryOut(backfill, new AbortController().signal, () => undefined))
    expect(await own.rows('anew')).toEqual(rowsOf(at, 0, 4))
  })

  test('and whose log was restarted goes on from the snapshot that the message names', async () => {
    const own = await replacedOfRestarted(false)
    expect(await own.runOnce()).toBe(false)
    const { problem } = await recover(own, { commit: true })
    expect(problem).toContain('one offset means several records. Snapshot ')
    const [, named] = /set_current_snapshot\('analytics.orders', (\d+)\)/.exec(problem!)!
    expect(await own.rows(at.topic)).toHaveLength(24)
    await rollBack(own, BigInt(named))
    await own.write(at, 4n, [batch(4n, 2)])
    await own.clock.run(() => own.clock.sleep(60_000))
    expect(await own.runOnce()).toBe(true)
    expect(await own.rows(at.topic)).toEqual([...rowsOf(at, 0, 20), ...rowsOf(at, 0, 6)].sort())
  })

  test('and has no row is filled again once that was accepted', async () => {
    const own = await filled([0n, 10n])
    await commitForeign(own, at.topic, { replaces: true })
    expect(await own.runOnce()).toBe(false)
    expect(await own.runOnce(undefined, { acceptRollback: true })).toBe(true)
    expect(await own.rows(at.topic)).toEqual(rowsOf(at, 0, 20))
  })
})
