import { beforeEach, describe, expect, test } from 'vitest'
import type { CatalogFault } from '../../../src/drivers/catalog/memory.ts'
import { currentSnapshot } from '../../../src/formats/iceberg/table-metadata.ts'
import { recoverDocument, type RecoverOptions, type TableRecovery } from '../../../src/service/recover/recovery.ts'
import { load, smallest } from '../spec/documents.ts'
import { commitForeign, liveEntries, positionDeletes } from './foreign-commit.ts'
import { appendAsGo, asGo, createGoTable, offsetsFrom } from './go-table.ts'
import { at, batch } from './segments.ts'
import { verify } from './verifying.ts'
import { namespace, sourceId, type World, world } from './world.ts'

let own: World

/**
 * As the Go processor leaves a table: it began with the second segment, skipped the fourth, which it could not read then, wrote the
 * third twice, since its offset did not reach etcd, and has not come to the last one.
 */
beforeEach(async () => {
  own = world()
  for (const base of [0n, 10n, 20n, 30n, 40n, 50n]) await own.write(at, base, [batch(base, 10)])
  await own.clock.run(() => own.clock.sleep(60_000))
  await createGoTable(own)
  for (const start of [10, 20, 20, 40]) await appendAsGo(own, offsetsFrom(start, start + 10))
})

async function recover(options: Partial<RecoverOptions> = {}): Promise<TableRecovery> {
  const document = load(
    smallest((plain) => {
      plain.spec.source.topics = ['*']
      plain.spec.sink = { database: namespace[0] }
      asGo(plain)
    }),
  )
  const asked = { from: 'rows', table: null, exact: false, passed: null, commit: false, progress: () => undefined, ...options } as const
  const { tables } = await own.clock.run(() => recoverDocument(document, { id: sourceId, prefix: 'p/' }, own.seams, asked))
  return tables[0]
}

async function offsetsInTable(): Promise<number[]> {
  return (await own.plainRows(at.topic)).map(({ offset }) => Number(offset)).sort((a, b) => a - b)
}

