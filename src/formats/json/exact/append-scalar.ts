import type { BooleanBuilder } from '../../arrow/builders/bits.ts'
import type { BytesBuilder, FixedBytesBuilder } from '../../arrow/builders/bytes.ts'
import type { DecimalBuilder, Float32Builder, Float64Builder, Int32Builder, Int64Builder } from '../../arrow/builders/numbers.ts'
import type { Column } from '../column.ts'
import type { Int64, Scalar } from './fit.ts'

/** Appends a slot to a column: what `scalarOf` or `keyOf` gave for its shape. */
export function appendScalar({ shape, builder }: Column, value: Scalar): void {
  switch (shape.kind) {
    case 'boolean':
      return (builder as BooleanBuilder).append(value as boolean)
    case 'int':
    case 'date':
      return (builder as Int32Builder).append(value as number)
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return appendInt64(builder as Int64Builder, value as Int64)
    case 'float':
      return (builder as Float32Builder).append(value as number)
    case 'double':
      return (builder as Float64Builder).append(value as number)
    case 'decimal':
      return (builder as DecimalBuilder).append(value as bigint)
    case 'string':
    case 'binary':
      return (builder as BytesBuilder).append(value as Uint8Array, 0, (value as Uint8Array).length)
    case 'uuid':
      return (builder as FixedBytesBuilder).append(value as Uint8Array)
    case 'struct':
    case 'list':
    case 'map':
      throw new TypeError(`a ${shape.kind} holds no scalar`)
  }
}

function appendInt64(builder: Int64Builder, value: Int64): void {
  if (typeof value === 'number') builder.appendNumber(value)
  else builder.append(value)
}
