import { type Canonical, type CanonicalRow, textOf, toRows } from '../canonical.ts'
import { engineGap, type Reader } from '../engine-gaps.ts'
import { columnOf, predicateMatrix, type Query, valueAt, wrongOf } from '../predicates.ts'
import type { Ask } from './findings.ts'
import { type PartedColumn, type PartedTable, partedTables, selected } from './parted.ts'

/** What the tables are when they are asked. */
export interface PartedState {
  readonly formatVersion: number
  /** Whether Spark has deleted rows, by delete files that are still there. */
  readonly deletes: boolean
}

/** What engines of the installed versions make wrongly of a table because of the partition that a row is in. */
interface PartedGap {
  readonly engines: readonly Reader[]
  /** A line of docs/types.md. */
  readonly says: string
  /** Where it shows; everywhere unless given. */
  readonly during?: (state: PartedState) => boolean
  /** The tables that are not read at all. */
  readonly tables?: (table: PartedTable) => boolean
  /** The queries on a column, predicates and aggregates, that are answered wrongly or not at all. */
  readonly holds?: (column: PartedColumn, query: Query) => boolean
  /** What stands for a value of a column where the rows are shown. */
  readonly shows?: (column: PartedColumn, value: Canonical) => Canonical
}

const values = ({ where }: Query): string[] =>
  where !== undefined && 'value' in where ? [where.value].flat().map((value) => textOf(value)) : []
