import { type ParsedPrimitive, parsePrimitive } from '../../iceberg/primitive-type.ts'
import type { PrimitiveType } from '../../iceberg/schema.ts'
import { decimalByteWidth } from '../../iceberg/unscaled.ts'
import { thrift, type ThriftStruct, type ThriftValue } from '../thrift-compact.ts'

/** parquet.thrift, `Type`. */
export const physicalTypes = { boolean: 0, int32: 1, int64: 2, float: 4, double: 5, bytes: 6, fixed: 7 } as const

/** How an Iceberg primitive stands in Parquet (table specification, "Parquet"; parquet-format, LogicalTypes.md). */
export interface PhysicalType {
  readonly physical: keyof typeof physicalTypes
  /** Of a fixed-length byte array, bytes; 0 for all others. */
  readonly length: number
  /** Fields 6 to 8 and 10 of parquet.thrift's `SchemaElement`. */
  readonly annotations: readonly (readonly [number, ThriftValue])[]
}

const convertedTypes = { utf8: 0, decimal: 5, date: 6, timeMicros: 8, timestampMicros: 10 } as const
const logicalTypes = { string: 1, decimal: 5, date: 6, time: 7, timestamp: 8, uuid: 14 } as const
const empty = thrift.struct([])

/** @throws Error for a type that is not one of the table specification's primitive types up to format version 2. */
export function physicalType(type: PrimitiveType): PhysicalType {
  const primitive = parsePrimitive(type)
  switch (primitive.kind) {
    case 'boolean':
    case 'float':
    case 'double':
      return { physical: primitive.kind, length: 0, annotations: [] }
    case 'int':
      return { physical: 'int32', length: 0, annotations: [] }
    case 'long':
      return { physical: 'int64', length: 0, annotations: [] }
    case 'date':
      return { physical: 'int32', length: 0, annotations: annotations(convertedTypes.date, logicalTypes.date, empty) }
    // The older annotation can not tell local times from others and is wanted for both all the same (LogicalTypes.md).
    case 'time':
      return { physical: 'int64', length: 0, annotations: annotations(convertedTypes.timeMicros, logicalTypes.time, micros(false)) }
    case 'timestamp':
    case 'timestamptz': {
      const parameters = micros(primitive.kind === 'timestamptz')
      return { physical: 'int64', length: 0, annotations: annotations(convertedTypes.timestampMicros, logicalTypes.timestamp, parameters) }
    }
    case 'string':
      return { physical: 'bytes', length: 0, annotations: annotations(convertedTypes.utf8, logicalTypes.string, empty) }
    case 'binary':
      return { physical: 'bytes', length: 0, annotations: [] }
    case 'uuid':
      return { physical: 'fixed', length: 16, annotations: [[10, thrift.struct([[logicalTypes.uuid, empty]])]] }
    case 'fixed':
      return { physical: 'fixed', length: primitive.length, annotations: [] }
    case 'decimal':
      return decimal(primitive)
  }
}

function decimal({ precision, scale }: Extract<ParsedPrimitive, { kind: 'decimal' }>): PhysicalType {
  const parameters = thrift.struct([
    [1, thrift.i32(scale)],
    [2, thrift.i32(precision)],
  ])
  const described = [
    ...annotations(convertedTypes.decimal, logicalTypes.decimal, parameters),
    [7, thrift.i32(scale)] as const,
    [8, thrift.i32(precision)] as const,
  ]
  if (precision <= 9) return { physical: 'int32', length: 0, annotations: described }
  if (precision <= 18) return { physical: 'int64', length: 0, annotations: described }
  return { physical: 'fixed', length: decimalByteWidth(precision), annotations: described }
}

function annotations(converted: number, logical: number, parameters: ThriftStruct) {
  return [
    [6, thrift.i32(converted)],
    [10, thrift.struct([[logical, parameters]])],
  ] as const
}

/** parquet.thrift, `TimeType` and `TimestampType`: isAdjustedToUTC, unit. */
function micros(adjustedToUtc: boolean): ThriftStruct {
  return thrift.struct([
    [1, { type: 'bool', value: adjustedToUtc }],
    [2, thrift.struct([[2, empty]])],
  ])
}
