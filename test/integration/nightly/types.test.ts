import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { sparkDialect, trinoDialect } from '../dialects.ts'
import { type Spark, startSpark } from '../spark.ts'
import { sqlAnswers } from '../sql.ts'
import { startTrino, type Trino } from '../trino.ts'
import { prunedColumns, type TypedTable } from '../types/columns.ts'
import { findingsOf } from '../types/findings.ts'
import { typesPageWith, type Verdict, verdictOf } from '../types/matrix.ts'
import { typesPage } from '../types/page.ts'
import { tableNames, writeTypedTables } from '../types/world.ts'

const database = `types_${process.pid}`
let directory: string
let spark: Spark
let trino: Trino
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'types-'))
  spark = await startSpark(inject('s3'), inject('restCatalogUri'))
  trino = await startTrino(inject('s3'), inject('restCatalogUri'))
  await writeTypedTables(directory, database)
}, 30 * 60_000)
afterAll(async () => {
  await Promise.all([spark?.stop(), trino?.stop()])
  await rm(directory, { recursive: true, force: true })
})

const engines = {
  spark: {
    dialect: sparkDialect,
    ask: (statement: string) => spark.sql(statement),
    copy: (table: string) => ({
      name: `copy_of_${table}`,
      statement: (from: string) => `CACHE TABLE copy_of_${table} AS SELECT * FROM ${from}`,
    }),
  },
  trino: {
    dialect: trinoDialect,
    ask: (statement: string) => trino.sql(statement),
    copy: (table: string) => ({
      name: `memory.default.${table}`,
      statement: (from: string) => `CREATE TABLE memory.default.${table} AS SELECT * FROM ${from}`,
    }),
  },
}

async function verdict(engine: keyof typeof engines): Promise<Verdict> {
  const { dialect, ask, copy } = engines[engine]
  const findings = []
  for (const table of tableNames) findings.push(await findingsOf(table, await answersFrom(table), { copied: true }))
  return verdictOf(engine, findings)

  async function answersFrom(table: TypedTable) {
    const from = `ice.${database}.${table}`
    const { name, statement } = copy(table)
    // Where a table can not be copied, it can not be read either, and that is what is found.
    await ask(statement(from)).catch(() => undefined)
    const sqlTable = { columns: prunedColumns(table), from, unpruned: name }
    return (queries: Parameters<typeof sqlAnswers>[3]) => sqlAnswers(ask, dialect, sqlTable, queries)
  }
}

test(
  'JSON values of every type are read by Spark and Trino, whole and under every predicate, as docs/types.md says',
  async () => {
    const names = ['spark', 'trino'] as const
    const verdicts = await Promise.all(names.map(async (engine) => [engine, await verdict(engine)] as const))
    expect(verdicts.flatMap(([, { wrong }]) => wrong)).toEqual([])
    const page = typesPageWith(new Map(verdicts.map(([engine, { cells }]) => [engine, cells])))
    await expect(page).toMatchFileSnapshot(typesPage)
    expect(page).not.toContain('| ? |')
  },
  15 * 60_000,
)
