import { parsePrimitive } from '../../iceberg/primitive-type.ts'
import type { PrimitiveType } from '../../iceberg/schema.ts'
import { BooleanStore } from './boolean-store.ts'
import { BytesRange } from './bytes-range.ts'
import { BytesStore } from './bytes-store.ts'
import { FloatRange, Int32Range, Int64Range } from './number-range.ts'
import { NumberStore } from './number-store.ts'
import { physicalType } from './physical-type.ts'
import { UuidRange } from './uuid-range.ts'
import type { ValueStore } from './value-store.ts'

/** A store for the values of a type. */
export function storeOf(type: PrimitiveType): ValueStore {
  const { physical, length } = physicalType(type)
  const { kind } = parsePrimitive(type)
  switch (physical) {
    case 'boolean':
      return new BooleanStore()
    case 'int32':
      return new NumberStore(kind === 'decimal' ? 'decimal' : Int32Array, 1, new Int32Range())
    case 'int64':
      return new NumberStore(kind === 'decimal' ? 'decimal' : BigInt64Array, 2, new Int64Range())
    case 'float':
      return new NumberStore(Float32Array, 1, new FloatRange(Float32Array))
    case 'double':
      return new NumberStore(Float64Array, 2, new FloatRange(Float64Array))
    case 'bytes':
      return new BytesStore('bytes', 0, new BytesRange(false))
    case 'fixed':
      if (kind === 'decimal') return new BytesStore('decimal', length, new BytesRange(true))
      return new BytesStore('fixed-bytes', length, kind === 'uuid' ? new UuidRange() : new BytesRange(false))
  }
}
