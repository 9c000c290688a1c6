import type { Canonical, Column } from './canonical.ts'
import type { Query } from './predicates.ts'
import type { Engine } from './readers.ts'

/**
 * Why an engine of the installed version cannot answer a query, whoever wrote the table; undefined where it can.
 * The readers' own test holds this list against a table of PyIceberg's, in both directions: what is missing here and what was mended.
 */
export function engineGap(engine: Engine, columns: readonly Column[], query: Query): string | undefined {
  const { where } = query
  const column = columns.find(({ name }) => name === where?.column)
  if (where === undefined || column === undefined || query.unpruned) return undefined
  const { type } = column
  switch (engine) {
    case 'pyiceberg':
      if (/^(list|map)\b/.test(type)) return 'PyIceberg filters neither lists nor maps'
      if (type === 'float' && 'value' in where && [where.value].flat().some(isInfinite))
        return 'PyIceberg takes an infinity for a number beyond the type float'
      if (type === 'uuid') return 'pyarrow has no comparison for its UUID type'
      return undefined
    case 'duckdb':
      if (/^(list|map|struct)\b/.test(type))
        return 'DuckDB prunes every file under a null test on a nested column, whose counts manifests do not hold'
      if (/^decimal\((19|2\d|3\d),/.test(type)) return 'DuckDB takes a negative bound of a decimal beyond 18 digits for a positive one'
      return undefined
    case 'pyarrow':
      return undefined
    default:
      return engine satisfies never
  }
}

function isInfinite(value: Canonical): boolean {
  return value === 'Infinity' || value === '-Infinity'
}
