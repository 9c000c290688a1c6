import { type Canonical, type PrimitiveName, textOf } from './canonical.ts'
import type { Dialect } from './sql.ts'

/** Trino's SQL. */
export const trinoDialect: Dialect = {
  name: (name) => `"${name}"`,
  startsWith: (column, text) => `starts_with(${column}, ${text})`,
  isNaN: (column) => `is_nan(${column})`,
  constant(type, value) {
    switch (type) {
      case 'boolean':
        return String(value === true)
      case 'string':
        return `'${textOf(value).replaceAll("'", "''")}'`
      case 'binary':
        return `X'${hex(value)}'`
      case 'uuid':
        return `UUID '${textOf(value)}'`
      default:
        return cast(trinoTypes, type, value)
    }
  },
}

/** Spark's SQL; a uuid is a string there. */
export const sparkDialect: Dialect = {
  name: (name) => `\`${name}\``,
  startsWith: (column, text) => `startswith(${column}, ${text})`,
  isNaN: (column) => `isnan(${column})`,
  constant(type, value) {
    switch (type) {
      case 'boolean':
        return String(value === true)
      case 'string':
      case 'uuid':
        return `'${textOf(value).replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
      case 'binary':
        return `X'${hex(value)}'`
      default:
        return cast(sparkTypes, type, value)
    }
  },
}

const trinoTypes: Readonly<Record<string, string>> = {
  int: 'integer',
  long: 'bigint',
  float: 'real',
  time: 'time(6)',
  timestamp: 'timestamp(6)',
  timestamptz: 'timestamp(6) with time zone',
}

const sparkTypes: Readonly<Record<string, string>> = { long: 'bigint', timestamp: 'timestamp_ntz', timestamptz: 'timestamp' }

function cast(types: Readonly<Record<string, string>>, type: PrimitiveName, value: Canonical): string {
  return `CAST('${literal(type, textOf(value))}' AS ${types[type] ?? type})`
}

/** A canonical time as SQL's text of it; numbers and decimals are that already. */
function literal(type: PrimitiveName, text: string): string {
  if (type === 'date') return isoOf(BigInt(text) * 86_400_000_000n).slice(0, 10)
  if (type === 'time') return isoOf(BigInt(text)).slice(11)
  if (type === 'timestamp') return isoOf(BigInt(text))
  return type === 'timestamptz' ? `${isoOf(BigInt(text))} UTC` : text
}

/** Microseconds since 1970 as `YYYY-MM-DD HH:MM:SS.ffffff`. */
function isoOf(micros: bigint): string {
  const ms = Number((micros - (((micros % 1000n) + 1000n) % 1000n)) / 1000n)
  const rest = String(((micros % 1000n) + 1000n) % 1000n).padStart(3, '0')
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', rest)
}

function hex(base64: Canonical): string {
  return Buffer.from(textOf(base64), 'base64').toString('hex')
}