describe("a table of KafScale's Go processor", () => {
  test('is not fed before somebody has said what its rows are', async () => {
    expect(await own.runOnce(asGo)).toBe(false)
    const [{ fields }] = own.linesOf('error')
    expect((fields.error as Error).message).toContain('recover --from-rows')
    expect(await offsetsInTable()).toHaveLength(40)
  })

  test('goes on behind its rows, with what it lacks before and between them as holes', async () => {
    const { partitions } = await recover({ commit: true })
    const holes = [
      [0n, 10n],
      [30n, 40n],
    ]
    expect(partitions).toMatchObject([{ ...at, rows: 30n, holes, passed: [], gaps: [], duplicates: [[20n, 30n]] }])
    expect(await own.runOnce(asGo)).toBe(true)
    expect(await offsetsInTable()).toEqual(
      [...offsetsFrom(10, 20), ...offsetsFrom(20, 30), ...offsetsFrom(20, 30), ...offsetsFrom(40, 60)].sort((a, b) => a - b),
    )
    const { findings } = await verify(own, {}, asGo)
    expect(findings.map(({ kind }) => kind).toSorted()).toEqual(['duplicate', 'hole', 'hole'])
  })

  test('has one row of each offset left, where that is chosen, and goes on as before', async () => {
    await recover({ commit: true })
    const shown = await recover({ from: 'duplicates' })
    expect(shown).toMatchObject({ done: false, duplicates: { partitions: [{ ...at, ranges: [[20n, 30n]] }], rows: 10n, files: 1 } })
    expect(await offsetsInTable()).toHaveLength(40)
    expect(await recover({ from: 'duplicates', commit: true })).toMatchObject({ done: true, problem: null })
    expect(await offsetsInTable()).toEqual([...offsetsFrom(10, 30), ...offsetsFrom(40, 50)])
    expect(currentSnapshot(await own.table(at.topic))!.summary).toMatchObject({
      operation: 'delete',
      'deleted-records': '10',
      'deleted-data-files': '1',
    })
    expect(await recover({ from: 'duplicates', commit: true })).toMatchObject({ sound: 'no row is there twice', done: false })
    expect(await own.runOnce(asGo)).toBe(true)
    expect(await offsetsInTable()).toEqual([...offsetsFrom(10, 30), ...offsetsFrom(40, 60)])
  })

  test('has told before what it takes to leave one row of each offset', async () => {
    await recover({ commit: true })
    await appendAsGo(own, [45, 46, 80])
    const asked = { reads: 0, writes: 0 }
    const { read, write } = own.io
    const counted: Partial<World['io']> = {
      read: (...of) => (asked.reads++, read(...of)),
      write: (...of) => (asked.writes++, write(...of)),
    }
    Object.assign(own.seams.io, counted)
    const { duplicates } = await recover({ from: 'duplicates' })
    const looking = asked.reads
    expect([asked.writes, duplicates!.files]).toEqual([0, 2])
    Object.assign(asked, { reads: 0, writes: 0 })
    expect(await recover({ from: 'duplicates', commit: true })).toMatchObject({ done: true, duplicates: { requests: null } })
    // Reads are an upper bound: looking through the table asks what planning asks, too.
    const { get, put } = duplicates!.requests!
    expect(asked.writes).toBe(put)
    expect(asked.reads).toBeLessThanOrEqual(looking + get)
    expect(get).toBeLessThan(asked.reads)
  })

  test('loses no row with its duplicates, however they overlap, in one file and among several, and whatever was deleted', async () => {
    const file = await appendAsGo(own, [10, 70, 70, 25, 71])
    await appendAsGo(own, [71, 25, 72], 1)
    await appendAsGo(own, [72, 70, 12, 48])
    await commitForeign(own, at.topic, { deletes: [await positionDeletes(own, file.filePath, [1])] })
    await recover({ from: 'duplicates', commit: true })
    const rows = (await own.plainRows(at.topic))
      .filter(({ offset }) => offset !== undefined)
      .map(({ partition, offset }) => `${partition as number}:${offset as bigint}`)
    const first = [...offsetsFrom(10, 30), ...offsetsFrom(40, 50), 70, 71, 72].map((offset) => `0:${offset}`)
    expect(rows.toSorted()).toEqual([...first, '1:25', '1:71', '1:72'])
  })

  test('has no row removed where others took rows out meanwhile: theirs may have been the ones to stay', async () => {
    const [{ dataFile }] = await liveEntries(own, at.topic)
    own.faults.catalog = async (operation): Promise<CatalogFault> => {
      if (operation.kind === 'commit') {
        own.faults.catalog = () => 'none'
        await commitForeign(own, at.topic, { remove: [dataFile.filePath] })
      }
      return 'none'
    }
    expect((await recover({ from: 'duplicates', commit: true })).problem).toContain('were changed while they were looked at')
    expect(await offsetsInTable()).toHaveLength(30)
  })

  test('is left as it is where one file was added twice', async () => {
    const [{ dataFile }] = await liveEntries(own, at.topic)
    await commitForeign(own, at.topic, { add: [dataFile] })
    expect((await recover({ from: 'duplicates', commit: true })).problem).toContain('was added to the table twice')
  })

  test('has what its offsets in etcd passed over as decided, where that is chosen', async () => {
    const passed = new Map([[at.topic, new Map([[0, 35n]])]])
    const { partitions } = await recover({ passed, commit: true })
    expect(partitions).toMatchObject([
      {
        decided: [
          [0n, 35n],
          [40n, 50n],
        ],
        holes: [[35n, 40n]],
        passed: [
          [0n, 10n],
          [30n, 35n],
        ],
      },
    ])
    // Nobody is to look for rows there any more.
    const { findings } = await verify(own, {}, asGo)
    expect(findings.map(({ kind, start, end }) => [kind, start, end])).toEqual([
      ['duplicate', 20n, 30n],
      ['hole', 35n, 40n],
    ])
  })

  test('has partitions of which etcd alone knows', async () => {
    const passed = new Map([[at.topic, new Map([[7, 3n]])]])
    expect((await recover({ passed })).partitions.map(({ partition, decided }) => [partition, decided])).toEqual([
      [0, expect.anything()],
      [7, [[0n, 3n]]],
    ])
  })
})

test.each([
  ['int', -1, '-1'],
  ['long', 2 ** 31, '2147483648'],
  ['long', 2 ** 53 + 2, 'about 9007199254740994'],
] as const)('a table with a partition of type %s that is %d is refused, which no Kafka log has', async (type, partition, value) => {
  own = world()
  await own.write(at, 0n, [batch(0n, 10)])
  await createGoTable(own, type)
  await appendAsGo(own, [0, 1])
  await appendAsGo(own, [0, 1], partition)
  const { problem, done } = await recover({ commit: true })
  expect(done).toBe(false)
  expect(problem).toBe(
    `table analytics.orders: its rows do not tell what was materialized: rows of orders have ${value} in column partition, which is no Kafka partition; correct them`,
  )
})

test('a table with an offset below 0 is refused, which no Kafka log has, until its file is taken out', async () => {
  const { filePath } = await appendAsGo(own, [-5, 60])
  expect((await recover({ commit: true })).problem).toMatch(
    /: rows of orders\/0 have -5 in column offset, which is no Kafka offset; correct them$/,
  )
  await commitForeign(own, at.topic, { remove: [filePath] })
  expect(await recover({ commit: true })).toMatchObject({ done: true, problem: null, partitions: [{ removed: 1n }] })
})
