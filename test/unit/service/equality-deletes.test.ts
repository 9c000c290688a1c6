import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inProcessQueue } from '../../../src/drivers/queue/in-process.ts'
import { readManifestList } from '../../../src/formats/iceberg/manifest-list.ts'
import { currentSchema, currentSnapshot } from '../../../src/formats/iceberg/table-metadata.ts'
import { compactTables } from '../../../src/service/maintain/compact-tables.ts'
import { readEqualityDeletes } from '../../../src/service/verify/equality-positions.ts'
import type { TaskResult } from '../../../src/pipeline/flow.ts'
import { carryOutRewrite } from '../../../src/service/tasks/rewrite-task.ts'
import { liveFiles } from '../../../src/service/verify/table-books.ts'
import type { TablePayload } from '../../../src/service/tasks/task-payload.ts'
import { DeletedRows } from '../../../src/pipeline/verify/deleted-rows.ts'
import { carryOut } from '../../../src/service/tasks/worker.ts'
import { load, smallest } from '../spec/documents.ts'
import { commitForeign, equalityDeletes, liveEntries } from './foreign-commit.ts'
import { at, batch, record } from './segments.ts'
import { verify } from './verifying.ts'
import { namespace, sourceId, type World, world } from './world.ts'

const other = { ...at, partition: 1 }

/** Files of ten rows each, of which each two have one value. */
async function filled(files: number, partitionBy: readonly string[] = []): Promise<World> {
  const own = world()
  for (let file = 0; file < files; file++) {
    for (const one of partitionBy.length > 0 ? [at, other] : [at]) {
      const records = Array.from({ length: 10 }, (_, i) => record(`v${i >> 1}`))
      await own.write(one, BigInt(file * 10), [batch(BigInt(file * 10), records)])
    }
    await own.runOnce((document) => {
      if (partitionBy.length > 0) document.spec.mappings = [{ topic: '*', value: { format: 'binary' }, partitionBy }]
    })
  }
  return own
}

/** What every way of verifying finds, which must be the same. */
async function found(own: World): Promise<string[]> {
  const [cheap, ...more] = [await verify(own), await verify(own, { exact: true }), await verify(own, { values: 'all' })]
  expect([cheap, ...more].map(({ problem }) => problem)).toEqual([null, null, null])
  for (const { findings } of more) expect(findings).toEqual(cheap.findings)
  return cheap.findings.map(({ kind, partition, start, end, snapshot }) => `${kind} ${partition} [${start}, ${end}) ${snapshot}`)
}

/** Rewrites the files of the table, since they are small. */
async function compact({ clock, seams, catalog, io }: World): Promise<void> {
  const document = load(
    smallest((plain) => {
      plain.spec.source.topics = ['*']
      plain.spec.sink = { database: namespace[0] }
      plain.spec.mappings = [{ topic: '*', value: { format: 'binary' } }]
    }),
  )
  const rewrites = { catalog, namespace, io, carryOut: carryOutRewrite }
  const own = { ...seams, queue: inProcessQueue<TablePayload, TaskResult>(), carryOut, rewrites }
  await clock.run(() => compactTables(document, undefined, { id: sourceId, prefix: 'p/' }, own, { dryRun: false }))
}

const deleteBy = async (own: World, column: string, values: readonly unknown[], change = {}) =>
  commitForeign(own, at.topic, {
    deletes: [
      {
        ...(await equalityDeletes(
          own,
          at.topic,
          [column],
          values.map((value) => [value]),
        )),
        ...change,
      },
    ],
  })

