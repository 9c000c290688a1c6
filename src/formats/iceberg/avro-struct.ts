import { AvroError } from '../avro/schema.ts'
import type { AvroField, AvroRecord, AvroSchema, AvroValue } from '../avro/schema.ts'

/**
 * A field of one of the table specification's structs that live in Avro files: written with its id, found again by its id, whatever
 * its name or place in the file. `T` is the value in memory.
 */
export interface StructField<T> {
  readonly id: number
  readonly name: string
  readonly type: AvroSchema
  readonly toAvro: (value: T) => AvroValue
  /** Undefined where the value read is not of the type. */
  readonly fromAvro: (value: AvroValue) => T | undefined
}

export function intField(id: number, name: string): StructField<number> {
  return { id, name, type: { type: 'int' }, toAvro: same, fromAvro: toInt }
}

export function longField(id: number, name: string): StructField<bigint> {
  return { id, name, type: { type: 'long' }, toAvro: same, fromAvro: toLong }
}

export function stringField(id: number, name: string): StructField<string> {
  return { id, name, type: { type: 'string' }, toAvro: same, fromAvro: (value) => (typeof value === 'string' ? value : undefined) }
}

export function booleanField(id: number, name: string): StructField<boolean> {
  return { id, name, type: { type: 'boolean' }, toAvro: same, fromAvro: (value) => (typeof value === 'boolean' ? value : undefined) }
}

export function binaryField(id: number, name: string): StructField<Uint8Array> {
  return { id, name, type: { type: 'bytes' }, toAvro: same, fromAvro: toBytes }
}

/** A list. Lists with elements that are no `T` are read as no list. */
export function listField<T>(id: number, name: string, elementId: number, element: Codec<T>): StructField<readonly T[]> {
  return {
    id,
    name,
    type: { type: 'array', items: element.type, 'element-id': elementId },
    toAvro: (values) => values.map((value) => element.toAvro(value)),
    fromAvro: (values) => {
      if (!Array.isArray(values)) return undefined
      const items = values.map((value) => element.fromAvro(value))
      return items.every((item) => item !== undefined) ? items : undefined
    },
  }
}

/** A map by field id, which Avro holds as an array of records `k<key id>_v<value id>` with `logicalType: map`. */
export function mapField<T>(
  id: number,
  name: string,
  keyId: number,
  valueId: number,
  value: Codec<T>,
): StructField<ReadonlyMap<number, T>> {
  const entry: AvroRecord = {
    type: 'record',
    name: `k${keyId}_v${valueId}`,
    fields: [
      { name: 'key', type: { type: 'int' }, 'field-id': keyId },
      { name: 'value', type: value.type, 'field-id': valueId },
    ],
  }
  return {
    id,
    name,
    type: { type: 'array', items: entry, logicalType: 'map' },
    toAvro: (map) => Array.from(map, ([key, item]) => [key, value.toAvro(item)]),
    fromAvro: (entries) => {
      if (!Array.isArray(entries)) return undefined
      const map = new Map<number, T>()
      for (const item of entries) {
        const [key, found] = Array.isArray(item) ? [toInt(item[0]), value.fromAvro(item[1])] : []
        if (key === undefined || found === undefined) return undefined
        map.set(key, found)
      }
      return map
    },
  }
}

type Codec<T> = Pick<StructField<T>, 'type' | 'toAvro' | 'fromAvro'>

/** Elements and map values. */
export const int: Codec<number> = intField(0, '')
export const long: Codec<bigint> = longField(0, '')
export const binary: Codec<Uint8Array> = binaryField(0, '')

export function requiredAvroField<T>(field: StructField<T>): AvroField {
  return { name: field.name, type: field.type, 'field-id': field.id }
}

export function optionalAvroField<T>(field: StructField<T>): AvroField {
  return { name: field.name, type: { type: 'union', branches: [{ type: 'null' }, field.type] }, default: null, 'field-id': field.id }
}

/** Where the fields of a record lie, by field id. */
export class StructReader {
  readonly #name: string
  readonly #fields: readonly AvroField[]
  readonly #positions = new Map<number, number>()

  /** @throws AvroError where the schema is no record. */
  constructor(schema: AvroSchema, name: string) {
    if (schema.type !== 'record') throw new AvroError(`iceberg: expected ${name} to be an Avro record, found ${schema.type}`)
    this.#name = name
    this.#fields = schema.fields
    for (const [i, field] of schema.fields.entries()) if (field['field-id'] !== undefined) this.#positions.set(field['field-id'], i)
  }

  /** The schema of the field of an id. */
  schema(id: number): AvroSchema | undefined {
    const position = this.#positions.get(id)
    return position === undefined ? undefined : this.#fields[position].type
  }

  /** The value of the field of an id, undefined where the file has no such field. */
  value(record: AvroValue, id: number): AvroValue | undefined {
    const position = this.#positions.get(id)
    return position === undefined ? undefined : (record as readonly AvroValue[])[position]
  }

  /** The field's value; undefined where it is null or the file lacks it. @throws AvroError where it is of another type. */
  optional<T>(record: AvroValue, field: StructField<T>): T | undefined {
    const value = this.value(record, field.id)
    if (value === undefined || value === null) return undefined
    const found = field.fromAvro(value)
    if (found === undefined)
      throw new AvroError(`iceberg: ${this.#name}.${field.name} (field ${field.id}): expected ${field.type.type}, found another type`)
    return found
  }

  /** The field's value. @throws AvroError where it is missing, null or of another type. */
  required<T>(record: AvroValue, field: StructField<T>): T {
    return this.optional(record, field) ?? this.#missing(field.name, field.id)
  }

  #missing(name: string, id: number): never {
    throw new AvroError(`iceberg: ${this.#name}.${name} (field ${id}): expected a value, found none`)
  }
}

function same(value: AvroValue): AvroValue {
  return value
}

function toInt(value: AvroValue): number | undefined {
  if (typeof value === 'bigint') return BigInt.asIntN(32, value) === value ? Number(value) : undefined
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined
}

function toLong(value: AvroValue): bigint | undefined {
  if (typeof value === 'bigint') return value
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : undefined
}

function toBytes(value: AvroValue): Uint8Array | undefined {
  return value instanceof Uint8Array ? value : undefined
}
