import type { Canonical, CanonicalRow } from '../canonical.ts'
import { type TypedColumn, tables, type TypedTable } from './columns.ts'
import type { Value } from './values.ts'

/** A Kafka record's value, and the row that it should become: its offset, the columns, what was rescued. */
export interface TypedRow {
  /** JSON text; null: a tombstone. */
  readonly document: string | null
  readonly row: CanonicalRow
}

/**
 * The rows of a table, a file each: ordinary values, edges, nulls at every level beside values, nothing at all. Offsets go on
 * from file to file.
 */
export function filesOf(table: TypedTable): TypedRow[][] {
  const columns: readonly TypedColumn[] = tables[table]
  let offset = 0
  const file = (valuesOf: (column: TypedColumn) => readonly Value[]) => {
    const count = Math.max(...columns.map((column) => valuesOf(column).length))
    return Array.from({ length: count }, (_, i) => {
      const members = columns.map((column) => ({ column, value: valuesOf(column)[i % valuesOf(column).length] }))
      return rowOf(offset++, members)
    })
  }
  const nothing = columns.map((column) => ({ column, value: { json: undefined, canonical: null } }))
  return [
    file(({ ordinary }) => ordinary),
    file(({ edges }) => edges),
    file(({ nulls, ordinary }) => [...nulls, ...ordinary]),
    [rowOf(offset, nothing), { ...rowOf(offset + 1, nothing, null), document: null }],
  ]
}

function rowOf(
  offset: number,
  members: readonly { readonly column: TypedColumn; readonly value: Value }[],
  emptyRescue: string | null = '{"$":"{}"}',
): TypedRow {
  const given = members.filter(({ value }) => value.json !== undefined)
  const rescued = given.flatMap(({ column, value }) =>
    (value.rescued ?? []).map(([path, json]): [string, string] => [`$['${column.name}']${path}`, json]),
  )
  const values = members.map(({ column, value }): [string, Canonical] => [column.name, value.canonical])
  return {
    document: `{${given.map(({ column, value }) => `"${column.name}":${value.json}`).join(',')}}`,
    row: {
      kafka_offset: String(offset),
      ...Object.fromEntries(values),
      _rescued: given.length === 0 ? emptyRescue : rescued.length === 0 ? null : JSON.stringify(Object.fromEntries(rescued)),
    },
  }
}
