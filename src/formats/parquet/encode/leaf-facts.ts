import { compareBytes } from '../../iceberg/bounds.ts'
import type { PrimitiveType } from '../../iceberg/schema.ts'
import { compareSingleValues, parseSingleValue } from '../../iceberg/single-value.ts'
import type { LeafTotals } from '../file-assembler.ts'
import type { EncodedChunk } from './column-chunk.ts'
import { singleValues } from './column-statistics.ts'
import { haveOneSign } from './uuid-range.ts'
import type { Range } from './value-store.ts'

/** Totals of one leaf column over a whole file, and its bounds. */
export interface LeafFacts extends LeafTotals {
  /** For float and double; 0 for others. */
  readonly nanCount: bigint
  /**
   * The smallest and the largest value that is neither null nor NaN, single-value serialized (table specification, appendix D), whole.
   * Undefined where there is none, and for uuids that readers do not agree on the order of (see `UuidRange`).
   */
  readonly range: Range | undefined
}

/** What is known of a leaf when one more chunk of it has been written. */
export function withChunk(known: LeafFacts | undefined, chunk: EncodedChunk): LeafFacts {
  const { type } = chunk.leaf
  const own: LeafFacts = {
    compressedBytes: BigInt(chunk.compressedBytes),
    valueCount: BigInt(chunk.valueCount),
    nullCount: BigInt(chunk.nullCount),
    nanCount: BigInt(chunk.nanCount),
    range: singleValues(type, chunk.range),
  }
  if (known === undefined) return own
  return {
    compressedBytes: known.compressedBytes + own.compressedBytes,
    valueCount: known.valueCount + own.valueCount,
    nullCount: known.nullCount + own.nullCount,
    nanCount: known.nanCount + own.nanCount,
    range: union(type, known, own),
  }
}

function union(type: PrimitiveType, a: LeafFacts, b: LeafFacts): Range | undefined {
  if (!hasValues(a)) return b.range
  if (!hasValues(b)) return a.range
  if (a.range === undefined || b.range === undefined) return undefined
  if (type === 'uuid' && !haveOneSign(a.range.lower, b.range.lower)) return undefined
  const order = type === 'string' || type === 'binary' ? compareBytes : orderOf(type)
  const lower = order(b.range.lower, a.range.lower) < 0 ? b.range.lower : a.range.lower
  const upper = order(b.range.upper, a.range.upper) > 0 ? b.range.upper : a.range.upper
  return { lower, upper }
}

function hasValues({ valueCount, nullCount, nanCount }: LeafFacts): boolean {
  return valueCount > nullCount + nanCount
}

function orderOf(type: PrimitiveType): (a: Uint8Array, b: Uint8Array) => number {
  return (a, b) => compareSingleValues(parseSingleValue(type, a), parseSingleValue(type, b))
}