const opOf = ({ where }: Query) => where?.op ?? ''
const isNullTest = (query: Query) => /^is (?:not )?null$/.test(opOf(query))
const compares = (query: Query) => /^(?:=|<|>=|in)$/.test(opOf(query))
const isIdentity = ({ term }: PartedColumn) => !term.includes('(')
const isFloat = ({ type }: PartedColumn) => type === 'float' || type === 'double'
const unitOf = ({ term }: PartedColumn) => /^(?:year|month|day|hour)(?=\()/.exec(term)?.[0]

/** The tests hold this list against what they find, in both directions: what is missing here and what was mended. */
const partedGaps: readonly PartedGap[] = [
  {
    engines: ['pyiceberg'],
    says: 'PyIceberg reads a double of a partition with the digits of a float, and so leaves out rows where such a double is not one.',
    holds: (column) => isIdentity(column) && column.type === 'double',
  },
  {
    engines: ['pyiceberg'],
    says: 'PyIceberg compares no uuid with that of a partition: `=` and `IN` find nothing, `<` and `>=` fail.',
    holds: (column, query) => isIdentity(column) && column.type === 'uuid' && compares(query),
  },
  {
    engines: ['pyiceberg'],
    says: 'PyIceberg takes 0.0 and −0.0 of partitions for two numbers where `IN` lists one of them.',
    holds: (column, query) =>
      isIdentity(column) && column.type === 'float' && opOf(query) === 'in' && values(query).some((one) => Number(one) === 0),
  },
  {
    engines: ['pyiceberg'],
    says: 'PyIceberg fails at `<` and `>=` the first day of the year 1, by year or month.',
    holds: (column, query) =>
      /^(?:year|month)$/.test(unitOf(column) ?? '') && values(query).some((one) => /^-(?:719162|62135596800000000)$/.test(one)),
  },
  {
    engines: ['pyiceberg', 'spark', 'trino'],
    says: 'A whole number closer than the width of `truncate` to the least one has no multiple below it. It wraps around to the greatest ones, as the Java library has it, and readers but DuckDB do not find it (apache/iceberg 13105).',
    holds: (column, query) => /^truncate\(10, t_(?:int|long)\)$/.test(column.term) && compares(query),
  },
  {
    engines: ['spark', 'trino'],
    says: 'Spark and Trino take 0.0 and −0.0 of partitions for two numbers, and Trino shows both as 0.0.',
    holds: (column, query) => isIdentity(column) && isFloat(column) && compares(query) && values(query).some((one) => Number(one) === 0),
  },
  {
    engines: ['trino'],
    says: 'Spark and Trino take 0.0 and −0.0 of partitions for two numbers, and Trino shows both as 0.0.',
    shows: (column, value) => (isIdentity(column) && isFloat(column) && value === '-0e+0' ? '0e+0' : value),
  },
  {
    engines: ['spark'],
    says: 'Spark shows a null struct as one of nulls where a field of it is itself a partition.',
    shows: (column, value) => (isIdentity(column) && column.name !== column.column && value === null ? { v: null } : value),
  },
  {
    engines: ['spark'],
    says: 'Spark compares uuids of partitions as signed numbers: `<` and `>=` find rows and leave out rows wrongly.',
    holds: (column, query) => isIdentity(column) && column.type === 'uuid' && /^(?:<|>=)$/.test(opOf(query)),
  },
  {
    engines: ['spark'],
    says: 'Spark fails at `IN` with several strings where a string that is a partition, or cut to one, is null (apache/iceberg 17014).',
    holds: (column, query) =>
      column.type === 'string' &&
      (isIdentity(column) || column.term.startsWith('truncate(')) &&
      opOf(query) === 'in' &&
      new Set(values(query)).size > 1,
  },
  {
    engines: ['spark'],
    says: 'Spark fails at `min` and `max` of uuids where it takes them from the bounds of files, as in tables of no more than a hundred columns.',
    during: ({ deletes }) => !deletes,
    holds: ({ type }, { aggregate }) => type === 'uuid' && (aggregate === 'min' || aggregate === 'max'),
  },
  {
    engines: ['trino'],
    says: 'Trino reads no table in which `truncate` takes a decimal below the least of its digits. Java writes none (apache/iceberg 17027).',
    tables: (table) => table === 'overflow',
  },
  {
    engines: ['trino'],
    says: 'Trino 476 reads no files that have deletion vectors.',
    during: ({ formatVersion, deletes }) => deletes && formatVersion === 3,
    tables: (table) => table !== 'timed',
  },
  {
    engines: ['duckdb'],
    says: 'DuckDB shows rows that position deletes took out under `IS NULL` and `IS NOT NULL` (duckdb/duckdb-iceberg 691).',
    during: ({ formatVersion, deletes }) => deletes && formatVersion === 2,
    holds: (_, query) => isNullTest(query),
  },
  {
    engines: ['duckdb'],
    says: 'DuckDB finds nothing under `<` on a date, time, timestamp or decimal that is itself a partition.',
    holds: (column, query) => isIdentity(column) && opOf(query) === '<' && /^(?:date|time|decimal)/.test(column.type),
  },
  {
    engines: ['duckdb'],
    says: 'DuckDB leaves out files of dates, by month, and of timestamps before 1970, by month, day and hour (duckdb/duckdb-iceberg 699).',
    holds: (column, query) =>
      compares(query) &&
      ((unitOf(column) === 'month' && column.type === 'date') ||
        (/^(?:month|day|hour)$/.test(unitOf(column) ?? '') && column.type !== 'date')),
  },
]

/** What the page says of engines' gaps, a line each. */
export const partedNotes: readonly string[] = [...new Set(partedGaps.map(({ says }) => says))]

/** What an engine makes of a table of these rows: what falls into no known gap, one sentence each, and the gaps that something falls into. */
export interface PartedVerdict {
  readonly unexplained: readonly string[]
  readonly seen: ReadonlySet<string>
}

/**
 * An engine, the state of its tables, and how many of all queries it is asked: one in so many, beside a few that fall into each gap, and, with
 * `everyValue`, `=` and `IN` for each value that a row has of a column.
 */
export interface Judged {
  readonly engine: Reader
  readonly state: PartedState
  readonly oneIn: number
  readonly everyValue?: boolean
}

/** Reads a table whole, and asks it predicates at each value of the columns that it is partitioned by and next to it. */
export async function judgeParted(
  { engine, state, oneIn, everyValue = false }: Judged,
  table: PartedTable,
  rows: readonly CanonicalRow[],
  ask: Ask,
): Promise<PartedVerdict> {
  const columns: readonly PartedColumn[] = partedTables[table]
  const gaps = gapsOf(engine, state)
  const gapOf = (query: Query) => {
    const column = columns.find(({ name }) => name === columnOf(query))
    return gaps.find(({ tables, holds }) => tables?.(table) === true || (column !== undefined && holds?.(column, query) === true))
  }
  const matrix = predicateMatrix(
    rows.map((row) => [row]),
    columns,
    ['kafka_offset'],
  )
  const inGaps = Map.groupBy(matrix, gapOf)
  inGaps.delete(undefined)
  const few = new Set([...inGaps.values()].flatMap((queries) => queries.slice(0, 8)))
  const select = selected(table)
  const found = everyValue
    ? new Map(columns.map(({ name }) => [name, new Set(rows.map((row) => JSON.stringify(valueAt(row, name))))]))
    : null
  const isOfValues = ({ where }: Query) =>
    where !== undefined &&
    'value' in where &&
    (where.op === '='
      ? found?.get(where.column)?.has(JSON.stringify(where.value))
      : where.op === 'in' && found !== null && where.value.length > 2)
  const queries = [{ select }, ...matrix.filter((query, i) => i % oneIn === 0 || few.has(query) || isOfValues(query) === true)]
  const whole = rows.map((row) => Object.fromEntries(select.map((name) => [name, row[name] ?? null])))
  const unexplained: string[] = []
  const seen = new Set<string>()
  for (const { query, expected, given } of wrongOf(whole, columns, queries, await ask(queries))) {
    // What an engine makes wrongly of unpartitioned tables as well is no gap of partitions; a gap of other writers' files is none here.
    const general = engineGap(engine, columns, query)
    if (gapOf(query) === undefined && general !== undefined && general.foreign === undefined) continue
    const gap = gapOf(query) ?? (query === queries[0] ? shownBy(gaps, columns, whole, given) : undefined)
    if (gap === undefined) unexplained.push(`${engine} ${table} ${JSON.stringify(query)}: expected ${expected}, got ${given}`)
    else seen.add(gap.says)
  }
  return { unexplained, seen }
}

function gapsOf(engine: Reader, state: PartedState): PartedGap[] {
  return partedGaps.filter(({ engines, during }) => engines.includes(engine) && (during?.(state) ?? true))
}

/** The gap by which rows are shown as they were. */
function shownBy(
  gaps: readonly PartedGap[],
  columns: readonly PartedColumn[],
  rows: readonly CanonicalRow[],
  given: string,
): PartedGap | undefined {
  return gaps.find(({ shows }) => {
    if (shows === undefined) return false
    const shown = rows.map((row) => ({ ...row, ...Object.fromEntries(columns.map((one) => [one.column, shows(one, row[one.column])])) }))
    return toRows(shown).join(' ') === given
  })
}

/** The gaps of an engine that nothing fell into, a sentence each. */
export function mended({ engine, state }: Judged, seen: ReadonlySet<string>): string[] {
  const known = new Set(gapsOf(engine, state).map(({ says }) => says))
  return [...known].filter((says) => !seen.has(says)).map((says) => `No longer so: ${says}`)
}
