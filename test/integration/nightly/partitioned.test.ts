import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ProcessorDocument } from '../../../src/spec/document.ts'
import type { CanonicalRow } from '../canonical.ts'
import { type AskedEngine, askedEngines, asking, type SqlEngines, startSqlEngines } from '../asking.ts'
import { loadMetadata, restOnS3 } from '../program.ts'
import { byOffset, rewriteTable } from '../rewritten.ts'
import {
  partedNames,
  partedRows,
  type PartedTable,
  partedTables,
  strangers,
  strangerStatements,
  writePartedTables,
} from '../types/parted.ts'
import { copiedNames, copyPartedTables } from '../types/parted-copies.ts'
import { judgeParted, mended, type PartedState } from '../types/parted-verdict.ts'

let directory: string
let sql: SqlEngines
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'partitioned-'))
  sql = await startSqlEngines()
}, 30 * 60_000)
afterAll(async () => {
  await sql?.stop()
  await rm(directory, { recursive: true, force: true })
})

/** Rows that Spark deletes: of both values of a partition, of one, and of the rows of nulls. */
const deleted: ReadonlySet<unknown> = new Set(['1', '2', '4', '11', '-2'])

/** The tables that an engine loads. */
const loadedBy = (engine: AskedEngine, tables = partedNames) => tables.filter((table) => engine !== 'spark' || table !== 'timed')

/** What is there, with all rows or without those that Spark deletes. */
const rowsOf = (table: PartedTable, isDeleted: boolean): CanonicalRow[] =>
  [...partedRows(table), ...strangers(table)].filter(({ kafka_offset: offset }) => !isDeleted || table === 'timed' || !deleted.has(offset))

describe.each([
  { formatVersion: 2, oneIn: 11 },
  { formatVersion: 3, oneIn: 29 },
])('tables of format version $formatVersion, partitioned by every transform of every type', ({ formatVersion, oneIn }) => {
  const database = `partitioned_${formatVersion}_${process.pid}`
  const copies = `${database}_by_java`
  const nameOf = (table: PartedTable, of = database) => `ice.${of}.${table}`
  let document: ProcessorDocument
  beforeAll(async () => {
    document = await writePartedTables(restOnS3(), directory, database, { formatVersion })
    for (const table of partedNames) for (const statement of strangerStatements(table, nameOf(table))) await sql.spark.sql(statement)
    await copyPartedTables(document, copies, sql)
  }, 600_000)

  /** Judges an engine by the tables of a database, of which it may make nothing wrong that is no gap of its own; the gaps that show, by table. */
  async function judged(engine: AskedEngine, state: PartedState, isDeleted: boolean, part: number, tables = partedNames, of = database) {
    const unexplained: string[] = []
    const seen = new Map<string, Set<PartedTable>>()
    for (const table of loadedBy(engine, tables)) {
      const ask = asking(engine, sql, [of, table], partedTables[table])
      const everyValue = of === database && !isDeleted
      const verdict = await judgeParted({ engine, state, oneIn: part, everyValue }, table, rowsOf(table, isDeleted), ask)
      unexplained.push(...verdict.unexplained)
      for (const gap of verdict.seen) seen.set(gap, (seen.get(gap) ?? new Set()).add(table))
    }
    console.error(
      engine,
      unexplained.map((one) => one.slice(0, 900)),
      [...seen.keys()],
    )
    expect(unexplained).toEqual([])
    return seen
  }

  /** Each gap that shows in our tables shows in those that the Java library wrote of the same rows, if it writes them. */
  async function expectRight(engine: AskedEngine, deletes: boolean, part: number): Promise<void> {
    const state = { formatVersion, deletes }
    const ours = await judged(engine, state, deletes, part)
    expect(mended({ engine, state, oneIn: part }, new Set(ours.keys()))).toEqual([])
    const theirs = await judged(engine, state, deletes, Infinity, copiedNames, copies)
    for (const [gap, tables] of ours) {
      if ([...tables].some((table) => copiedNames.includes(table)))
        expect([...theirs.keys()], `${engine}, asked of Java's tables`).toContain(gap)
    }
  }

  test.each(askedEngines)('are read by %s, whole and under predicates', (engine) => expectRight(engine, false, oneIn), 1_800_000)

  test('Java writes none whose decimals are cut below the least of their digits', async () => {
    const table = `ice.${copies}.overflow`
    await sql.spark.sql(`CREATE TABLE ${table} (d DECIMAL(9, 2)) USING iceberg PARTITIONED BY (truncate(10, d))`)
    await expect(sql.spark.sql(`INSERT INTO ${table} VALUES (-9999999.99)`)).rejects.toThrow('too large: -10000000.00')
    await expect(sql.trino.sql(`INSERT INTO ${table} VALUES (DECIMAL '-9999999.99')`)).rejects.toThrow('decimal precision larger')
  })

  test('lose rows by deletes of Spark that leave files as they are', async () => {
    for (const of of [database, copies]) {
      for (const table of loadedBy('spark', of === copies ? copiedNames : partedNames)) {
        const name = nameOf(table, of)
        await sql.spark.sql(`ALTER TABLE ${name} SET TBLPROPERTIES ('write.delete.mode' = 'merge-on-read')`)
        await sql.spark.sql(`DELETE FROM ${name} WHERE kafka_offset IN (${[...deleted].join(', ')})`)
        expect(await sql.spark.sql(`SELECT content FROM ${name}.delete_files LIMIT 1`), name).toHaveLength(1)
      }
    }
  })

  test.each(askedEngines)('are then read by %s without them', (engine) => expectRight(engine, true, 61), 1_800_000)

  test('are compacted, partition by partition and sorted, deletes and all', async () => {
    for (const table of partedNames) {
      const { inputFiles, outputFiles } = await rewriteTable(document, table, { sortBy: byOffset(await loadMetadata(document, table)) })
      expect(outputFiles, table).toBeLessThan(inputFiles)
      if (table !== 'timed') expect(await sql.spark.sql(`SELECT * FROM ${nameOf(table)}.delete_files`), table).toEqual([])
    }
  })

  test.each(askedEngines)(
    'are then read by %s as before',
    async (engine) => {
      const state = { formatVersion, deletes: false }
      const seen = await judged(engine, state, true, 31)
      expect(mended({ engine, state, oneIn: 31 }, new Set(seen.keys()))).toEqual([])
    },
    1_800_000,
  )
})
