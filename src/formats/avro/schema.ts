/**
 * Avro schemas (Avro specification 1.12, "Schema Declaration") in memory: every named type is resolved to its definition, every
 * union is an object. `schema-json.ts` turns them into the JSON form and back.
 */
export type AvroSchema = AvroPrimitive | AvroFixed | AvroEnum | AvroRecord | AvroArray | AvroMap | AvroUnion

/** A logical type and its parameters; they never change how a value is encoded. `adjust-to-utc` is Iceberg's. */
interface Annotations {
  readonly logicalType?: string
  readonly precision?: number
  readonly scale?: number
  readonly 'adjust-to-utc'?: boolean
}

export interface AvroPrimitive extends Annotations {
  readonly type: 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string'
}

export interface AvroFixed extends Annotations {
  readonly type: 'fixed'
  readonly name: string
  /** Bytes. */
  readonly size: number
}

export interface AvroEnum {
  readonly type: 'enum'
  readonly name: string
  readonly symbols: readonly string[]
}

export interface AvroRecord {
  readonly type: 'record'
  readonly name: string
  readonly fields: readonly AvroField[]
}

export interface AvroField {
  readonly name: string
  readonly type: AvroSchema
  /** Present (as null) on optional fields. */
  readonly default?: null
  /** Iceberg's id of the field. */
  readonly 'field-id'?: number
}

/** With `logicalType: map` an array of two-field key and value records stands for a map whose keys are no strings. */
export interface AvroArray {
  readonly type: 'array'
  readonly items: AvroSchema
  readonly logicalType?: string
  /** Iceberg's id of the elements. */
  readonly 'element-id'?: number
}

/** A map with string keys. */
export interface AvroMap {
  readonly type: 'map'
  readonly values: AvroSchema
  readonly 'key-id'?: number
  readonly 'value-id'?: number
}

export interface AvroUnion {
  readonly type: 'union'
  readonly branches: readonly AvroSchema[]
}

/**
 * A value of a schema: int, float and double are numbers, long is a bigint, bytes and fixed are Uint8Arrays, an enum is its symbol,
 * an array is its items, **a record is its fields' values in the order of the schema's fields**, a union is the value of its branch.
 */
export type AvroValue = null | boolean | number | bigint | string | Uint8Array | readonly AvroValue[] | ReadonlyMap<string, AvroValue>

/** Bytes or a value that no Avro reader could make sense of, or a value that does not fit its schema; the message says where. */
export class AvroError extends Error {
  override readonly name = 'AvroError'
}
