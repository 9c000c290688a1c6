import { type CanonicalRow, textOf } from '../canonical.ts'
import { engineGap, type Reader } from '../engine-gaps.ts'
import { type Predicate, predicateMatrix, type Query, wrongOf } from '../predicates.ts'
import type { Ask } from './findings.ts'
import { type PartedColumn, type PartedTable, partedTables, selected } from './parted.ts'

/** Predicates that engines of the installed versions answer wrongly because of the partition that a row is in. */
interface PartedGap {
  readonly engines: readonly Reader[]
  /** A line of docs/types.md. */
  readonly says: string
  readonly holds: (column: PartedColumn, where: Predicate) => boolean
}

const values = (where: Predicate): string[] => ('value' in where ? [where.value].flat().map((value) => textOf(value)) : [])
const isIdentity = ({ term }: PartedColumn) => !term.includes('(')
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
    holds: (column, { op }) => isIdentity(column) && column.type === 'uuid' && !op.startsWith('is '),
  },
  {
    engines: ['pyiceberg'],
    says: 'PyIceberg takes 0.0 and −0.0 of partitions for two numbers where `IN` lists one of them.',
    holds: (column, where) =>
      isIdentity(column) && column.type === 'float' && where.op === 'in' && values(where).some((one) => Number(one) === 0),
  },
  {
    engines: ['pyiceberg'],
    says: 'PyIceberg fails at `<` and `>=` the first day of the year 1, by year or month.',
    holds: (column, where) =>
      /^(?:year|month)$/.test(unitOf(column) ?? '') && values(where).some((one) => /^-(?:719162|62135596800000000)$/.test(one)),
  },
  {
    engines: ['pyiceberg'],
    says: 'A whole number closer than the width of `truncate` to the least one has no multiple below it. It wraps around to the greatest ones, as the Java library has it, and readers do not find it.',
    holds: (column) => /^truncate\(10, t_(?:int|long)\)$/.test(column.term),
  },
  {
    engines: ['duckdb'],
    says: 'DuckDB finds nothing under `<` on a date, time, timestamp or decimal that is itself a partition.',
    holds: (column, { op }) => isIdentity(column) && op === '<' && /^(?:date|time|decimal)/.test(column.type),
  },
  {
    engines: ['duckdb'],
    says: 'DuckDB leaves out files of dates, by month, and of timestamps before 1970, by month, day and hour (duckdb/duckdb-iceberg 699).',
    holds: (column, { op }) =>
      !op.startsWith('is ') &&
      ((unitOf(column) === 'month' && column.type === 'date') ||
        (/^(?:month|day|hour)$/.test(unitOf(column) ?? '') && column.type !== 'date')),
  },
]

/** What the page says of an engine's gaps, a line each. */
export const partedNotes: readonly string[] = partedGaps.map(({ says }) => says)

/** What an engine makes of a table of these rows: what falls into no known gap, one sentence each, and the gaps that something falls into. */
export interface PartedVerdict {
  readonly unexplained: readonly string[]
  readonly seen: ReadonlySet<string>
}

/**
 * Reads a table whole, and asks it predicates at each value of the columns that it is partitioned by and next to it: of all those one in
 * `oneIn`, and a few that fall into each gap.
 */
export async function judgeParted(
  engine: Reader,
  table: PartedTable,
  rows: readonly CanonicalRow[],
  ask: Ask,
  oneIn: number,
): Promise<PartedVerdict> {
  const columns: readonly PartedColumn[] = partedTables[table]
  const matrix = predicateMatrix(
    rows.map((row) => [row]),
    columns,
    ['kafka_offset'],
  )
  const inGaps = Map.groupBy(matrix, (query) => partedGap(engine, columns, query))
  inGaps.delete(undefined)
  const few = new Set([...inGaps.values()].flatMap((queries) => queries.slice(0, 8)))
  const select = selected(table)
  const queries = [{ select }, ...matrix.filter((query, i) => i % oneIn === 0 || few.has(query))]
  const whole = rows.map((row) => Object.fromEntries(select.map((name) => [name, row[name] ?? null])))
  const unexplained: string[] = []
  const seen = new Set<string>()
  for (const { query, expected, given } of wrongOf(whole, columns, queries, await ask(queries))) {
    const gap = partedGap(engine, columns, query) ?? engineGap(engine, columns, query)
    if (gap === undefined) unexplained.push(`${engine} ${table} ${JSON.stringify(query)}: expected ${expected}, got ${given}`)
    else seen.add(gap.says)
  }
  return { unexplained, seen }
}

function partedGap(engine: Reader, columns: readonly PartedColumn[], { where }: Query): PartedGap | undefined {
  if (where === undefined) return undefined
  const column = columns.find(({ name }) => name === where.column)
  return column === undefined ? undefined : partedGaps.find(({ engines, holds }) => engines.includes(engine) && holds(column, where))
}

/** The gaps of an engine that nothing fell into, a sentence each. */
export function mended(engine: Reader, seen: ReadonlySet<string>): string[] {
  return partedGaps.filter(({ engines, says }) => engines.includes(engine) && !seen.has(says)).map(({ says }) => `No longer so: ${says}`)
}
