import { AvroError } from './schema.ts'
import type { AvroArray, AvroEnum, AvroField, AvroFixed, AvroMap, AvroPrimitive, AvroRecord, AvroSchema } from './schema.ts'

const primitives: ReadonlySet<string> = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'])
const maxDepth = 64

/**
 * The JSON form of a schema. A named type is written out where it is first met and by its name from then on, since Avro allows one
 * definition of a name; two different types of one name are the caller's mistake and throw an AvroError.
 */
export function avroSchemaToJson(schema: AvroSchema): unknown {
  return toJson(schema, new Map())
}

function toJson(schema: AvroSchema, written: Map<string, string>): unknown {
  switch (schema.type) {
    case 'union':
      return schema.branches.map((branch) => toJson(branch, written))
    case 'array':
      return { ...schema, items: toJson(schema.items, written) }
    case 'map':
      return { ...schema, values: toJson(schema.values, written) }
    case 'record':
    case 'fixed':
    case 'enum': {
      const definition = JSON.stringify(schema)
      const before = written.get(schema.name)
      if (before === definition) return schema.name
      if (before !== undefined) throw new AvroError(`avro schema: two different types are named ${schema.name}`)
      written.set(schema.name, definition)
      if (schema.type !== 'record') return schema
      return { ...schema, fields: schema.fields.map((field) => ({ ...field, type: toJson(field.type, written) })) }
    }
    case 'null':
    case 'boolean':
    case 'int':
    case 'long':
    case 'float':
    case 'double':
    case 'bytes':
    case 'string':
      break
  }
  return Object.keys(schema).length === 1 ? schema.type : schema
}

/**
 * Reads the JSON form. Keys that this program does not use are dropped, references to named types are resolved.
 * @throws AvroError with the path in the schema, such as `schema.fields[2].type`.
 */
export function parseAvroSchema(json: unknown): AvroSchema {
  return parse(json, { path: 'schema', depth: 0, namespace: '', named: new Map() })
}

interface Context {
  readonly path: string
  readonly depth: number
  readonly namespace: string
  /** Definitions by full name. */
  readonly named: Map<string, AvroSchema>
}

function refuse(at: Context, expected: string, found: unknown): never {
  throw new AvroError(`avro ${at.path}: expected ${expected}, found ${describe(found)}`)
}

function describe(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'string' ? `"${value.slice(0, 64)}"` : `a value of type ${typeof value}`
}

function below(at: Context, step: string, namespace = at.namespace): Context {
  return { ...at, path: at.path + step, depth: at.depth + 1, namespace }
}

function parse(json: unknown, at: Context): AvroSchema {
  if (at.depth > maxDepth) throw new AvroError(`avro ${at.path}: nested deeper than ${maxDepth}`)
  if (typeof json === 'string') return reference(json, at)
  if (Array.isArray(json)) return { type: 'union', branches: json.map((branch, i) => parse(branch, below(at, `[${i}]`))) }
  if (typeof json !== 'object' || json === null) refuse(at, 'a schema', json)
  const node = json as Readonly<Record<string, unknown>>
  switch (node['type']) {
    case 'record':
      return parseRecord(node, at)
    case 'fixed': {
      const fixed: AvroFixed = { ...annotations(node), type: 'fixed', name: text(node, 'name', at), size: count(node, 'size', at) }
      define(node, fixed, at)
      return fixed
    }
    case 'enum': {
      const symbols = node['symbols']
      if (!Array.isArray(symbols) || !symbols.every((symbol) => typeof symbol === 'string'))
        refuse(at, 'symbols, an array of strings', symbols)
      const named: AvroEnum = { type: 'enum', name: text(node, 'name', at), symbols }
      define(node, named, at)
      return named
    }
    case 'array': {
      const array: AvroArray = { type: 'array', items: parse(node['items'], below(at, '.items')) }
      return { ...array, ...strings(node, 'logicalType'), ...numbers(node, 'element-id') }
    }
    case 'map': {
      const map: AvroMap = { type: 'map', values: parse(node['values'], below(at, '.values')) }
      return { ...map, ...numbers(node, 'key-id', 'value-id') }
    }
    default: {
      const inner = node['type']
      if (typeof inner === 'string' && primitives.has(inner)) return { ...annotations(node), type: inner as AvroPrimitive['type'] }
      return parse(inner, below(at, '.type'))
    }
  }
}

function reference(name: string, at: Context): AvroSchema {
  if (primitives.has(name)) return { type: name as AvroPrimitive['type'] }
  const found = at.named.get(fullName(name, at.namespace)) ?? at.named.get(name)
  return found ?? refuse(at, 'a primitive type or the name of a type defined before', name)
}

function parseRecord(node: Readonly<Record<string, unknown>>, at: Context): AvroRecord {
  const fields: AvroField[] = []
  const record: AvroRecord = { type: 'record', name: text(node, 'name', at), fields }
  const name = define(node, record, at)
  const namespace = name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : ''
  const items = node['fields']
  if (!Array.isArray(items)) refuse(at, 'fields, an array', items)
  for (const [i, item] of items.entries()) {
    const inner = below(at, `.fields[${i}]`, namespace)
    if (typeof item !== 'object' || item === null) refuse(inner, 'a field', item)
    const field = item as Readonly<Record<string, unknown>>
    fields.push({ name: text(field, 'name', inner), type: parse(field['type'], below(inner, '.type')), ...numbers(field, 'field-id') })
  }
  return record
}

function define(node: Readonly<Record<string, unknown>>, schema: AvroRecord | AvroFixed | AvroEnum, at: Context): string {
  const namespace = typeof node['namespace'] === 'string' ? node['namespace'] : at.namespace
  const name = fullName(schema.name, namespace)
  if (at.named.has(name)) throw new AvroError(`avro ${at.path}: ${name} is defined twice`)
  at.named.set(name, schema)
  return name
}

function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`
}

function text(node: Readonly<Record<string, unknown>>, key: string, at: Context): string {
  const value = node[key]
  return typeof value === 'string' && value !== '' ? value : refuse(at, `${key}, a string`, value)
}

function count(node: Readonly<Record<string, unknown>>, key: string, at: Context): number {
  const value = node[key]
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : refuse(at, `${key}, a size in bytes`, value)
}

function strings(node: Readonly<Record<string, unknown>>, key: string): Record<string, string> {
  const value = node[key]
  return typeof value === 'string' ? { [key]: value } : {}
}

function numbers(node: Readonly<Record<string, unknown>>, ...keys: readonly string[]): Record<string, number> {
  return Object.fromEntries(keys.flatMap((key) => (Number.isSafeInteger(node[key]) ? [[key, node[key] as number]] : [])))
}

function annotations(node: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const utc = node['adjust-to-utc']
  return {
    ...strings(node, 'logicalType'),
    ...numbers(node, 'precision', 'scale'),
    ...(typeof utc === 'boolean' && { 'adjust-to-utc': utc }),
  }
}
