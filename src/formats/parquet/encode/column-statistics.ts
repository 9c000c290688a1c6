import { truncateLowerBinary, truncateLowerString, truncateUpperBinary, truncateUpperString } from '../../iceberg/bounds.ts'
import { parsePrimitive } from '../../iceberg/primitive-type.ts'
import type { PrimitiveType } from '../../iceberg/schema.ts'
import { fromBigEndian, minimalBigEndian } from '../../iceberg/unscaled.ts'
import { statistics } from '../footer-fields.ts'
import { thrift, type ThriftStruct, type ThriftValue } from '../thrift-compact.ts'
import type { Range } from './value-store.ts'

/** Code points of a string, or bytes of a binary, that Parquet's own statistics keep of a bound. */
const keptLength = 64

/**
 * parquet.thrift, `Statistics`: bounds of type-defined order, shortened where they are long; one that can not be is left out. So are
 * those of a fixed type that is long, since they must have its length, and of uuids, which some readers compare as two signed
 * numbers (apache/iceberg#14216).
 */
export function chunkStatistics(type: PrimitiveType, nullCount: number, range: Range | undefined): ThriftStruct {
  const fields: [number, ThriftValue][] = [[statistics.nullCount, thrift.i64(BigInt(nullCount))]]
  if (range !== undefined && hasExtremes(type, range)) {
    const { lower, upper } = shortened(type, range)
    fields.push([statistics.minValue, bytes(lower)], [statistics.isMinExact, flag(lower.length === range.lower.length)])
    if (upper !== undefined) fields.push([statistics.maxValue, bytes(upper)], [statistics.isMaxExact, flag(upper === range.upper)])
  }
  return thrift.struct(fields)
}

/** A range as Iceberg's single-value serialization has it (table specification, appendix D): other bytes for decimals only. */
export function singleValues(type: PrimitiveType, range: Range | undefined): Range | undefined {
  const primitive = parsePrimitive(type)
  if (range === undefined || primitive.kind !== 'decimal') return range
  const minimal = (plain: Uint8Array) => minimalBigEndian(fromBigEndian(primitive.precision <= 18 ? plain.toReversed() : plain))
  return { lower: minimal(range.lower), upper: minimal(range.upper) }
}

function hasExtremes(type: PrimitiveType, { lower }: Range): boolean {
  return type === 'string' || type === 'binary' || (type !== 'uuid' && lower.length <= keptLength)
}

function shortened(type: PrimitiveType, { lower, upper }: Range): { lower: Uint8Array; upper: Uint8Array | undefined } {
  if (type === 'string') return { lower: truncateLowerString(lower, keptLength), upper: truncateUpperString(upper, keptLength) }
  if (type === 'binary') return { lower: truncateLowerBinary(lower, keptLength), upper: truncateUpperBinary(upper, keptLength) }
  return { lower, upper }
}

function bytes(value: Uint8Array): ThriftValue {
  return { type: 'binary', value }
}

function flag(value: boolean): ThriftValue {
  return { type: 'bool', value }
}
