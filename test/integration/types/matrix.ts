import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { engineGap, type Gap, gaps, readGap, type Reader } from '../engine-gaps.ts'
import { columnOf } from '../predicates.ts'
import { allForms, nullTested, prunedColumns, type TypedColumn, tables } from './columns.ts'
import type { Findings } from './findings.ts'
import { type Cells, pageWith } from './page.ts'
import { kinds } from './values.ts'

/** What an engine's findings come to. */
export interface Verdict {
  readonly cells: Cells
  /** What falls into no known gap, one sentence each. */
  readonly unexplained: readonly string[]
  /** That, and known gaps that nothing falls into any more. */
  readonly wrong: readonly string[]
}

/** The gaps that our tables show. */
const shown = gaps.filter(({ foreign }) => foreign === undefined)

/** Judges what an engine makes of the three tables. */
export function verdictOf(engine: Reader, findings: readonly Findings[]): Verdict {
  const unexplained: string[] = []
  const seen = new Set<Gap>()
  const flaws = new Map<string, Flaws>()
  const mark = (column: string, of: keyof Flaws, gap: Gap) => {
    seen.add(gap)
    flaws.set(column, { ...flaws.get(column), [of]: shown.indexOf(gap) + 1 })
  }
  for (const { table, unread, wrong } of findings) {
    const columns: readonly TypedColumn[] = tables[table]
    for (const [name, how] of unread) {
      // The rescue column is no column of a type: it is read where all the others are.
      const gap = readGap(engine, columns.find((column) => column.name === name)?.type ?? columns.map(({ type }) => type).join(' '))
      if (gap === undefined) unexplained.push(`${engine} ${table}.${name}: ${how}`)
      else mark(name, 'unread', gap)
    }
    for (const { query, expected, given } of wrong) {
      const gap = engineGap(engine, prunedColumns(table), query)
      const [name, field] = columnOf(query)?.split('.') ?? ['']
      const whole = field === undefined && columns.some((column) => column.name === name && column.form !== 'T')
      if (gap === undefined) unexplained.push(`${engine} ${table} ${JSON.stringify(query)}: expected ${expected}, got ${given}`)
      else mark(name, whole ? 'nulls' : 'wrong', gap)
    }
  }
  const mended = shown.filter((gap) => gap.engine === engine && !seen.has(gap)).map(({ says }) => `No longer so: ${says}`)
  return { cells: cellsOf(flaws), unexplained, wrong: [...unexplained, ...mended] }
}

/** The numbers of the notes on what is wrong with a column. */
interface Flaws {
  /** Its values are not read, or not rightly. */
  readonly unread?: number
  /** Predicates on it, or on its field. */
  readonly wrong?: number
  /** Null tests on a column that holds others. */
  readonly nulls?: number
}

function cellsOf(flaws: ReadonlyMap<string, Flaws>): Map<string, string> {
  const columns: readonly TypedColumn[] = Object.values(tables).flat()
  const cells = new Map<string, string>()
  for (const { type } of kinds) {
    const own = columns.filter(({ form, kind }) => form === 'T' && kind.type === type).map(({ name }) => flaws.get(name))
    const first = (of: keyof Flaws) => own.map((flaw) => flaw?.[of]).find((number) => number !== undefined)
    cells.set(type, first('unread') === undefined ? `full, predicates${numbered(first('wrong'))}` : `no${numbered(first('unread'))}`)
  }
  for (const form of allForms.filter((one) => one !== 'T')) {
    const own = columns
      .filter((column) => column.form === form)
      .map(({ name, kind }) => ({ type: kind.type, flaws: flaws.get(name) ?? {} }))
    const nulls = own.map((column) => column.flaws.nulls).find((number) => number !== undefined)
    const predicates = form === 'struct<T>' ? `, predicates${but(own, 'wrong')}` : ''
    cells.set(form, `full${but(own, 'unread')}${predicates}${nullTested.includes(form) ? `, null tests${numbered(nulls)}` : ''}`)
  }
  return cells
}

function numbered(note: number | undefined): string {
  return note === undefined ? '' : ` (${note})`
}

/** Which types are excepted, and the notes on them; the note alone where all are. */
function but(columns: readonly { readonly type: string; readonly flaws: Flaws }[], of: keyof Flaws): string {
  const flawed = columns.filter(({ flaws }) => flaws[of] !== undefined)
  if (flawed.length === columns.length) return numbered(flawed[0].flaws[of])
  return flawed.length === 0 ? '' : ` but ${flawed.map(({ type, flaws }) => `\`${type}\`${numbered(flaws[of])}`).join(', ')}`
}

const setup = readFileSync(join(import.meta.dirname, '../servers/setup.sh'), 'utf8')
const version = (pattern: RegExp) => {
  const found = pattern.exec(setup)?.[1]
  if (found === undefined) throw new Error(`setup.sh installs nothing like ${pattern.source}`)
  return found
}

/** The engines of the matrix, as its headings call them. */
export const headings = {
  pyiceberg: `PyIceberg ${version(/'pyiceberg==([\d.]+)'/)}`,
  duckdb: `DuckDB ${version(/'duckdb==([\d.]+)'/)}`,
  spark: `Spark ${version(/'pyspark==([\d.]+)'/)}, Iceberg ${version(/iceberg-spark-runtime-[\d._]+:([\d.]+)/)}`,
  trino: `Trino ${version(/trino-server:(\d+)/)}`,
} satisfies Partial<Record<Reader, string>>

/** docs/types.md as it should be after these engines were asked. */
export function typesPageWith(found: ReadonlyMap<keyof typeof headings, Cells>): string {
  return pageWith(
    Object.values(headings),
    [
      { heading: 'T', rows: kinds.map(({ type }) => type) },
      { heading: 'T within', rows: allForms.filter((form) => form !== 'T') },
    ],
    shown.map(({ says }) => says),
    new Map([...found].map(([engine, cells]) => [headings[engine], cells])),
  )
}
