import { truncateLowerBinary, truncateLowerString, truncateUpperBinary, truncateUpperString } from './bounds.ts'
import type { DataFile } from './data-file.ts'
import type { MetricsMode } from './metrics-config.ts'
import { findField, isPrimitive } from './primitive-type.ts'
import type { PrimitiveType, Schema } from './schema.ts'
import { parseSingleValue, serializeSingleValue } from './single-value.ts'

/** What is known of one column of one data file. */
export interface ColumnMetrics {
  /** Values, nulls and NaNs included. */
  readonly valueCount: bigint
  readonly nullCount: bigint
  /** For float and double. */
  readonly nanCount?: bigint
  /** The smallest and the largest value that is neither null nor NaN, single-value serialized (a string as its UTF-8), whole. */
  readonly lower?: Uint8Array
  readonly upper?: Uint8Array
  /** On disk, bytes. */
  readonly columnSize?: bigint
}

export type DataFileMetrics = Required<
  Pick<DataFile, 'columnSizes' | 'valueCounts' | 'nullValueCounts' | 'nanValueCounts' | 'lowerBounds' | 'upperBounds'>
>

/**
 * The statistics of a data file for its manifest entry (table specification, "Field-level Metrics and Statistics"), from those of its
 * columns by field id. `modes` comes from `metricsModes`: a column without a mode, as any inside a list or map, has no statistics.
 * An upper bound that can not be shortened is left out.
 */
export function dataFileMetrics(
  schema: Pick<Schema, 'fields'>,
  modes: ReadonlyMap<number, MetricsMode>,
  columns: ReadonlyMap<number, ColumnMetrics>,
): DataFileMetrics {
  const metrics = {
    columnSizes: new Map<number, bigint>(),
    valueCounts: new Map<number, bigint>(),
    nullValueCounts: new Map<number, bigint>(),
    nanValueCounts: new Map<number, bigint>(),
    lowerBounds: new Map<number, Uint8Array>(),
    upperBounds: new Map<number, Uint8Array>(),
  }
  for (const [id, mode] of modes) {
    const column = columns.get(id)
    const type = findField(schema.fields, id)?.type
    if (column === undefined || type === undefined || !isPrimitive(type) || mode.kind === 'none') continue
    if (column.columnSize !== undefined) metrics.columnSizes.set(id, column.columnSize)
    metrics.valueCounts.set(id, column.valueCount)
    metrics.nullValueCounts.set(id, column.nullCount)
    if (column.nanCount !== undefined) metrics.nanValueCounts.set(id, column.nanCount)
    if (mode.kind === 'counts') continue
    const length = mode.kind === 'truncate' ? mode.length : Infinity
    const lower = column.lower && lowerBound(type, column.lower, length)
    const upper = column.upper && upperBound(type, column.upper, length)
    if (lower !== undefined) metrics.lowerBounds.set(id, lower)
    if (upper !== undefined) metrics.upperBounds.set(id, upper)
  }
  return metrics
}

function lowerBound(type: PrimitiveType, value: Uint8Array, length: number): Uint8Array | undefined {
  if (type === 'string') return truncateLowerString(value, length)
  if (type === 'binary') return truncateLowerBinary(value, length)
  return type === 'float' || type === 'double' ? floatBound(type, value, -0) : value
}

function upperBound(type: PrimitiveType, value: Uint8Array, length: number): Uint8Array | undefined {
  if (type === 'string') return truncateUpperString(value, length)
  if (type === 'binary') return truncateUpperBinary(value, length)
  return type === 'float' || type === 'double' ? floatBound(type, value, 0) : value
}

/** A bound is never NaN, and a zero is −0.0 below and +0.0 above: some readers tell them apart, some do not. */
function floatBound(type: 'float' | 'double', value: Uint8Array, zero: number): Uint8Array | undefined {
  const number = parseSingleValue(type, value)
  if (Number.isNaN(number)) return undefined
  return number === 0 ? serializeSingleValue(type, zero) : value
}
