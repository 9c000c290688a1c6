import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { currentSnapshot, type Snapshot, type TableMetadata } from '../../src/formats/iceberg/table-metadata.ts'
import type { ProcessorDocument } from '../../src/spec/document.ts'
import { toRows } from './canonical.ts'
import { type CanonicalRow, theirs } from './canonical.ts'
import { addSegment, documentOf, loadMetadata, restOnS3, runOnce, runUntil, sqliteOnFiles } from './program.ts'
import type { Place } from './program.ts'
import { type Engine, readTable, type TableName, writeTable } from './readers.ts'

const engines: Engine[] = ['pyiceberg', 'duckdb', 'pyarrow']
const database = `foreign_writer_${process.pid}`
const progressKey = 'kafscale.processor.progress'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'foreign-writer-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** A topic with a table of its own in a catalog. */
interface World {
  readonly place: Place
  readonly topic: string
  readonly table: TableName
  readonly document: ProcessorDocument
  /** Adds a segment of this many records, from `base` on. */
  add(base: number, count: number): Promise<void>
  metadata(): Promise<TableMetadata>
}

async function world(topic: string, place?: Place, tables?: object): Promise<World> {
  const own = await mkdtemp(join(directory, `${topic}-`))
  const where = place ?? sqliteOnFiles(own)
  const bucket = join(own, 'bucket')
  const document = documentOf({
    place: where,
    source: { directory: bucket, topics: [topic] },
    database,
    name: topic.replaceAll('_', '-'),
    tables,
  })
  return {
    place: where,
    topic,
    table: [database, topic],
    document,
    add: (base, count) =>
      addSegment(
        bucket,
        { topic, partition: 0 },
        BigInt(base),
        Array.from({ length: count }, (_, i) => ({ value: Buffer.from(`v${base + i}`) })),
      ),
    metadata: () => loadMetadata(document, topic),
  }
}

/** The rows that we make of offsets `from` to `end` (exclusive). */
function ours(topic: string, from: number, end: number): CanonicalRow[] {
  return Array.from({ length: end - from }, (_, i) => ({
    kafka_topic: topic,
    kafka_partition: '0',
    kafka_offset: String(from + i),
    kafka_timestamp: '1767225600000000',
    kafka_key: null,
    kafka_headers: [],
    value: Buffer.from(`v${from + i}`).toString('base64'),
  }))
}

async function expectRows({ place, table }: World, rows: readonly CanonicalRow[]): Promise<void> {
  const read = await Promise.all(engines.map((engine) => readTable(engine, place.reader, table)))
  for (const [i, engine] of engines.entries()) expect(read[i], engine).toEqual(toRows(rows))
}

async function run({ document }: World): Promise<void> {
  expect(await runOnce(document)).toMatchObject({ errors: '', ok: true })
}

const progressOf = (snapshot: Snapshot | null) => snapshot?.summary[progressKey]

describe.each([
  { catalog: 'a SQLite catalog', topic: 'appends', placeOf: () => undefined },
  { catalog: "Iceberg's REST catalog", topic: 'appends_rest', placeOf: () => restOnS3() },
])('between our commits to $catalog', ({ topic, placeOf }) => {
  test('PyIceberg appends, its rows stay, and ours are there exactly once', async () => {
    const table = await world(topic, placeOf())
    await table.add(0, 3)
    await run(table)
    const first = currentSnapshot(await table.metadata())
    await writeTable(table.place.reader, table.table, [{ append: theirs('one') }, { append: theirs('two', 'three') }])
    await run(table)
    const quiet = currentSnapshot(await table.metadata())
    expect(progressOf(quiet), 'the newest snapshot was theirs: an empty one carries the progress on').toContain('[[0,3]]')
    expect(quiet?.summary['added-records']).toBeUndefined()
    await table.add(3, 4)
    await run(table)
    await expectRows(table, [...ours(topic, 0, 7), ...theirs('one', 'two', 'three')])
    const metadata = await table.metadata()
    expect(metadata.snapshots).toHaveLength(5)
    expect(progressOf(first)).toContain('[[0,3]]')
    expect(progressOf(currentSnapshot(metadata))).toContain('[[0,7]]')
    expect(currentSnapshot(metadata)?.summary['total-records']).toBe('10')
  })
})

