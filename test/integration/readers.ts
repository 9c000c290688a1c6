import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { sorted } from './canonical.ts'
import type { CanonicalRow, Column, Row } from './canonical.ts'
import { engineGap } from './engine-gaps.ts'
import { type Predicate, type Query, wrongOf } from './predicates.ts'
import { installDirectory, python } from './servers.ts'
import type { S3Endpoint } from './servers.ts'

/** `pyarrow` is the oracle: it reads every data file whole and compares in plain Python. */
export type Engine = 'pyiceberg' | 'duckdb' | 'pyarrow'

/** How a reader opens a catalog. `uri` of a SQL catalog is the SQLite file's path. */
export type ReaderCatalog =
  | { readonly type: 'sql'; readonly uri: string; readonly name?: string; readonly warehouse: string; readonly s3?: S3Endpoint }
  | { readonly type: 'rest'; readonly uri: string; readonly warehouse?: string; readonly token?: string; readonly s3?: S3Endpoint }

/** A table's name: its namespace's levels, then its own. */
export type TableName = readonly [string, ...string[]]

/** What the foreign writer can do to a table; see readers/write_pyiceberg.py. */
export type WriteStep =
  | {
      readonly create: { schema: object; partition?: readonly { column: string; transform: string }[]; properties?: Record<string, string> }
    }
  | { readonly append: readonly CanonicalRow[]; readonly summary: Readonly<Record<string, string>> }
  | { readonly append: readonly CanonicalRow[]; readonly bounds?: Readonly<Record<string, readonly [unknown, unknown]>> }
  | { readonly rollback: string }
  | { readonly delete: Predicate }
  | { readonly overwrite: readonly CanonicalRow[] }
  | { readonly repeat: Predicate }
  | { readonly register: number }
  | { readonly compact: true }
  | { readonly removeProperties: readonly string[] }
  | { readonly expire: readonly string[] }
  | { readonly tag: string; readonly snapshot: string }
  | { readonly branch: string; readonly snapshot: string }
  | { readonly statistics: string }
  | { readonly addColumn: string; readonly type?: string }
  | { readonly properties: Readonly<Record<string, string>> }

export interface WriteOutcome {
  readonly snapshotId: string | null
  readonly metadataLocation: string
}

/** One query's answer by one engine, as canonical rows in order. */
export async function readTable(engine: Engine, catalog: ReaderCatalog, table: TableName, query: Query = {}): Promise<Row[]> {
  const [answer] = await tryQueries(engine, catalog, table, [query])
  if (answer instanceof Error) throw new Error(`${engine} could not answer ${JSON.stringify(query)}: ${answer.message}`)
  return answer
}

/** All rows of several tables by one run of an engine, in the order of the tables. */
export async function readTables(engine: Engine, catalog: ReaderCatalog, tables: readonly TableName[]): Promise<Row[][]> {
  const answers = await run(`read_${engine}.py`, { catalog, tables, queries: [{}] })
  return answers.map((answer, i) => {
    const { rows, error } = answer as { rows?: Row[]; error?: string }
    if (rows === undefined) throw new Error(`${engine} could not read ${tables[i].join('.')}: ${error}`)
    return sorted(rows)
  })
}

/**
 * Many answers from one run of an engine, with an error in the place of an answer that it could not give. A program's start costs a
 * second or two, a query milliseconds.
 */
export async function tryQueries(
  engine: Engine,
  catalog: ReaderCatalog,
  table: TableName,
  queries: readonly Query[],
): Promise<(Row[] | Error)[]> {
  const answers = await run(`read_${engine}.py`, { catalog, table, queries })
  return answers.map((answer) => {
    const { rows, error } = answer as { rows?: Row[]; error?: string }
    return rows === undefined ? new Error(error) : sorted(rows)
  })
}

/**
 * Where an engine's answers differ from those computed over `rows`, pruned and unpruned, one sentence each; empty: it reads the table
 * rightly. Queries within the engine's known gaps are left out.
 */
