import type { FieldSummary, SingleValue } from './data-file.ts'
import type { PrimitiveType } from './schema.ts'
import { compareSingleValues, serializeSingleValue } from './single-value.ts'
import type { PresentValue } from './single-value.ts'

/**
 * The summary of one partition field over all entries of a manifest (table specification, `field_summary`). NaN has no place among
 * the bounds; a zero bound is −0.0 below and +0.0 above, so that no reader's idea of their order can lose a file. Some order uuids as two
 * signed numbers: there are no bounds where that order has others.
 */
export function summarizePartitionField(type: PrimitiveType, values: Iterable<SingleValue>): FieldSummary {
  const floating = type === 'float' || type === 'double'
  let containsNull = false
  let containsNan = false
  let lower: PresentValue | undefined
  let upper: PresentValue | undefined
  for (const value of values) {
    if (value === null) containsNull = true
    else if (Number.isNaN(value)) containsNan = true
    else {
      if (lower === undefined || compareSingleValues(value, lower) < 0) lower = value
      if (upper === undefined || compareSingleValues(value, upper) > 0) upper = value
    }
  }
  if (type === 'uuid' && isNegative(upper) && !isNegative(lower)) return { containsNull }
  return {
    containsNull,
    ...(floating && { containsNan }),
    ...(lower !== undefined && { lowerBound: serializeSingleValue(type, floating && lower === 0 ? -0 : lower) }),
    ...(upper !== undefined && { upperBound: serializeSingleValue(type, floating && upper === 0 ? 0 : upper) }),
  }
}

/** Whether a uuid begins with 8 to f: to who takes it for signed numbers it comes before all others. */
function isNegative(uuid: PresentValue | undefined): boolean {
  return uuid instanceof Uint8Array && uuid[0] >= 0x80
}
