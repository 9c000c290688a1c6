import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { askedEngines, asking, type SqlEngines, startSqlEngines } from '../asking.ts'
import { loadMetadata } from '../program.ts'
import { byOffset, rewriteTable } from '../rewritten.ts'
import { prunedColumns } from '../types/columns.ts'
import { findingsOf } from '../types/findings.ts'
import { verdictOf } from '../types/matrix.ts'
import { tableNames, writeTypedTables } from '../types/world.ts'

const database = `compacted_types_${process.pid}`
let directory: string
let sql: SqlEngines
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'compacted-types-'))
  sql = await startSqlEngines()
  const document = await writeTypedTables(directory, database)
  for (const table of tableNames) {
    const { outputFiles } = await rewriteTable(document, table, { sortBy: byOffset(await loadMetadata(document, table)) })
    expect(outputFiles).toBe(1)
  }
}, 30 * 60_000)
afterAll(async () => {
  await sql?.stop()
  await rm(directory, { recursive: true, force: true })
})

test.each(askedEngines)(
  'JSON values of every type that were compacted and sorted are read by %s, whole and under every predicate',
  async (engine) => {
    const findings = []
    for (const table of tableNames) {
      findings.push(await findingsOf(table, asking(engine, sql, [database, table], prunedColumns(table)), { copied: false }))
    }
    expect(verdictOf(engine, findings).unexplained).toEqual([])
  },
  30 * 60_000,
)
