import type { IcebergType, NestedField, PrimitiveType } from './schema.ts'

/** A primitive type taken apart. `length` is that of fixed, `precision` and `scale` are those of decimal. */
export type ParsedPrimitive =
  | { readonly kind: Exclude<PrimitiveType, `fixed[${number}]` | `decimal(${string}`> }
  | { readonly kind: 'fixed'; readonly length: number }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }

const plain: ReadonlySet<string> = new Set([
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'string',
  'uuid',
  'binary',
])
const parsed = new Map<string, ParsedPrimitive>()

/** @throws Error for a type that is not one of the specification's primitive types up to format version 2. */
export function parsePrimitive(type: PrimitiveType): ParsedPrimitive {
  const known = parsed.get(type)
  if (known !== undefined) return known
  const result = parse(type)
  parsed.set(type, result)
  return result
}

function parse(type: string): ParsedPrimitive {
  if (plain.has(type)) return { kind: type } as ParsedPrimitive
  const fixed = /^fixed\[\s*(\d{1,9})\s*\]$/.exec(type)
  if (fixed) return { kind: 'fixed', length: Number(fixed[1]) }
  const decimal = /^decimal\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)$/.exec(type)
  if (decimal && Number(decimal[1]) >= 1 && Number(decimal[1]) <= 38) {
    return { kind: 'decimal', precision: Number(decimal[1]), scale: Number(decimal[2]) }
  }
  throw new Error(`iceberg: expected a primitive type, found ${type.slice(0, 64)}`)
}

export function isPrimitive(type: IcebergType): type is PrimitiveType {
  return typeof type === 'string'
}

/** The field of an id, nested fields of structs included; undefined where there is none. Elements of lists and maps are no fields. */
export function findField(fields: readonly NestedField[], id: number): NestedField | undefined {
  for (const field of fields) {
    if (field.id === id) return field
    if (!isPrimitive(field.type) && field.type.type === 'struct') {
      const inner = findField(field.type.fields, id)
      if (inner !== undefined) return inner
    }
  }
  return undefined
}
