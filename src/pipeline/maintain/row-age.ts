import type { DataFile } from '../../formats/iceberg/data-file.ts'
import type { NestedField, PrimitiveType } from '../../formats/iceberg/schema.ts'
import { parseSingleValue } from '../../formats/iceberg/single-value.ts'

/** By what and how long rows of a table are kept. */
export interface RowAge {
  /** The column with a row's time. */
  readonly field: NestedField
  /** Rows whose time is less are old, in the column's unit. Those without a time never are. */
  readonly before: bigint
}

const dayMs = 86_400_000

/** How many of a column's units a day has, by its type. */
const unitsPerDay = new Map<unknown, bigint>([
  ['date', 1n],
  ['timestamp', 86_400_000_000n],
  ['timestamptz', 86_400_000_000n],
])

/**
 * Which rows are old: those from before the day (UTC) that was `days` ago, so that they go by whole days, with the partitions of those who
 * have such. Null where the column has no times.
 */
export function rowAge(field: NestedField, days: number, nowMs: number): RowAge | null {
  const unit = unitsPerDay.get(field.type)
  return unit === undefined ? null : { field, before: BigInt(Math.floor(nowMs / dayMs) - days) * unit }
}

/** Whether all rows of a file are old, some may be, or none is, by its manifest entry alone. */
export function ageOfFile(file: DataFile, { field, before }: RowAge): 'old' | 'mixed' | 'young' {
  const nulls = file.nullValueCounts?.get(field.id)
  if (nulls === file.recordCount) return 'young'
  const type = field.type as PrimitiveType
  const [lower, upper] = [boundOf(type, file.lowerBounds?.get(field.id)), boundOf(type, file.upperBounds?.get(field.id))]
  if (lower !== null && lower >= before) return 'young'
  return upper !== null && upper < before && (nulls === 0n || field.required) ? 'old' : 'mixed'
}

function boundOf(type: PrimitiveType, bytes: Uint8Array | undefined): bigint | null {
  if (bytes === undefined) return null
  try {
    const value = parseSingleValue(type, bytes)
    return typeof value === 'bigint' || typeof value === 'number' ? BigInt(value) : null
  } catch {
    return null
  }
}
