import { parsePrimitive } from '../../iceberg/primitive-type.ts'
import type { PrimitiveType } from '../../iceberg/schema.ts'
import { type PresentValue, serializeSingleValue } from '../../iceberg/single-value.ts'
import { bigEndian } from '../../iceberg/unscaled.ts'
import { physicalType } from '../encode/physical-type.ts'
import type { StoredVector } from '../encode/value-store.ts'

const one = { length: 1, nullCount: 0, validity: null } as const

/** A vector whose one slot holds a value. Throws an Error for a value that is none of the type. */
export function constantVector(type: PrimitiveType, value: PresentValue): StoredVector {
  const { physical, length } = physicalType(type)
  if (parsePrimitive(type).kind === 'decimal') {
    const unscaled = BigInt(value as bigint)
    if (physical === 'int32') return { layout: 'plain-decimals', ...one, values: Int32Array.of(Number(unscaled)) }
    if (physical === 'int64') return { layout: 'plain-decimals', ...one, values: BigInt64Array.of(unscaled) }
    return { layout: 'fixed-bytes', ...one, width: length, data: bigEndian(unscaled, length) }
  }
  const bytes = serializeSingleValue(type, value).slice()
  switch (physical) {
    case 'boolean':
      return { layout: 'boolean', ...one, values: bytes }
    case 'int32':
      return { layout: 'fixed', ...one, values: new Int32Array(bytes.buffer) }
    case 'int64':
      return { layout: 'fixed', ...one, values: new BigInt64Array(bytes.buffer) }
    case 'float':
      return { layout: 'fixed', ...one, values: new Float32Array(bytes.buffer) }
    case 'double':
      return { layout: 'fixed', ...one, values: new Float64Array(bytes.buffer) }
    case 'bytes':
      return { layout: 'bytes', ...one, offsets: Int32Array.of(0, bytes.length), data: bytes }
    case 'fixed':
      return { layout: 'fixed-bytes', ...one, width: length, data: bytes }
  }
}