describe('rows that equality deletes take out', () => {
  test('are missing, with the snapshot that first did, in files that were there before it and in no others', async () => {
    const own = await filled(2)
    const first = await deleteBy(own, 'value', [Buffer.from('v1'), Buffer.from('none')])
    const second = await deleteBy(own, 'value', [Buffer.from('v1'), Buffer.from('v4')])
    await own.write(at, 20n, [batch(20n, [record('v1'), record('v4')])])
    await own.runOnce()
    const third = await deleteBy(own, 'kafka_offset', [3n, 11n, 21n])
    const expected = [
      `missing 0 [2, 4) ${first}`,
      `missing 0 [8, 10) ${second}`,
      `missing 0 [11, 12) ${third}`,
      `missing 0 [12, 14) ${first}`,
      `missing 0 [18, 20) ${second}`,
      `missing 0 [21, 22) ${third}`,
    ]
    expect(await found(own)).toEqual(expected)
    expect((await verify(own)).counts).toMatchObject({ rows: 12n, decided: 22n })
    expect((await verify(own, { accept: first })).newlyAccepted).toBe(4n)
    expect(await found(own)).toEqual(expected.filter((text) => !text.endsWith(` ${first}`)))
    expect((await verify(own, { retract: 'commit' })).retraction).toEqual({ offsets: 6n, done: true })
    const [{ start }] = (await verify(own)).findings
    expect(start).toBe(8n)
  })

  test('are told with their snapshot after a rewrite that left them out, and those that the rewrite lost with its own', async () => {
    const own = await filled(2)
    const by = await deleteBy(own, 'value', [Buffer.from('v1')])
    const paths = (await liveEntries(own, at.topic))
      .filter(({ dataFile }) => dataFile.content === 0)
      .map(({ dataFile }) => dataFile.filePath)
    const gone = await commitForeign(own, at.topic, { remove: [paths[0]] })
    // What is deleted when the file is gone was not deleted from it.
    const late = await deleteBy(own, 'value', [Buffer.from('v2')])
    const removed = (await liveEntries(own, at.topic)).some(({ dataFile }) => dataFile.filePath === paths[0])
    expect(removed).toBe(false)
    const texts = await found(own)
    const ofGone = texts.filter((text) => text.endsWith(` ${gone}`))
    expect(ofGone).toHaveLength(2)
    expect(texts.filter((text) => text.endsWith(` ${by}`))).toHaveLength(2)
    expect(texts.filter((text) => text.endsWith(` ${late}`))).toHaveLength(1)
  })

  test('are those of their partition alone', async () => {
    const own = await filled(1, ['kafka_partition'])
    const by = await deleteBy(own, 'value', [Buffer.from('v3')], { partition: [1] })
    expect(await found(own)).toEqual([`missing 1 [6, 8) ${by}`])
  })

  test('are told whether a file was rewritten by us or not', async () => {
    const own = await filled(2)
    const by = await deleteBy(own, 'value', [Buffer.from('v0')])
    const before = await found(own)
    expect(before).toEqual([`missing 0 [0, 2) ${by}`, `missing 0 [10, 12) ${by}`])
    await compact(own)
    expect((await liveEntries(own, at.topic)).map(({ dataFile }) => [dataFile.content, dataFile.recordCount])).toEqual([[0, 16n]])
    expect(await found(own)).toEqual(before)
  })

  test('leave the table not judged where they can not be read', async () => {
    const avro = await filled(1)
    const by = await deleteBy(avro, 'value', [Buffer.from('v0')], { fileFormat: 'AVRO' })
    expect((await verify(avro)).problem).toContain(`snapshot ${by} wrote equality deletes in AVRO`)
    const lacking = await filled(1)
    await deleteBy(lacking, 'value', [Buffer.from('v0')], { equalityIds: [3] })
    expect((await verify(lacking)).problem).toMatch(/the deletes in .* can not be read: .* it lacks column kafka_offset/)
  })

  test('are all told, however scattered they are in one batch', async () => {
    const own = world()
    await own.write(at, 0n, [batch(0n, 24_000)])
    await own.runOnce()
    const by = await deleteBy(
      own,
      'kafka_offset',
      Array.from({ length: 12_000 }, (_, i) => BigInt(2 * i)),
    )
    const { findings, counts } = await verify(own)
    expect(findings).toHaveLength(12_000)
    expect(new Set(findings.map(({ kind, snapshot }) => `${kind} ${snapshot}`))).toEqual(new Set([`missing ${by}`]))
    expect(counts).toMatchObject({ rows: 12_000n, skipped: 0n })
    expect((await verify(own, { retract: 'commit' })).retraction).toEqual({ offsets: 12_000n, done: true })
    expect((await verify(own)).counts).toMatchObject({ rows: 12_000n, decided: 12_000n })
  })

  test('are the same however few keys memory is for', async () => {
    const changes = fc.array(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(changes, async (commits) => {
        const own = await filled(2)
        for (const values of commits)
          await deleteBy(
            own,
            'value',
            values.map((value) => Buffer.from(`v${value}`)),
          )
        const metadata = await own.table(at.topic)
        const { manifests } = readManifestList(await own.io.read(currentSnapshot(metadata)!['manifest-list']))
        const named = (name: string) => currentSchema(metadata).fields.find((field) => field.name === name)!
        const columns = { topic: named('kafka_topic'), partition: named('kafka_partition'), offset: named('kafka_offset') }
        const { files, deletes } = await liveFiles(own.io, metadata, manifests, columns)
        const byMemory: unknown[] = []
        for (const memoryBytes of [1, 700, 1_000_000]) {
          const rows = new DeletedRows()
          const reading = (_: unknown, read: () => Promise<void>) => read()
          await readEqualityDeletes(metadata, own.io, files, deletes, { rows, memoryBytes, until: () => null, reading })
          byMemory.push(files.map((file) => Array.from({ length: 10 }, (_, i) => rows.of(file)?.(i)?.snapshot)))
        }
        expect(byMemory[0]).toEqual(byMemory[2])
        expect(byMemory[1]).toEqual(byMemory[2])
      }),
      { numRuns: 20 },
    )
  })
})
