import { compareCanonical, toRows } from './canonical.ts'
import type { Canonical, CanonicalRow, Column, PrimitiveName, Row } from './canonical.ts'

/** A condition on one column. A comparison is never true for null or NaN. */
export type Predicate =
  | { readonly column: string; readonly op: '=' | '<' | '>='; readonly value: Canonical }
  | { readonly column: string; readonly op: 'starts with'; readonly value: string }
  | { readonly column: string; readonly op: 'in'; readonly value: readonly Canonical[] }
  | { readonly column: string; readonly op: 'is null' | 'is not null' | 'is nan' }

/** A question to a reader. `unpruned` has the engine answer from a copy of all rows, where no statistics can mislead it. */
export type Query = RowQuery | AggregateQuery

export interface RowQuery {
  readonly unpruned?: boolean
  readonly where?: Predicate
  readonly select?: readonly string[]
  readonly aggregate?: never
}

export type AggregateQuery = { readonly unpruned?: boolean; readonly where?: Predicate } & (
  | { readonly aggregate: 'min' | 'max'; readonly column: string }
  | { readonly aggregate: 'count'; readonly column?: string }
)

/** The column that a query is about; undefined for one about whole rows. */
export function columnOf(query: Query): string | undefined {
  return query.where?.column ?? (query.aggregate === undefined ? undefined : query.column)
}

/**
 * The queries that wrong statistics would get wrong answers to: for each column, every predicate at each data file's own
 * least and greatest value and just outside of them, and min, max and count. `files` holds the rows of each data file;
 * `select` names the columns to ask for (default: all). Columns of nested types get the null tests alone; a field of a struct is not
 * asked about what lies just outside of its bounds, since it is kept and compared as a column is.
 */
export function predicateMatrix(
  files: readonly (readonly CanonicalRow[])[],
  columns: readonly Column[],
  select?: readonly string[],
): Query[] {
  const predicates = columns.flatMap(({ name, type }) => {
    const found: Predicate[] = [
      { column: name, op: 'is null' },
      { column: name, op: 'is not null' },
    ]
    if (!isPrimitive(type)) return found
    if (isFloat(type)) found.push({ column: name, op: 'is nan' })
    const values = files.flatMap((rows) => boundsOf(type, rows, name))
    const near = (bound: Canonical) => (name.includes('.') ? [] : neighbours(type, bound))
    for (const value of distinct(values.flatMap((bound) => [bound, ...near(bound)]))) {
      for (const op of ['=', '<', '>='] as const) found.push({ column: name, op, value })
    }
    const bounds = distinct(values)
    if (bounds.length > 0) found.push({ column: name, op: 'in', value: bounds })
    for (const value of bounds) found.push({ column: name, op: 'in', value: [value, near(value)[0] ?? value] })
    if (type === 'string') {
      for (const value of distinct(bounds.flatMap(prefixes))) found.push({ column: name, op: 'starts with', value })
    }
    return found
  })
  const aggregates = columns.flatMap(({ name, type }): Query[] => {
    const count: Query = { aggregate: 'count', column: name }
    return isPrimitive(type) ? [count, { aggregate: 'min', column: name }, { aggregate: 'max', column: name }] : [count]
  })
  return [...predicates.map((where): Query => ({ where, select })), ...aggregates, { aggregate: 'count' }]
}

/** The answer to a query, computed row by row. `rows` are objects with their keys in the table's column order. */
export function expectedAnswer(rows: readonly CanonicalRow[], columns: readonly Column[], query: Query): Row[] {
  const types = new Map(columns.map(({ name, type }) => [name, type]))
  const { where } = query
  const matching = where ? rows.filter((row) => matches(types.get(where.column) ?? '', where, valueAt(row, where.column))) : rows
  if (query.aggregate === undefined) {
    const { select } = query
    return toRows(select ? matching.map((row) => Object.fromEntries(select.map((name) => [name, row[name]]))) : matching)
  }
  if (query.column === undefined) return toRows([{ count: String(matching.length) }])
  const { column } = query
  const values = matching.map((row) => valueAt(row, column)).filter((value) => value !== null)
  if (query.aggregate === 'count') return toRows([{ count: String(values.length) }])
  const [least, greatest] = extremes(types.get(column) ?? '', values)
  const extreme = query.aggregate === 'min' ? least : greatest
  return toRows([{ [query.aggregate]: extreme === '-0e+0' ? '0e+0' : extreme }])
}

/** A query that an engine answers wrongly, and how. */
export interface WrongAnswer {
  readonly query: Query
  readonly expected: string
  readonly given: string
}

/** Where an engine's answers to queries differ from those computed over `rows`; an error is a wrong answer. */
export function wrongOf(
  rows: readonly CanonicalRow[],
  columns: readonly Column[],
  queries: readonly Query[],
  answers: readonly (readonly Row[] | Error)[],
): WrongAnswer[] {
  return queries.flatMap((query, i): WrongAnswer[] => {
    const expected = expectedAnswer(rows, columns, query).join(' ')
    const answer = answers[i]
    const given = answer instanceof Error ? answer.message : answer.join(' ')
    return given === expected ? [] : [{ query, expected, given }]
  })
}

