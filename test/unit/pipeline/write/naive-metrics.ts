import type { ColumnMetrics } from '../../../../src/formats/iceberg/column-metrics.ts'
import type { NestedField, PrimitiveType } from '../../../../src/formats/iceberg/schema.ts'
import { type PresentValue, serializeSingleValue } from '../../../../src/formats/iceberg/single-value.ts'

type Row = readonly unknown[]

/** What a manifest should say of each leaf that is in no list or map, by field id, worked out value by value. */
export function naiveMetrics(fields: readonly NestedField[], rows: readonly (Row | null)[]): Map<number, ColumnMetrics> {
  const metrics = new Map<number, ColumnMetrics>()
  for (const [i, { id, type }] of fields.entries()) {
    const column = rows.map((row) => row && row[i])
    if (typeof type === 'string') metrics.set(id, leafMetrics(type, column))
    else if (type.type === 'struct') {
      for (const [inner, found] of naiveMetrics(type.fields, column as (Row | null)[])) metrics.set(inner, found)
    }
  }
  return metrics
}

function leafMetrics(type: PrimitiveType, column: readonly unknown[]): ColumnMetrics {
  const present = column.filter((value) => value !== null)
  const sorted = present.filter((value) => !Number.isNaN(value)).sort(compare)
  const hasNans = type === 'float' || type === 'double'
  const counts = {
    valueCount: BigInt(column.length),
    nullCount: BigInt(column.length - present.length),
    ...(hasNans && { nanCount: BigInt(present.length - sorted.length) }),
  }
  if (sorted.length === 0 || (type === 'uuid' && hasMixedSigns(sorted as Uint8Array[]))) return counts
  return { ...counts, lower: bound(type, sorted[0], -0), upper: bound(type, sorted.at(-1), 0) }
}

/** Either zero may be there where one is the smallest or the largest. */
function bound(type: PrimitiveType, value: unknown, zero: number): Uint8Array {
  if (type === 'string') return value as Uint8Array
  return serializeSingleValue(type, (value === 0 && (type === 'float' || type === 'double') ? zero : value) as PresentValue)
}

function compare(a: unknown, b: unknown): number {
  if (a instanceof Uint8Array) return Buffer.compare(a, b as Uint8Array)
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0
}

function hasMixedSigns(uuids: readonly Uint8Array[]): boolean {
  return [0, 8].some((byte) => new Set(uuids.map((uuid) => uuid[byte] >> 7)).size > 1)
}
