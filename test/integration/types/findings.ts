import { type CanonicalRow, type Row, toRows } from '../canonical.ts'
import { expectedAnswer, predicateMatrix, type Query, type WrongAnswer, wrongOf } from '../predicates.ts'
import { prunedColumns, tables, type TypedTable } from './columns.ts'
import { filesOf } from './rows.ts'

/** Has an engine answer queries about one table, with an error in the place of an answer that it could not give. */
export type Ask = (queries: readonly Query[]) => Promise<(Row[] | Error)[]>

/** What is wrong about what an engine makes of a table. */
export interface Findings {
  readonly table: TypedTable
  /** Columns whose values differ or can not be read at all, and how. */
  readonly unread: ReadonlyMap<string, string>
  readonly wrong: readonly WrongAnswer[]
}

/** Reads a table whole and asks it every predicate at each file's bounds; with `copied` the engine answers from a copy as well. */
export async function findingsOf(table: TypedTable, ask: Ask, { copied }: { readonly copied: boolean }): Promise<Findings> {
  const files = rowsOf(table)
  const rows = files.flat()
  const columns = prunedColumns(table)
  const pruned = columns.length === 0 ? [] : predicateMatrix(files, columns, ['kafka_offset'])
  const unread = await unreadColumns(table, ask)
  // A table that an engine does not load has no queries to answer.
  const queries = copied ? [...pruned, ...pruned.map((query): Query => ({ ...query, unpruned: true }))] : pruned
  const asked = unread.size > tables[table].length ? [] : queries
  return { table, unread, wrong: wrongOf(rows, columns, asked, await ask(asked)) }
}

function rowsOf(table: TypedTable): CanonicalRow[][] {
  return filesOf(table).map((file) => file.map(({ row }) => row))
}

/**
 * The columns whose values an engine does not read as they were meant, and what it reads. They are asked for together, and each by
 * itself where that fails.
 */
export async function unreadColumns(table: TypedTable, ask: Ask): Promise<Map<string, string>> {
  const rows = rowsOf(table).flat()
  const names = [...tables[table].map(({ name }) => name), '_rescued']
  const unread = new Map<string, string>()
  const [all] = await ask([{ select: ['kafka_offset', ...names] }])
  const queries = names.map((name) => ({ select: ['kafka_offset', name] }))
  const answers = all instanceof Error ? await ask(queries) : queries.map(({ select }) => selected(all, select))
  for (const [i, answer] of answers.entries()) {
    const expected = expectedAnswer(rows, [], queries[i])
    if (answer instanceof Error) unread.set(names[i], answer.message)
    else if (answer.join(' ') !== expected.join(' ')) {
      const [missing] = expected.filter((row) => !answer.includes(row))
      const [surplus] = answer.filter((row) => !expected.includes(row))
      unread.set(names[i], `expected ${missing}, got ${surplus}`)
    }
  }
  return unread
}

function selected(rows: readonly Row[], select: readonly string[]): Row[] {
  const parsed = rows.map((row) => JSON.parse(row) as CanonicalRow)
  return toRows(parsed.map((row) => Object.fromEntries(select.map((name) => [name, row[name]]))))
}
