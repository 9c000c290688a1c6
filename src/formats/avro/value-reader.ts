import type { ByteSource } from './byte-source.ts'
import type { AvroSchema, AvroValue } from './schema.ts'

const maxDepth = 64

/**
 * Reads values of one source by the writer's schema (Avro specification 1.12, "Binary Encoding").
 * Values that take no bytes (null, empty records) are counted, since a few bytes of schema can ask for billions of them.
 */
export class ValueReader {
  readonly #source: ByteSource
  #budget: number

  constructor(source: ByteSource) {
    this.#source = source
    this.#budget = 4096 + 16 * source.remaining
  }

  /** @throws AvroError with the position of what is wrong. */
  read(schema: AvroSchema, depth = 0): AvroValue {
    const source = this.#source
    if (depth > maxDepth) source.fail(`values are nested deeper than ${maxDepth}`)
    if (this.#budget-- <= 0) source.fail('the schema makes far more values than there are bytes')
    switch (schema.type) {
      case 'null':
        return null
      case 'boolean':
        return source.byte() !== 0
      case 'int':
        return source.int()
      case 'long':
        return source.long()
      case 'float':
        return source.float()
      case 'double':
        return source.double()
      case 'bytes':
        return source.bytes()
      case 'string':
        return source.string()
      case 'fixed':
        return source.raw(schema.size)
      case 'enum': {
        const index = source.int()
        return schema.symbols[index] ?? source.fail(`expected one of ${schema.symbols.length} symbols, found number ${index}`)
      }
      case 'union': {
        const index = source.int()
        const branch = schema.branches[index] ?? source.fail(`expected one of ${schema.branches.length} branches, found number ${index}`)
        return this.read(branch, depth + 1)
      }
      case 'array': {
        const items: AvroValue[] = []
        for (let count = source.blockCount(); count > 0; count = source.blockCount())
          for (let i = 0; i < count; i++) items.push(this.read(schema.items, depth + 1))
        return items
      }
      case 'map': {
        const entries = new Map<string, AvroValue>()
        for (let count = source.blockCount(); count > 0; count = source.blockCount())
          for (let i = 0; i < count; i++) entries.set(source.string(), this.read(schema.values, depth + 1))
        return entries
      }
      case 'record':
        break
    }
    const values: AvroValue[] = []
    for (const field of schema.fields) values.push(this.read(field.type, depth + 1))
    return values
  }
}