test('while PyIceberg’s snapshot is the newest, an empty append of ours carries the progress before it can be expired', async () => {
  const table = await world('kept_alive')
  await table.add(0, 2)
  await run(table)
  await writeTable(table.place.reader, table.table, [{ append: theirs('one') }])
  const signal = AbortSignal.timeout(90_000)
  // A service that runs on and looks again within the hour. Its clock goes by half a minute with each sleep of any of its loops, of which there are a few
  // while a commit is built: that must not seem to take so long that it is given up.
  let nowMs = Date.now()
  const found = new AbortController()
  const clock = {
    now: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += Math.min(Math.max(ms, 1000), 30_000)
      await new Promise((resolve) => setTimeout(resolve, 20))
      const newest = currentSnapshot(await table.metadata())
      if (progressOf(newest) !== undefined && newest?.summary['operation'] === 'append' && newest.summary['added-records'] === undefined)
        found.abort()
    },
  }
  await runUntil(AbortSignal.any([signal, found.signal]), table.document, { clock })
  expect(signal.aborted).toBe(false)
  expect(progressOf(currentSnapshot(await table.metadata()))).toContain('[[0,2]]')
  await table.add(2, 1)
  await run(table)
  await expectRows(table, [...ours('kept_alive', 0, 3), ...theirs('one')])
})

test.each([
  { topic: 'rolled_back', how: 'rolls main back', catalog: 'sql' },
  { topic: 'rolled_back_rest', how: 'rolls main back in a REST catalog', catalog: 'rest' },
])('when PyIceberg $how, the table stops, and the message says what would be materialized again', async ({ topic, catalog }) => {
  const table = await world(topic, catalog === 'rest' ? restOnS3() : undefined)
  await table.add(0, 3)
  await run(table)
  const old = currentSnapshot(await table.metadata())
  await table.add(3, 2)
  await run(table)
  await writeTable(table.place.reader, table.table, [{ rollback: String(old?.['snapshot-id']) }])
  await table.add(5, 1)
  const before = await table.metadata()
  const stopped = await runOnce(table.document)
  expect(stopped.ok).toBe(false)
  expect(stopped.errors).toMatch(new RegExp(`table ${database}\\.${topic} is stopped`))
  expect(stopped.errors).toContain(`${topic}/0 [3, 5)`)
  expect(stopped.errors).toContain('--accept-rollback')
  expect(await table.metadata()).toEqual(before)
  await expectRows(table, ours(topic, 0, 3))
})

test('when PyIceberg appends on top of a rollback, the table stops all the same', async () => {
  const table = await world('forked')
  await table.add(0, 3)
  await run(table)
  const old = currentSnapshot(await table.metadata())
  await table.add(3, 2)
  await run(table)
  await writeTable(table.place.reader, table.table, [{ rollback: String(old?.['snapshot-id']) }, { append: theirs('one') }])
  const stopped = await runOnce(table.document)
  expect(stopped.ok).toBe(false)
  expect(stopped.errors).toContain('forked/0 [3, 5)')
  await expectRows(table, [...ours('forked', 0, 3), ...theirs('one')])
})

test('a rolled back table stops no other table', async () => {
  const rolled = await world('rolled_beside')
  await rolled.add(0, 1)
  await run(rolled)
  const old = currentSnapshot(await rolled.metadata())
  await rolled.add(1, 1)
  await run(rolled)
  await writeTable(rolled.place.reader, rolled.table, [{ rollback: String(old?.['snapshot-id']) }])
  const source = rolled.document.spec.source.directory ?? ''
  await addSegment(source, { topic: 'beside', partition: 0 }, 0n, [{ value: Buffer.from('v0') }])
  const both = documentOf({ place: rolled.place, source: { directory: source }, database })
  expect((await runOnce(both)).ok).toBe(false)
  expect(await readTable('pyarrow', rolled.place.reader, [database, 'beside'])).toEqual(toRows(ours('beside', 0, 1)))
})

describe('rows that PyIceberg', () => {
  test('deletes, whole files of them, stay decided and do not come back', async () => {
    const table = await world('dropped')
    await table.add(0, 2)
    await run(table)
    await table.add(2, 2)
    await run(table)
    await writeTable(table.place.reader, table.table, [{ delete: { column: 'kafka_offset', op: '<', value: '2' } }])
    await run(table)
    await table.add(4, 1)
    await run(table)
    await expectRows(table, ours('dropped', 2, 5))
  })

  test('deletes by rewriting a file stay decided and do not come back', async () => {
    const table = await world('rewritten')
    await table.add(0, 4)
    await run(table)
    await writeTable(table.place.reader, table.table, [{ delete: { column: 'kafka_offset', op: '=', value: '1' } }])
    await table.add(4, 1)
    await run(table)
    await expectRows(table, [...ours('rewritten', 0, 1), ...ours('rewritten', 2, 5)])
  })

  test('overwrites stay decided and do not come back', async () => {
    const table = await world('overwritten')
    await table.add(0, 3)
    await run(table)
    await writeTable(table.place.reader, table.table, [{ overwrite: theirs('all that is left') }])
    await table.add(3, 2)
    await run(table)
    await expectRows(table, [...ours('overwritten', 3, 5), ...theirs('all that is left')])
  })
})

