import { type Canonical, type Column, type PrimitiveName, textOf } from './canonical.ts'
import { columnOf, type Query } from './predicates.ts'
import type { Engine } from './readers.ts'

/** Every engine that the tests know. */
export type Reader = Engine | 'spark' | 'trino'

/** What an engine of the installed version can not do. */
export interface Gap {
  readonly engine: Reader
  /** A sentence. */
  readonly says: string
  /** The queries that it answers wrongly, or not at all; `type` is that of the column the query is about. */
  readonly query?: (type: PrimitiveName, query: Query) => boolean
  /** Where our tables do not show it. */
  readonly foreign?: true
  /** The columns that it can not read, or not rightly, by their type as a document declares it. */
  readonly column?: (type: string) => boolean
}

/** The tests hold this list against what they find, in both directions: what is missing here and what was mended. */
export const gaps: readonly Gap[] = [
  {
    engine: 'pyiceberg',
    says: 'PyIceberg filters neither lists nor maps.',
    query: (type, { where }) => where !== undefined && /^(list|map)\b/.test(type),
  },
  {
    engine: 'pyiceberg',
    says: 'PyIceberg takes an infinity for a number beyond the type float.',
    foreign: true,
    query: (type, { where }) => type === 'float' && where !== undefined && 'value' in where && [where.value].flat().some(isInfinite),
  },
  {
    engine: 'pyiceberg',
    says: 'PyIceberg filters no uuid of a file that pyarrow wrote: pyarrow has no comparison for the type that it then sees.',
    foreign: true,
    query: (type, { where }) => where !== undefined && type === 'uuid',
  },
  {
    engine: 'pyiceberg',
    says: 'PyIceberg shows a null list or map as an empty one where it holds structs (apache/iceberg-python 3833).',
    column: (type) => /^(list|map)<.*struct/.test(type),
  },
  {
    engine: 'duckdb',
    says: 'DuckDB prunes every file under a null test on a nested column, whose counts manifests do not hold (duckdb/duckdb-iceberg 782).',
    query: (type, { where }) => where !== undefined && /^(list|map|struct)\b/.test(type),
  },
  {
    engine: 'duckdb',
    says: 'DuckDB takes a negative bound of a decimal of more than 18 digits for a positive one, and prunes files that have matching rows.',
    query: (type, { where }) => where !== undefined && /^decimal\((19|2\d|3\d),/.test(type),
  },
  {
    engine: 'spark',
    says: 'Spark loads no table that has a `time` anywhere, and so none of its other columns.',
    column: (type) => /\btime\b/.test(type),
  },
  {
    engine: 'spark',
    says: 'Spark prunes by comparing uuids as signed numbers: `<` a uuid that begins with 8 to f leaves out files whose uuids all begin with 0 to 7, and `>=` one that begins with 0 to 7 those whose uuids all begin with 8 to f (apache/iceberg 14216).',
    query: (type, { where }) =>
      type === 'uuid' &&
      ((where?.op === '<' && /^[89a-f]/.test(textOf(where.value))) || (where?.op === '>=' && /^[0-7]/.test(textOf(where.value)))),
  },
]

/** The gap that a query falls into; undefined where the engine should answer it. From a copy of all rows every engine can. */
export function engineGap(engine: Reader, columns: readonly Column[], query: Query): Gap | undefined {
  if (query.unpruned) return undefined
  const type = columns.find(({ name }) => name === columnOf(query))?.type
  return type === undefined ? undefined : gaps.find((gap) => gap.engine === engine && gap.query?.(type, query) === true)
}

/** The gap that a column of a declared type falls into when its values are read. */
export function readGap(engine: Reader, type: string): Gap | undefined {
  return gaps.find((gap) => gap.engine === engine && gap.column?.(type) === true)
}

function isInfinite(value: Canonical): boolean {
  return value === 'Infinity' || value === '-Infinity'
}
