import type { Canonical, Column, PrimitiveName, Row } from './canonical.ts'
import { sorted } from './canonical.ts'
import type { Predicate, Query, RowQuery } from './predicates.ts'

/** What differs between engines that answer SQL. */
export interface Dialect {
  /** A name as it stands in a statement. */
  name(name: string): string
  /** A canonical value, not null, as a constant of a column's type. */
  constant(type: PrimitiveName, value: Canonical): string
  startsWith(column: string, text: string): string
  isNaN(column: string): string
}

const isFloat = (type: PrimitiveName | undefined) => type === 'float' || type === 'double'

/** A table that SQL answers for, and a copy of its rows that knows no statistics. */
export interface SqlTable {
  readonly columns: readonly Column[]
  readonly from: string
  readonly unpruned: string
}

type Sql = (statement: string) => Promise<Row[]>

/** So many queries stand in one statement. */
const batchSize = 32

/**
 * Many answers of an engine that takes a while over each statement, with an error in the place of an answer that it could not give.
 * Queries for rows are asked together: each a branch of UNION ALL, a scan of its own that is planned with its own predicate, or where
 * nothing is to be left out, each a column that says whether a row matches. Where that fails they are asked one by one.
 */
export async function sqlAnswers(sql: Sql, dialect: Dialect, table: SqlTable, queries: readonly Query[]): Promise<(Row[] | Error)[]> {
  const answers = new Map<Query, Row[] | Error>()
  const alike = Map.groupBy(queries.filter(asksForRows), ({ unpruned, select }) => JSON.stringify([unpruned, select]))
  for (const batch of [...alike.values()].flatMap(inBatches)) {
    const together = batch.length === 1 ? undefined : await tryTogether(sql, dialect, table, batch)
    for (const [n, answer] of (together ?? []).entries()) answers.set(batch[n], answer)
  }
  const all: (Row[] | Error)[] = []
  for (const query of queries) all.push(answers.get(query) ?? (await tryOne(sql, dialect, table, query)))
  return all
}

function asksForRows(query: Query): query is RowQuery {
  return query.aggregate === undefined
}

function inBatches(queries: readonly RowQuery[]): RowQuery[][] {
  return Array.from({ length: Math.ceil(queries.length / batchSize) }, (_, i) => queries.slice(i * batchSize, (i + 1) * batchSize))
}

async function tryOne(sql: Sql, dialect: Dialect, table: SqlTable, query: Query): Promise<Row[] | Error> {
  try {
    const rows = await sql(statement(dialect, table, query))
    // A zero among the extremes has no sign: which of the two comes first is each engine's own affair.
    return query.aggregate === undefined ? rows : rows.map((row) => row.replace('"-0e+0"', '"0e+0"'))
  } catch (error) {
    return error as Error
  }
}

async function tryTogether(sql: Sql, dialect: Dialect, table: SqlTable, queries: readonly RowQuery[]): Promise<Row[][] | undefined> {
  const parts = queries.map((): Row[] => [])
  try {
    if (queries[0].unpruned) {
      for (const row of await sql(matchesOf(dialect, table, queries))) {
        const values = JSON.parse(row) as Record<string, Canonical>
        const selected = Object.fromEntries(Object.entries(values).filter(([name]) => !/^q\d+$/.test(name)))
        queries.forEach((_, n) => values[`q${n}`] === true && parts[n].push(JSON.stringify(selected)))
      }
    } else {
      for (const row of await sql(queries.map((query, n) => statement(dialect, table, query, `${n} AS q`)).join(' UNION ALL '))) {
        const [, n, rest] = /^\{"q":"(\d+)",(.*)$/.exec(row)!
        parts[Number(n)].push(`{${rest}`)
      }
    }
  } catch {
    return undefined
  }
  return parts.map(sorted)
}

/** A statement for all rows of the copy, with a column `q0`, `q1`, … for each query: whether its predicate holds. */
function matchesOf(dialect: Dialect, table: SqlTable, queries: readonly RowQuery[]): string {
  const flags = queries.map(({ where }, n) => `${where === undefined ? 'TRUE' : condition(dialect, table.columns, where)} AS q${n}`)
  return `SELECT ${[...columnsOf(dialect, queries[0]), ...flags].join(', ')} FROM ${table.unpruned}`
}

function columnsOf(dialect: Dialect, { select }: RowQuery): string[] {
  return select === undefined ? ['*'] : select.map((name) => dialect.name(name))
}

function statement(dialect: Dialect, table: SqlTable, query: Query, first?: string): string {
  const from = ` FROM ${query.unpruned ? table.unpruned : table.from}`
  const where = query.where === undefined ? '' : ` WHERE ${condition(dialect, table.columns, query.where)}`
  if (query.aggregate !== undefined) {
    const argument = query.column === undefined ? '*' : path(dialect, query.column)
    const float = query.aggregate !== 'count' && isFloat(table.columns.find(({ name }) => name === query.column)?.type)
    const filter = float ? ` FILTER (WHERE NOT ${dialect.isNaN(argument)})` : ''
    return `SELECT ${query.aggregate}(${argument})${filter} AS ${dialect.name(query.aggregate)}${from}${where}`
  }
  return `SELECT ${[...(first === undefined ? [] : [first]), ...columnsOf(dialect, query)].join(', ')}${from}${where}`
}

function condition(dialect: Dialect, columns: readonly Column[], where: Predicate): string {
  const type = columns.find(({ name }) => name === where.column)?.type ?? ''
  const column = path(dialect, where.column)
  switch (where.op) {
    case 'is null':
    case 'is not null':
      return `${column} ${where.op.toUpperCase()}`
    case 'is nan':
      return dialect.isNaN(column)
    case 'starts with':
      return dialect.startsWith(column, dialect.constant('string', where.value))
    case 'in':
      return `${column} IN (${where.value.map((value) => dialect.constant(type, value)).join(', ')})`
    case '=':
    case '<':
    case '>=':
      // To Spark NaN is the greatest number; here a comparison is never true for it.
      return `${column} ${where.op} ${dialect.constant(type, where.value)}${isFloat(type) ? ` AND NOT ${dialect.isNaN(column)}` : ''}`
    default:
      return where satisfies never
  }
}

function path(dialect: Dialect, column: string): string {
  return column
    .split('.')
    .map((name) => dialect.name(name))
    .join('.')
}
