import { literalOfName } from './name-literal.ts'
import { nearest } from './nearest.ts'
import { quoted } from './wording.ts'
import { FormError, Scanner, nameText } from './scanner.ts'

const primitives = [
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'string',
  'binary',
  'uuid',
  'date',
  'time',
  'timestamp',
  'timestamptz',
] as const

/** The type of a declared column; ids come later. Fields of a struct, elements and values may be null. */
export type ColumnType =
  | { readonly type: (typeof primitives)[number] }
  | { readonly type: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly type: 'struct'; readonly fields: readonly StructField[] }
  | { readonly type: 'list'; readonly element: ColumnType }
  | { readonly type: 'map'; readonly key: ColumnType; readonly value: ColumnType }

/** A field of a struct. `key`: how the documents call it; the same as its name where nothing else is said. */
export interface StructField {
  readonly name: string
  readonly key: string
  readonly type: ColumnType
}

/** Types nest no deeper. */
const deepest = 64

/**
 * Parses a column type:
 *
 *     type    = "boolean" | "int" | "long" | "float" | "double" | "string" | "binary" | "uuid"
 *             | "date" | "time" | "timestamp" | "timestamptz"
 *             | "decimal" "(" precision "," scale ")"
 *             | "struct" "<" field { "," field } ">"
 *             | "list" "<" type ">"
 *             | "map" "<" type "," type ">"
 *     field   = name [ key ] ":" type
 *
 * A name with other characters than letters, digits and the like stands in backticks. A key, which is how documents call the field
 * where they do not call it by its name, stands in single quotes, as RFC 9535 has them. Throws a FormError.
 */
export function parseColumnType(text: string): ColumnType {
  const scanner = new Scanner(text)
  const type = parseType(scanner, 1)
  scanner.end()
  return type
}

function parseType(scanner: Scanner, depth: number): ColumnType {
  if (depth > deepest) throw new FormError(`it nests deeper than ${deepest} types`)
  const start = scanner.error('a type')
  const word = scanner.word()
  if (word === undefined) throw start
  const primitive = primitives.find((name) => name === word)
  if (primitive !== undefined) return { type: primitive }
  switch (word) {
    case 'decimal':
      return parseDecimal(scanner)
    case 'struct':
      return parseStruct(scanner, depth)
    case 'list': {
      scanner.expect('<')
      const element = parseType(scanner, depth + 1)
      scanner.expect('>')
      return { type: 'list', element }
    }
    case 'map': {
      scanner.expect('<')
      const key = parseType(scanner, depth + 1)
      if ('fields' in key || 'element' in key || 'value' in key) throw new FormError("a map's key is no struct, list or map")
      scanner.expect(',')
      const value = parseType(scanner, depth + 1)
      scanner.expect('>')
      return { type: 'map', key, value }
    }
    default: {
      const meant = nearest(word, [...primitives, 'decimal', 'struct', 'list', 'map'])
      throw new FormError(`there is no type ${quoted(word)}${meant === undefined ? '' : `; did you mean ${meant}?`}`)
    }
  }
}

function parseDecimal(scanner: Scanner): ColumnType {
  scanner.expect('(')
  const precision = scanner.integer('a precision', 1, 38)
  scanner.expect(',')
  const scale = scanner.integer('a scale', 0, precision)
  scanner.expect(')')
  return { type: 'decimal', precision, scale }
}

function parseStruct(scanner: Scanner, depth: number): ColumnType {
  const fields: StructField[] = []
  const seen = new Set<string>()
  const keys = new Set<string>()
  scanner.expect('<')
  do {
    const name = scanner.name("a field's name")
    if (seen.has(name.toLowerCase())) throw new FormError(`its field ${quoted(name)} stands there twice (case counts for nothing)`)
    seen.add(name.toLowerCase())
    const key = scanner.literal() ?? name
    if (keys.has(key)) throw new FormError(`two of its fields stand at the key ${quoted(key)}`)
    keys.add(key)
    scanner.expect(':')
    fields.push({ name, key, type: parseType(scanner, depth + 1) })
  } while (scanner.take(','))
  scanner.expect('>')
  return { type: 'struct', fields }
}

/** The text of a type; `parseColumnType` reads the same type from it. */
export function columnTypeText(type: ColumnType): string {
  if (type.type === 'decimal') return `decimal(${type.precision},${type.scale})`
  if (type.type === 'struct') return `struct<${type.fields.map(fieldText).join(', ')}>`
  if (type.type === 'list') return `list<${columnTypeText(type.element)}>`
  if (type.type === 'map') return `map<${columnTypeText(type.key)}, ${columnTypeText(type.value)}>`
  return type.type
}

function fieldText({ name, key, type }: StructField): string {
  return `${nameText(name)}${key === name ? '' : ` ${literalOfName(key)}`}: ${columnTypeText(type)}`
}

/** Whether a type is, or has somewhere within, one that a `unit` says something about: a date or a time. */
export function hasTime(type: ColumnType): boolean {
  if (type.type === 'struct') return type.fields.some((field) => hasTime(field.type))
  if (type.type === 'list') return hasTime(type.element)
  if (type.type === 'map') return hasTime(type.key) || hasTime(type.value)
  return ['date', 'time', 'timestamp', 'timestamptz'].includes(type.type)
}