/** A column's value, or a field's of a struct by `struct.field`; null where the struct is. */
export function valueAt(row: CanonicalRow, column: string): Canonical {
  return column.split('.').reduce<Canonical>((value, name) => (value === null ? null : (value as CanonicalRow)[name]), row)
}

function matches(type: PrimitiveName, predicate: Predicate, value: Canonical): boolean {
  switch (predicate.op) {
    case 'is null':
      return value === null
    case 'is not null':
      return value !== null
    case 'is nan':
      return value === 'NaN'
    case 'starts with':
      return typeof value === 'string' && value.startsWith(predicate.value)
    case 'in':
      return comparable(type, value) && predicate.value.some((other) => compareCanonical(type, value, other) === 0)
    case '=':
      return comparable(type, value) && compareCanonical(type, value, predicate.value) === 0
    case '<':
      return comparable(type, value) && compareCanonical(type, value, predicate.value) < 0
    case '>=':
      return comparable(type, value) && compareCanonical(type, value, predicate.value) >= 0
    default:
      return predicate satisfies never
  }
}

/** The least and greatest value of a file's column, neither null nor NaN; empty where it has none. */
function boundsOf(type: PrimitiveName, rows: readonly CanonicalRow[], column: string): Canonical[] {
  return extremes(
    type,
    rows.map((row) => valueAt(row, column)),
  ).filter((value) => value !== null)
}

function extremes(type: PrimitiveName, values: readonly Canonical[]): [Canonical, Canonical] {
  let [least, greatest]: [Canonical, Canonical] = [null, null]
  for (const value of values) {
    if (!comparable(type, value)) continue
    if (least === null || compareCanonical(type, value, least) < 0) least = value
    if (greatest === null || compareCanonical(type, value, greatest) > 0) greatest = value
  }
  return [least, greatest]
}

function comparable(type: PrimitiveName, value: Canonical): boolean {
  return value !== null && !(isFloat(type) && value === 'NaN')
}

function isFloat(type: PrimitiveName): boolean {
  return type === 'float' || type === 'double'
}

function isPrimitive(type: PrimitiveName): boolean {
  return !/^(list|map|struct)\b/.test(type)
}

/** Values just below and just above a bound, as far as the type has them. */
function neighbours(type: PrimitiveName, bound: Canonical): Canonical[] {
  if (typeof bound !== 'string') return []
  if (isFloat(type)) {
    const value = Number(bound)
    const step = type === 'float' ? 2 ** -20 : 2 ** -45
    return [value - Math.abs(value) * step - step, value + Math.abs(value) * step + step]
      .filter((near) => Number.isFinite(type === 'float' ? Math.fround(near) : near))
      .map((near) => near.toExponential())
  }
  if (type === 'string') {
    const points = Array.from(bound)
    return [points.slice(0, -1).join(''), points.slice(0, 16).join(''), `${points.slice(0, 16).join('')}~`, `${bound}\u0001`]
  }
  if (type === 'binary') {
    const bytes = Buffer.from(bound, 'base64')
    return [bytes.subarray(0, -1), bytes.subarray(0, 16), Buffer.concat([bytes, Buffer.of(0)])].map((value) => value.toString('base64'))
  }
  if (type === 'uuid' || type.startsWith('fixed')) return []
  if (type.startsWith('decimal')) {
    const precision = Number(/\d+/.exec(type)?.[0])
    return [addUnits(bound, -1n), addUnits(bound, 1n)].filter((near) => near.replace(/\D/g, '').replace(/^0+/, '').length <= precision)
  }
  const value = BigInt(bound)
  const [low, high] = range(type)
  return [value - 1n, value + 1n].filter((near) => near >= low && near <= high).map(String)
}

/** A decimal with `units` of its last place added, at the same scale. */
function addUnits(text: string, units: bigint): string {
  const scale = text.includes('.') ? text.length - text.indexOf('.') - 1 : 0
  const unscaled = BigInt(text.replace('.', '')) + units
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  return `${unscaled < 0n ? '-' : ''}${whole}${scale > 0 ? `.${digits.slice(-scale)}` : ''}`
}

function range(type: PrimitiveName): [bigint, bigint] {
  switch (type) {
    case 'int':
      return [-(2n ** 31n), 2n ** 31n - 1n]
    case 'long':
      return [-(2n ** 63n), 2n ** 63n - 1n]
    case 'time':
      return [0n, 86_400_000_000n - 1n]
    case 'date':
      return [-719_162n, 2_932_896n]
    default: // timestamps that Python's datetime can hold, years 1 to 9999
      return [-62_135_596_800_000_000n, 253_402_300_799_999_999n]
  }
}

function prefixes(value: Canonical): string[] {
  if (typeof value !== 'string') return []
  const points = Array.from(value)
  return [points.slice(0, 1), points.slice(0, 16), points].map((part) => part.join('')).filter((prefix) => prefix !== '')
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()]
}
