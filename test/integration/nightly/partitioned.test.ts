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
import { judgeParted, mended } from '../types/parted-verdict.ts'

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

describe.each([
  { formatVersion: 2, oneIn: 7 },
  { formatVersion: 3, oneIn: 29 },
])('tables of format version $formatVersion, partitioned by every transform of every type', ({ formatVersion, oneIn }) => {
  const database = `partitioned_${formatVersion}_${process.pid}`
  const nameOf = (table: PartedTable) => `ice.${database}.${table}`
  let document: ProcessorDocument
  beforeAll(async () => {
    document = await writePartedTables(restOnS3(), directory, database, { formatVersion })
    for (const table of partedNames) for (const statement of strangerStatements(table, nameOf(table))) await sql.spark.sql(statement)
  }, 600_000)

  /** The tables that an engine loads. */
  const loaded = (engine: AskedEngine) => partedNames.filter((table) => engine !== 'spark' || table !== 'timed')

  async function expectRight(
    engine: AskedEngine,
    isThere: (table: PartedTable, row: CanonicalRow) => boolean,
    part: number,
  ): Promise<void> {
    const unexplained: string[] = []
    const seen = new Set<string>()
    for (const table of loaded(engine)) {
      const rows = [...partedRows(table), ...strangers(table)].filter((row) => isThere(table, row))
      const verdict = await judgeParted(engine, table, rows, asking(engine, sql, [database, table], partedTables[table]), part)
      unexplained.push(...verdict.unexplained)
      for (const gap of verdict.seen) seen.add(gap)
    }
    expect(unexplained).toEqual([])
    expect(mended(engine, seen)).toEqual([])
  }

  test.each(askedEngines)('are read by %s, whole and under predicates', (engine) => expectRight(engine, () => true, oneIn), 1_800_000)

  const isLeft = (table: PartedTable, { kafka_offset: offset }: CanonicalRow) => table === 'timed' || !deleted.has(offset)

  test('lose rows by deletes of Spark that leave files as they are', async () => {
    for (const table of loaded('spark')) {
      await sql.spark.sql(`ALTER TABLE ${nameOf(table)} SET TBLPROPERTIES ('write.delete.mode' = 'merge-on-read')`)
      await sql.spark.sql(`DELETE FROM ${nameOf(table)} WHERE kafka_offset IN (${[...deleted].join(', ')})`)
      expect(await sql.spark.sql(`SELECT content FROM ${nameOf(table)}.delete_files LIMIT 1`), table).toHaveLength(1)
    }
  })

  test.each(askedEngines)('are then read by %s without them', (engine) => expectRight(engine, isLeft, 61), 1_800_000)

  test('are compacted, partition by partition and sorted, deletes and all', async () => {
    for (const table of partedNames) {
      const { inputFiles, outputFiles } = await rewriteTable(document, table, { sortBy: byOffset(await loadMetadata(document, table)) })
      expect(outputFiles, table).toBeLessThan(inputFiles)
      if (table !== 'timed') expect(await sql.spark.sql(`SELECT * FROM ${nameOf(table)}.delete_files`), table).toEqual([])
    }
  })

  test.each(askedEngines)('are then read by %s as before', (engine) => expectRight(engine, isLeft, 31), 1_800_000)
})
