import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { openDocument } from '../../../src/compose.ts'
import { memoryJournal } from '../../../src/drivers/journal/memory.ts'
import { currentSnapshot } from '../../../src/formats/iceberg/table-metadata.ts'
import { type Compaction, compactTables } from '../../../src/service/maintain/compact-tables.ts'
import type { ProcessorDocument } from '../../../src/spec/document.ts'
import { addSegment, documentOf, loadMetadata, restOnS3, runOnce } from '../program.ts'
import { type Engine, readTable } from '../readers.ts'
import { type Spark, startSpark } from '../spark.ts'
import { verify } from '../verified.ts'

const database = `compaction_${process.pid}`
let directory: string
let spark: Spark
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'compaction-'))
  spark = await startSpark(inject('s3'), inject('restCatalogUri'))
}, 30 * 60_000)
afterAll(async () => {
  await spark?.stop()
  await rm(directory, { recursive: true, force: true })
})

/** A topic with a table in the REST catalog, of six files with ten rows each, from the offset `first` on. */
async function world(
  topic: string,
  first = 0,
): Promise<{ document: ProcessorDocument; add(base: number): Promise<void>; name: string; findings(): Promise<string[]> }> {
  const bucket = join(directory, topic)
  const parts = { place: restOnS3(), source: { directory: bucket }, database }
  const document = documentOf(parts)
  const add = async (base: number) => {
    const records = Array.from({ length: 10 }, (_, i) => ({ value: Buffer.from(`v${base + i}`) }))
    await addSegment(bucket, { topic, partition: 0 }, BigInt(first + base), records)
    expect(await runOnce(document)).toMatchObject({ errors: '', ok: true })
  }
  for (let i = 0; i < 6; i++) await add(i * 10)
  /** What every way of verifying finds in the table; they agree. */
  const findings = async () => {
    const all = await Promise.all([[], ['--exact'], ['--values']].map((options) => verify(parts, '--table', topic, ...options)))
    expect(all.map(({ tables }) => tables[0].problem)).toEqual([null, null, null])
    expect(all.slice(1).map((one) => one.findings)).toEqual([all[0].findings, all[0].findings])
    return [...all[0].findings]
  }
  return { document, add, name: `ice.${database}.${topic}`, findings }
}

async function compact(document: ProcessorDocument): Promise<Compaction> {
  const { source, seams, close } = await openDocument(document, memoryJournal())
  try {
    const [{ done, problem }] = await compactTables(document, undefined, source, seams, { dryRun: false })
    expect(problem).toBeNull()
    return done!
  } finally {
    await close()
  }
}

/** Compacts, and compares what Spark and the others read before and after. */
async function compactAlike(
  topic: string,
  { document, name }: Awaited<ReturnType<typeof world>>,
  columns: string,
  others: readonly Engine[],
) {
  const all = `SELECT ${columns} FROM ${name}`
  const before = await spark.sql(all)
  const done = await compact(document)
  expect(done.report).toMatchObject({ refused: 0, failed: 0 })
  const metadata = await loadMetadata(document, topic)
  expect(currentSnapshot(metadata)?.summary).toMatchObject({
    operation: 'replace',
    'total-data-files': '1',
    'total-delete-files': '0',
    'total-position-deletes': '0',
    'total-equality-deletes': '0',
    'total-records': String(before.length),
  })
  expect(await spark.sql(all)).toEqual(before)
  for (const engine of others) expect(await readTable(engine, restOnS3().reader, [database, topic]), engine).toEqual(before)
  return { done, before }
}

test.each(['file', 'partition'])('position deletes that Spark wrote, one file for each %s, are applied', async (granularity) => {
  const topic = `position_${granularity}`
  const made = await world(topic)
  await spark.sql(
    `ALTER TABLE ${made.name} SET TBLPROPERTIES ('write.delete.mode' = 'merge-on-read', 'write.delete.granularity' = '${granularity}')`,
  )
  await spark.sql(`DELETE FROM ${made.name} WHERE kafka_offset % 7 = 3`)
  await spark.sql(`DELETE FROM ${made.name} WHERE kafka_offset BETWEEN 20 AND 24`)
  expect(currentSnapshot(await loadMetadata(made.document, topic))?.summary['total-position-deletes']).toBe('13')
  const { done } = await compactAlike(topic, made, '*', ['pyiceberg', 'duckdb'])
  expect(done.report).toMatchObject({ inputFiles: 6, outputFiles: 1, rowsDeleted: 13n })
})

test('deletion vectors that Spark wrote are applied, and rows keep their ids', async () => {
  const made = await world('vectors')
  await spark.sql(`ALTER TABLE ${made.name} SET TBLPROPERTIES ('format-version' = '3', 'write.delete.mode' = 'merge-on-read')`)
  await spark.sql(`DELETE FROM ${made.name} WHERE kafka_offset % 7 = 3 OR kafka_offset BETWEEN 21 AND 23`)
  const rows = await spark.sql(`SELECT * FROM ${made.name}`)
  const { before } = await compactAlike('vectors', made, 'kafka_offset, value, _row_id, _last_updated_sequence_number', [])
  expect(before).toHaveLength(60 - 9 - 3)
  expect(before.some((row) => row.includes('null'))).toBe(false)
  expect(await readTable('duckdb', restOnS3().reader, [database, 'vectors'])).toEqual(rows)
})

test('equality deletes that were written by Iceberg’s Java API are applied, those of earlier and of later rows too', async () => {
  // Java takes a smaller number from Python for an int.
  const first = 10_000_000_000
  const made = await world('equality', first)
  await spark.deleteEqual(`${database}.equality`, 'kafka_offset', [first + 1, first + 15, first + 55, first + 65])
  const by = String(currentSnapshot(await loadMetadata(made.document, 'equality'))!['snapshot-id'])
  const missing = [1, 15, 55].map((offset) => `missing equality/0 [${first + offset}, ${first + offset + 1}) ${by}`)
  expect(await made.findings()).toEqual(missing)
  // Rows that came after the deletes stay, whatever they are equal to.
  await made.add(60)
  await spark.sql(`ALTER TABLE ${made.name} SET TBLPROPERTIES ('write.delete.mode' = 'merge-on-read')`)
  await spark.sql(`DELETE FROM ${made.name} WHERE kafka_offset = ${first + 2}`)
  const { done, before } = await compactAlike('equality', made, '*', ['pyiceberg', 'duckdb'])
  expect(before).toHaveLength(66)
  expect(done.report).toMatchObject({ inputFiles: 7, rowsDeleted: 4n })
  expect((await made.findings()).filter((text) => text.endsWith(by))).toEqual(missing)
  // What is compacted already is deleted from by later ones.
  await spark.deleteEqual(`${database}.equality`, 'kafka_offset', [first + 3])
  expect(await spark.sql(`SELECT kafka_offset FROM ${made.name} WHERE kafka_offset < ${first + 5}`)).toEqual(
    [0, 4].map((offset) => JSON.stringify({ kafka_offset: String(first + offset) })),
  )
  await compactAlike('equality', made, '*', ['pyiceberg', 'duckdb'])
})
