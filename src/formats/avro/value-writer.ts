import type { ByteSink } from './byte-sink.ts'
import { AvroError } from './schema.ts'
import type { AvroSchema, AvroValue } from './schema.ts'

/**
 * Writes one value (Avro specification 1.12, "Binary Encoding"). A union takes its first branch that is null where the value is
 * null, its first other branch where it is not, so it must be a union of null and one type.
 * @throws AvroError that names the path of fields to a value that its schema does not take.
 */
export function writeAvroValue(sink: ByteSink, schema: AvroSchema, value: AvroValue): void {
  switch (schema.type) {
    case 'null':
      if (value !== null) mismatch('null', value)
      return
    case 'boolean':
      if (typeof value !== 'boolean') mismatch('a boolean', value)
      sink.byte(value ? 1 : 0)
      return
    case 'int':
      if (typeof value !== 'number' || (value | 0) !== value) mismatch('a 32-bit integer', value)
      sink.int(value)
      return
    case 'long':
      if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) mismatch('a 64-bit integer as a bigint', value)
      sink.long(value)
      return
    case 'float':
    case 'double':
      if (typeof value !== 'number') mismatch('a number', value)
      if (schema.type === 'float') sink.float(value)
      else sink.double(value)
      return
    case 'bytes':
      if (!(value instanceof Uint8Array)) mismatch('bytes', value)
      sink.bytes(value)
      return
    case 'string':
      if (typeof value !== 'string') mismatch('a string', value)
      sink.string(value)
      return
    case 'fixed':
      if (!(value instanceof Uint8Array) || value.length !== schema.size) mismatch(`${schema.size} bytes`, value)
      sink.raw(value)
      return
    case 'enum': {
      const index = typeof value === 'string' ? schema.symbols.indexOf(value) : -1
      if (index < 0) mismatch(`a symbol of ${schema.name}`, value)
      sink.int(index)
      return
    }
    case 'union': {
      const index = schema.branches.findIndex((branch) => (branch.type === 'null') === (value === null))
      if (index < 0) mismatch(value === null ? 'a value' : 'null', value)
      sink.int(index)
      writeAvroValue(sink, schema.branches[index], value)
      return
    }
    case 'array':
      if (!Array.isArray(value)) mismatch('an array', value)
      if (value.length > 0) sink.int(value.length)
      for (const item of value) writeAvroValue(sink, schema.items, item)
      sink.int(0)
      return
    case 'map':
      if (!(value instanceof Map)) mismatch('a map', value)
      if (value.size > 0) sink.int(value.size)
      for (const [key, item] of value) {
        sink.string(key)
        writeAvroValue(sink, schema.values, item)
      }
      sink.int(0)
      return
    case 'record':
      if (!Array.isArray(value) || value.length !== schema.fields.length)
        mismatch(`${schema.fields.length} fields of ${schema.name}`, value)
      for (const [i, field] of schema.fields.entries()) {
        try {
          writeAvroValue(sink, field.type, value[i])
        } catch (error) {
          if (error instanceof AvroError)
            throw new AvroError(`${field.name}${error.message.startsWith('expected') ? ': ' : '.'}${error.message}`)
          throw error
        }
      }
      return
  }
}

function mismatch(expected: string, found: AvroValue): never {
  throw new AvroError(`expected ${expected}, found ${describe(found)}`)
}

function describe(value: AvroValue): string {
  if (value === null) return 'null'
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (Array.isArray(value)) return `${value.length} values`
  return typeof value === 'number' || typeof value === 'bigint' ? `the ${typeof value} ${value}` : `a ${typeof value}`
}
