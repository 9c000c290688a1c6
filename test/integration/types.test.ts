import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { currentSchema } from '../../src/formats/iceberg/table-metadata.ts'
import type { ProcessorDocument } from '../../src/spec/document.ts'
import { loadMetadata, restOnS3 } from './program.ts'
import { type Engine, inspectTable, tryQueries } from './readers.ts'
import { byOffset, rewriteTable } from './rewritten.ts'
import type { TypedTable } from './types/columns.ts'
import { type Ask, type Findings, findingsOf, unreadColumns } from './types/findings.ts'
import { typesPageWith, type Verdict, verdictOf } from './types/matrix.ts'
import { typesPage } from './types/page.ts'
import { parquetLeaves } from './types/parquet-leaves.ts'
import { tableNames, writeTypedTables } from './types/world.ts'

/** Pages of the first are written by our own encoder, of the second by parquet-wasm. */
const codecs = ['zstd', 'snappy'] as const
type Codec = (typeof codecs)[number]

const database = (codec: Codec) => `types_${process.pid}_${codec}`
const documents = new Map<Codec, ProcessorDocument>()
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'types-'))
  for (const codec of codecs) {
    documents.set(codec, await writeTypedTables(directory, database(codec), { 'write.parquet.compression-codec': codec }))
  }
})
afterAll(() => rm(directory, { recursive: true, force: true }))

function asking(engine: Engine, codec: Codec, table: TypedTable): Ask {
  return (queries) => tryQueries(engine, restOnS3().reader, [database(codec), table], queries)
}

async function verdict(engine: 'pyiceberg' | 'duckdb', codec: Codec): Promise<Verdict> {
  const findings: Findings[] = []
  for (const table of tableNames) findings.push(await findingsOf(table, asking(engine, codec, table), { copied: codec === 'zstd' }))
  return verdictOf(engine, findings)
}

describe.each(codecs)('JSON values of every type that a document can declare, in tables of the codec %s', (codec) => {
  test.each(tableNames)('have the Parquet types and the field ids that Iceberg asks for: %s', async (table) => {
    const fields = currentSchema(await loadMetadata(documents.get(codec)!, table)).fields
    const { files } = await inspectTable(restOnS3().reader, [database(codec), table])
    expect(files).toHaveLength(4)
    for (const { columns, keys } of files) {
      const leaves = columns.map(({ path, ids, physical, logical }) => ({ path, ids, physical, logical }))
      expect(leaves).toEqual(parquetLeaves(fields))
      expect(new Set(columns.map((column) => column.codec))).toEqual(new Set([codec.toUpperCase()]))
      expect(keys).not.toContain('ARROW:schema')
    }
  })

  test.each(tableNames)('are in the data files as they were meant, by pyarrow and without the manifests: %s', async (table) => {
    expect(await unreadColumns(table, asking('pyarrow', codec, table))).toEqual(new Map())
  })
})

test('JSON values of every type are read by PyIceberg and DuckDB, whole and under every predicate, as docs/types.md says', async () => {
  const engines = ['pyiceberg', 'duckdb'] as const
  const verdicts = await Promise.all(engines.map(async (engine) => [engine, await verdict(engine, 'zstd')] as const))
  expect(verdicts.flatMap(([, { wrong }]) => wrong)).toEqual([])
  const page = typesPageWith(new Map(verdicts.map(([engine, { cells }]) => [engine, cells])))
  await expect(page).toMatchFileSnapshot(typesPage)
  expect(page).not.toContain('| ? |')
})

test('DuckDB reads them so, whichever encoder wrote them', async () => {
  expect((await verdict('duckdb', 'snappy')).wrong).toEqual([])
})

test('what is compacted and sorted anew is read as before', async () => {
  for (const table of tableNames) {
    const document = documents.get('snappy')!
    const { outputFiles } = await rewriteTable(document, table, { sortBy: byOffset(await loadMetadata(document, table)) })
    expect(outputFiles).toBe(1)
    expect(await unreadColumns(table, asking('pyarrow', 'snappy', table))).toEqual(new Map())
    const unread = await unreadColumns(table, asking('pyiceberg', 'snappy', table))
    expect(verdictOf('pyiceberg', [{ table, unread, wrong: [] }]).unexplained).toEqual([])
  }
  expect((await verdict('duckdb', 'snappy')).unexplained).toEqual([])
})
