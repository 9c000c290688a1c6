import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ProcessorDocument } from '../../src/spec/document.ts'
import { loadMetadata, type Place, sqliteOnFiles } from './program.ts'
import { tryQueries } from './readers.ts'
import { byOffset, rewriteTable } from './rewritten.ts'
import { typesPage } from './types/page.ts'
import { partedNames, partedRows, writePartedTables } from './types/parted.ts'
import { judgeParted, mended, partedNotes } from './types/parted-verdict.ts'

const engines = ['pyiceberg', 'duckdb'] as const
const timeout = 600_000

test('docs/types.md says what engines are found to make of partitions', () => {
  const page = readFileSync(typesPage, 'utf8')
  for (const note of partedNotes) expect(page.includes(`- ${note}\n`), note).toBe(true)
})

// The night asks more, of Spark and Trino too.
describe.each([
  { formatVersion: 2, oneIn: 29 },
  { formatVersion: 3, oneIn: 97 },
])('tables of format version $formatVersion, partitioned by every transform of every type', ({ formatVersion, oneIn }) => {
  const database = `parted_${formatVersion}`
  let directory: string
  let place: Place
  let document: ProcessorDocument
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'partitioned-types-'))
    place = sqliteOnFiles(directory)
    document = await writePartedTables(place, directory, database, { formatVersion })
  }, timeout)
  afterAll(() => rm(directory, { recursive: true, force: true }))

  async function expectRight(): Promise<void> {
    await Promise.all(engines.map(expectRightBy))
  }

  async function expectRightBy(engine: (typeof engines)[number]): Promise<void> {
    const judged = { engine, state: { formatVersion, deletes: false }, oneIn }
    const verdicts = []
    for (const table of partedNames) {
      const ask = (queries: Parameters<typeof tryQueries>[3]) => tryQueries(engine, place.reader, [database, table], queries)
      verdicts.push(await judgeParted(judged, table, partedRows(table), ask))
    }
    expect(verdicts.flatMap(({ unexplained }) => unexplained)).toEqual([])
    expect(mended(judged, new Set(verdicts.flatMap(({ seen }) => [...seen])))).toEqual([])
  }

  test.runIf(formatVersion === 2)('are read by PyIceberg and DuckDB, whole and under predicates', expectRight, timeout)

  test(
    'are compacted, partition by partition and sorted, and read as before',
    async () => {
      for (const table of partedNames) {
        const { inputFiles, outputFiles } = await rewriteTable(document, table, { sortBy: byOffset(await loadMetadata(document, table)) })
        // Files of different specs are not joined.
        expect([inputFiles / outputFiles, table]).toEqual([table === 'voided' ? 1 : 2, table])
      }
      await expectRight()
    },
    timeout,
  )
})