test('snapshots that PyIceberg expired until none of ours is left: the copy in the properties counts', async () => {
  const table = await world('expired')
  await table.add(0, 3)
  await run(table)
  await table.add(3, 1)
  await run(table)
  await writeTable(table.place.reader, table.table, [{ append: theirs('one') }])
  const snapshots = (await table.metadata()).snapshots?.filter((snapshot) => progressOf(snapshot) !== undefined) ?? []
  expect(snapshots).toHaveLength(2)
  await writeTable(table.place.reader, table.table, [{ expire: snapshots.map((snapshot) => String(snapshot['snapshot-id'])) }])
  expect((await table.metadata()).snapshots).toHaveLength(1)
  await run(table)
  await table.add(4, 2)
  await run(table)
  await expectRows(table, [...ours('expired', 0, 6), ...theirs('one')])
})

test('snapshots expired and the copy removed: the table stops and nothing is guessed', async () => {
  const table = await world('forgotten')
  await table.add(0, 3)
  await run(table)
  await writeTable(table.place.reader, table.table, [{ append: theirs('one') }])
  const [first] = (await table.metadata()).snapshots ?? []
  await writeTable(table.place.reader, table.table, [{ expire: [String(first['snapshot-id'])] }, { removeProperties: [progressKey] }])
  const stopped = await runOnce(table.document)
  expect(stopped.ok).toBe(false)
  expect(stopped.errors).toContain('recover --from-rows')
  await expectRows(table, [...ours('forgotten', 0, 3), ...theirs('one')])
})

test('tags, branches and statistics of others, and properties of theirs, survive our commits', async () => {
  const table = await world('decorated')
  await table.add(0, 1)
  await run(table)
  const snapshot = String(currentSnapshot(await table.metadata())?.['snapshot-id'])
  await writeTable(table.place.reader, table.table, [
    { tag: 'audit-2026', snapshot },
    { branch: 'experiment', snapshot },
    { statistics: snapshot },
    { properties: { 'owner.note': 'ours to keep' } },
  ])
  const before = await table.metadata()
  await table.add(1, 1)
  await run(table)
  const after = await table.metadata()
  expect(after.refs).toMatchObject({ 'audit-2026': before.refs?.['audit-2026'], experiment: before.refs?.['experiment'] })
  expect(Object.keys(after.refs ?? {}).toSorted()).toEqual(['audit-2026', 'experiment', 'main'])
  expect(after['statistics']).toEqual(before['statistics'])
  expect(after['statistics']).toHaveLength(1)
  expect(after.properties).toMatchObject({ 'owner.note': 'ours to keep' })
  await expectRows(table, ours('decorated', 0, 2))
})

test('a column that PyIceberg adds while we are away stays null in our rows', async () => {
  const table = await world('widened')
  await table.add(0, 1)
  await run(table)
  await writeTable(table.place.reader, table.table, [{ addColumn: 'note' }])
  await table.add(1, 1)
  await run(table)
  await expectRows(
    table,
    ours('widened', 0, 2).map((row) => ({ ...row, note: null })),
  )
})

test('old snapshots leave the metadata of a table of ours, and what a tag of others names stays', async () => {
  const table = await world('bounded', undefined, {
    properties: { 'history.expire.max-snapshot-age-ms': '1', 'history.expire.min-snapshots-to-keep': '1' },
  })
  await table.add(0, 1)
  await run(table)
  const tagged = currentSnapshot(await table.metadata())
  await writeTable(table.place.reader, table.table, [{ tag: 'keep', snapshot: String(tagged?.['snapshot-id']) }])
  await table.add(1, 1)
  await run(table)
  await table.add(2, 1)
  await run(table)
  await table.add(3, 1)
  await run(table)
  const { snapshots = [], 'last-sequence-number': last } = await table.metadata()
  expect(snapshots.map((snapshot) => snapshot['snapshot-id'])).toContain(tagged?.['snapshot-id'])
  expect(snapshots.length).toBeLessThan(Number(last))
  await expectRows(table, ours('bounded', 0, 4))
})