export async function wrongAnswers(
  engine: Engine,
  catalog: ReaderCatalog,
  table: TableName,
  rows: readonly CanonicalRow[],
  columns: readonly Column[],
  matrix: readonly Query[],
): Promise<string[]> {
  const asked = [...matrix, ...matrix.map((query) => ({ ...query, unpruned: true }))].filter((query) => !engineGap(engine, columns, query))
  return wrongOf(rows, columns, asked, await tryQueries(engine, catalog, table, asked)).map(
    ({ query, expected, given }) => `${engine} ${JSON.stringify(query)}: expected ${expected}, got ${given}`,
  )
}

/** How many data files an engine looks into to find the rows of each predicate. */
export async function scannedFiles(
  engine: 'pyiceberg' | 'duckdb',
  catalog: ReaderCatalog,
  table: TableName,
  predicates: readonly Predicate[],
): Promise<number[]> {
  const answers = await run(`read_${engine}.py`, { catalog, table, queries: predicates.map((where) => ({ where, scanned: true })) })
  return answers.map((answer, i) => {
    const { rows, error } = answer as { rows?: string[]; error?: string }
    if (rows === undefined) throw new Error(`${engine} could not plan ${JSON.stringify(predicates[i])}: ${error}`)
    return Number((JSON.parse(rows[0]) as { files: string }).files)
  })
}

/** The rows of each live data file, read without any statistics. */
export async function readFiles(catalog: ReaderCatalog, table: TableName): Promise<{ path: string; rows: CanonicalRow[] }[]> {
  const [answer] = await run('read_pyarrow.py', { catalog, table, queries: [{ files: true }] })
  const { rows, error } = answer as { rows?: string[]; error?: string }
  if (rows === undefined) throw new Error(`pyarrow could not read the data files: ${error}`)
  return rows.map((row) => JSON.parse(row) as { path: string; rows: CanonicalRow[] })
}

/** Has PyIceberg, as a foreign writer, take the steps one after the other. */
export async function writeTable(catalog: ReaderCatalog, table: TableName, steps: readonly WriteStep[]): Promise<WriteOutcome[]> {
  return (await run('write_pyiceberg.py', { catalog, table, steps })) as WriteOutcome[]
}

/** An Avro file as it stands: nothing inherited, 64-bit numbers as text, bytes in base64. */
export interface AvroFile {
  readonly path: string
  readonly metadata: Readonly<Record<string, string>>
  readonly schema: AvroSchema
  readonly records: readonly Readonly<Record<string, unknown>>[]
}

/** An Avro schema as JSON. */
export type AvroSchema = string | readonly AvroSchema[] | { readonly type: AvroSchema; readonly [key: string]: unknown }

/** A data file, as pyarrow sees it. */
export interface ParquetFile {
  readonly path: string
  readonly size: string
  /** Keys of the footer's key-value metadata. */
  readonly keys: readonly string[]
  /** Where each row group begins. */
  readonly rowGroups: readonly string[]
  /** `ids`: the field ids on the way to the leaf. */
  readonly columns: readonly { path: string; ids: number[]; physical: string; logical: string; codec: string }[]
}

/** What lies in a table's files; see readers/inspect_table.py. */
export interface Inspection {
  /** The manifest list of each snapshot, oldest first. */
  readonly lists: readonly AvroFile[]
  /** The current snapshot's manifests, in its order. */
  readonly manifests: readonly AvroFile[]
  readonly files: readonly ParquetFile[]
}

/** Looks into a table's files by other programs than ours. */
export async function inspectTable(catalog: ReaderCatalog, table: TableName): Promise<Inspection> {
  const [inspection] = await run('inspect_table.py', { catalog, table })
  return inspection as Inspection
}

/** Runs one of the Python programs and parses what it prints, a JSON document a line. */
async function run(program: string, request: object): Promise<unknown[]> {
  const child = spawn(python, [join(import.meta.dirname, 'readers', program)], {
    env: { ...process.env, INTEROP: installDirectory(), PYTHONWARNINGS: 'ignore', PYTHONDONTWRITEBYTECODE: '1' },
  })
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  // A program that dies early closes its input; its exit code and its standard error say more than the broken pipe.
  child.stdin.on('error', () => {})
  child.stdin.end(JSON.stringify(request))
  const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  if (code !== 0) throw new Error(`${program} failed with exit code ${code}: ${errors.trim().split('\n').slice(-15).join('\n')}`)
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line))
}
