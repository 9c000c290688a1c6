import type { FieldSummary, SingleValue } from './data-file.ts'
import type { PrimitiveType } from './schema.ts'
import { compareSingleValues, serializeSingleValue } from './single-value.ts'
import type { PresentValue } from './single-value.ts'

/**
 * The summary of one partition field over all entries of a manifest (table specification, `field_summary`). NaN has no place among
 * the bounds; a zero bound is −0.0 below and +0.0 above, so that no reader's idea of their order can lose a file. Some order uuids as two
 * signed numbers: null where that order is another one for these values, which is where a half has different signs. Bounds can not just be
 * left out: readers take that for a field of nothing but nulls.
 */
export function summarizePartitionField(type: PrimitiveType, values: Iterable<SingleValue>): FieldSummary | null {
  const floating = type === 'float' || type === 'double'
  let containsNull = false
  let containsNan = false
  let lower: PresentValue | undefined
  let upper: PresentValue | undefined
  const signs = new Set<number>()
  for (const value of values) {
    if (value === null) containsNull = true
    else if (Number.isNaN(value)) containsNan = true
    else {
      if (lower === undefined || compareSingleValues(value, lower) < 0) lower = value
      if (upper === undefined || compareSingleValues(value, upper) > 0) upper = value
      if (type === 'uuid' && value instanceof Uint8Array) signs.add((value[0] >> 7) * 2 + (value[8] >> 7))
    }
  }
  if (signs.size > 1) return null
  return {
    containsNull,
    ...(floating && { containsNan }),
    ...(lower !== undefined && { lowerBound: serializeSingleValue(type, floating && lower === 0 ? -0 : lower) }),
    ...(upper !== undefined && { upperBound: serializeSingleValue(type, floating && upper === 0 ? 0 : upper) }),
  }
}
