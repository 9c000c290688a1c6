/**
 * A value as every reader prints it (readers/canonical.py): numbers and times as exact text, binaries in base64, so that
 * two answers are equal when their JSON text is.
 */
export type Canonical = null | boolean | string | readonly Canonical[] | { readonly [field: string]: Canonical }

/** A row by column name. */
export type CanonicalRow = Readonly<Record<string, Canonical>>

/** A row as the canonical JSON text of an object whose keys are in the table's column order. */
export type Row = string

/** Iceberg's name of a primitive type: `long`, `decimal(9, 2)`, `fixed[4]`, … */
export type PrimitiveName = string

/**
 * A column of a table, by Iceberg's name of its type; nested types have names that no comparison knows. `struct.field` is a field of a
 * column that is a struct.
 */
export interface Column {
  readonly name: string
  readonly type: PrimitiveName
}

/** Rows in one order, for comparing tables as the multisets they are. */
export function sorted(rows: readonly Row[]): Row[] {
  return rows.toSorted()
}

/** The rows' canonical text, in order. */
export function toRows(rows: readonly CanonicalRow[]): Row[] {
  return sorted(rows.map((row) => JSON.stringify(row)))
}

/** A canonical value of a type that has text for its canonical form; throws for any other. */
export function textOf(value: Canonical): string {
  if (typeof value !== 'string') throw new TypeError(`a text was expected: ${JSON.stringify(value)}`)
  return value
}

/** A map's entries, ordered by the key's JSON as UTF-8. */
export function inKeyOrder(entries: readonly (readonly [Canonical, Canonical])[]): Canonical {
  const bytes = (key: Canonical) => Buffer.from(JSON.stringify(key))
  return entries.toSorted(([a], [b]) => Buffer.compare(bytes(a), bytes(b)))
}

/** A float or double: its shortest digits in scientific notation, `NaN`, `Infinity`, `-Infinity`, and `-0e+0`. */
export function canonicalNumber(value: number): string {
  return Object.is(value, -0) ? '-0e+0' : value.toExponential()
}

/** A binary or fixed. */
export function canonicalBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

/** A timestamp or timestamptz from an ISO 8601 text in UTC with up to six decimals of a second. */
export function canonicalTimestamp(iso: string): string {
  const [, whole, decimals] = /^(.*?)(?:\.(\d{1,6}))?Z$/.exec(iso) ?? []
  const seconds = Date.parse(`${whole}Z`)
  if (whole === undefined || Number.isNaN(seconds)) throw new Error(`not an ISO time in UTC: ${iso}`)
  return String(BigInt(seconds) * 1000n + BigInt((decimals ?? '').padEnd(6, '0')))
}

/** Less than zero, zero or more as `a` sorts before, with or after `b`; both non-null, neither NaN. Strings and bytes sort by their bytes. */
export function compareCanonical(type: PrimitiveName, a: Canonical, b: Canonical): number {
  const [left, right] = [orderKey(type, a), orderKey(type, b)]
  if (Buffer.isBuffer(left) && Buffer.isBuffer(right)) return Buffer.compare(left, right)
  return left < right ? -1 : left > right ? 1 : 0
}

function orderKey(type: PrimitiveName, value: Canonical): bigint | number | boolean | Buffer {
  if (typeof value === 'boolean') return value
  if (typeof value !== 'string') throw new TypeError(`a ${type} is not ordered: ${JSON.stringify(value)}`)
  if (type === 'string') return Buffer.from(value, 'utf8')
  if (type === 'uuid') return Buffer.from(value.replaceAll('-', ''), 'hex')
  if (type === 'binary' || type.startsWith('fixed')) return Buffer.from(value, 'base64')
  if (type === 'float' || type === 'double') return Number(value)
  if (type.startsWith('decimal')) return BigInt(value.replace('.', ''))
  return BigInt(value)
}

/** Rows that another engine has in a table of values kept whole, told by their partition. */
export function theirs(...values: string[]): CanonicalRow[] {
  return values.map((value) => ({
    kafka_topic: 'by-hand',
    kafka_partition: '-1',
    kafka_offset: '-1',
    kafka_timestamp: null,
    kafka_key: null,
    kafka_headers: [],
    value: Buffer.from(value).toString('base64'),
  }))
}
