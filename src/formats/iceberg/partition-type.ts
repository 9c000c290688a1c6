import type { AvroRecord, AvroSchema, AvroValue } from '../avro/schema.ts'
import { avroNames } from './avro-names.ts'
import type { SingleValue } from './data-file.ts'
import type { PartitionSpec } from './partition-spec.ts'
import { findField, isPrimitive, parsePrimitive } from './primitive-type.ts'
import type { PrimitiveType, Schema } from './schema.ts'
import { fixedResultType, transformResultType } from './transforms.ts'
import { bigEndian, decimalByteWidth, fromBigEndian } from './unscaled.ts'

/**
 * The types of a spec's partition values, in the order of its fields. A source column that the schema lacks matters only where the
 * transform's result depends on its type: give a schema of the table that still has it.
 * @throws Error that names the partition field whose type can not be told.
 */
export function partitionTypes(schema: Pick<Schema, 'fields'>, spec: PartitionSpec): PrimitiveType[] {
  return spec.fields.map((field) => {
    const source = findField(schema.fields, field['source-id'])
    const place = `iceberg: partition field ${field['field-id']} "${field.name}"`
    if (source === undefined) {
      const type = fixedResultType(field.transform)
      if (type === undefined) throw new Error(`${place}: its source column ${field['source-id']} is not in the schema`)
      return type
    }
    if (!isPrimitive(source.type)) throw new Error(`${place}: its source column ${field['source-id']} is no primitive`)
    return transformResultType(field.transform, source.type)
  })
}

/** The Avro record of partition values in a manifest: `r102`, every field optional, field ids those of the spec. */
export function partitionRecord(spec: PartitionSpec, types: readonly PrimitiveType[]): AvroRecord {
  const names = avroNames(spec.fields)
  return {
    type: 'record',
    name: 'r102',
    fields: spec.fields.map((field, i) => ({
      name: names[i],
      type: { type: 'union', branches: [{ type: 'null' }, avroType(types[i], field['field-id'])] },
      default: null,
      'field-id': field['field-id'],
    })),
  }
}

/**
 * The Avro type of a primitive (table specification, appendix A, "Avro"). Each fixed type has a name of its own: Avro has a name that
 * occurs again refer to its first definition, and PyIceberg does not follow such references.
 */
function avroType(type: PrimitiveType, fieldId: number): AvroSchema {
  const primitive = parsePrimitive(type)
  switch (primitive.kind) {
    case 'boolean':
    case 'int':
    case 'long':
    case 'float':
    case 'double':
    case 'string':
      return { type: primitive.kind }
    case 'date':
      return { type: 'int', logicalType: 'date' }
    case 'time':
      return { type: 'long', logicalType: 'time-micros' }
    case 'timestamp':
    case 'timestamptz':
      return { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': primitive.kind === 'timestamptz' }
    case 'uuid':
      return { type: 'fixed', name: `uuid_fixed_${fieldId}`, size: 16, logicalType: 'uuid' }
    case 'binary':
      return { type: 'bytes' }
    case 'fixed':
      return { type: 'fixed', name: `fixed_${primitive.length}_${fieldId}`, size: primitive.length }
    case 'decimal':
      break
  }
  const { precision, scale } = primitive
  const size = decimalByteWidth(precision)
  return { type: 'fixed', name: `decimal_${precision}_${scale}_${fieldId}`, size, logicalType: 'decimal', precision, scale }
}

/** A partition value as Avro writes it. Values that were read before a column was widened are widened here. */
export function partitionValueToAvro(type: PrimitiveType, value: SingleValue): AvroValue {
  if (value === null) return null
  const primitive = parsePrimitive(type)
  switch (primitive.kind) {
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return typeof value === 'number' ? BigInt(value) : value
    case 'decimal':
      return typeof value === 'bigint' ? bigEndian(value, decimalByteWidth(primitive.precision)) : value
    case 'boolean':
    case 'int':
    case 'date':
    case 'float':
    case 'double':
    case 'string':
    case 'uuid':
    case 'fixed':
    case 'binary':
      break
  }
  return value
}

/** A partition value as it was read with the manifest's own schema for it; undefined where Avro's type is none of a partition value. */
export function partitionValueFromAvro(schema: AvroSchema, value: AvroValue): SingleValue | undefined {
  const type = schema.type === 'union' ? schema.branches.find((branch) => branch.type !== 'null') : schema
  const decimal = type !== undefined && 'logicalType' in type && type.logicalType === 'decimal'
  if (value instanceof Uint8Array) return decimal ? fromBigEndian(value) : value
  return value === null || typeof value !== 'object' ? value : undefined
}
