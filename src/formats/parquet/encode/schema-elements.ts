import { isPrimitive } from '../../iceberg/primitive-type.ts'
import type { IcebergType, NestedField, PrimitiveType } from '../../iceberg/schema.ts'
import { thrift, type ThriftStruct, type ThriftValue } from '../thrift-compact.ts'
import { physicalType, physicalTypes } from './physical-type.ts'

/** One leaf of a Parquet schema, whose values stand in a column of their own. */
export interface Leaf {
  readonly fieldId: number
  readonly type: PrimitiveType
  /** Names from the root's child to the leaf itself. */
  readonly path: readonly string[]
  /** The definition level of a value that is there, and the repetition level of one inside the innermost list. */
  readonly maxDefinition: number
  readonly maxRepetition: number
}

/** parquet.thrift, `FieldRepetitionType`. */
const repetitions = { required: 0, optional: 1, repeated: 2 } as const

/**
 * The schema elements of parquet.thrift's `FileMetaData`, root first, depth first, with the Iceberg field id at every level and the
 * names that LogicalTypes.md gives to the levels of lists and maps.
 */
export function schemaElements(fields: readonly NestedField[]): ThriftStruct[] {
  return [group('table', undefined, fields.length, []), ...fields.flatMap(fieldElements)]
}

/** The leaves of a schema, in the order of its elements. */
export function leavesOf(fields: readonly NestedField[]): Leaf[] {
  return fields.flatMap((field) => leavesUnder(field, { path: [], definition: 0, repetition: 0 }))
}

/** The element of a list as the field that stands for it in Parquet. */
export function elementField(type: Extract<IcebergType, { type: 'list' }>): NestedField {
  return { id: type['element-id'], name: 'element', required: type['element-required'], type: type.element }
}

/** The key and the value of a map, likewise. */
export function entryFields(type: Extract<IcebergType, { type: 'map' }>): [key: NestedField, value: NestedField] {
  return [
    { id: type['key-id'], name: 'key', required: true, type: type.key },
    { id: type['value-id'], name: 'value', required: type['value-required'], type: type.value },
  ]
}

function fieldElements(field: NestedField): ThriftStruct[] {
  const { id, name, type } = field
  const repetition = field.required ? repetitions.required : repetitions.optional
  if (isPrimitive(type)) {
    const { physical, length, annotations } = physicalType(type)
    const fields: [number, ThriftValue][] = [
      [1, thrift.i32(physicalTypes[physical])],
      [3, thrift.i32(repetition)],
      [4, thrift.text(name)],
      [9, thrift.i32(id)],
    ]
    if (physical === 'fixed') fields.push([2, thrift.i32(length)])
    return [thrift.struct([...fields, ...annotations])]
  }
  const identity: [number, ThriftValue] = [9, thrift.i32(id)]
  switch (type.type) {
    case 'struct':
      return [group(name, repetition, type.fields.length, [identity]), ...type.fields.flatMap(fieldElements)]
    case 'list':
      return [
        group(name, repetition, 1, [identity, ...annotated(3, 3)]),
        group('list', repetitions.repeated, 1, []),
        ...fieldElements(elementField(type)),
      ]
    case 'map':
      return [
        group(name, repetition, 1, [identity, ...annotated(1, 2)]),
        group('key_value', repetitions.repeated, 2, []),
        ...entryFields(type).flatMap(fieldElements),
      ]
  }
}

function group(name: string, repetition: number | undefined, children: number, more: readonly [number, ThriftValue][]): ThriftStruct {
  const fields: [number, ThriftValue][] = [[4, thrift.text(name)], [5, thrift.i32(children)], ...more]
  if (repetition !== undefined) fields.push([3, thrift.i32(repetition)])
  return thrift.struct(fields)
}

/** A ConvertedType and the LogicalType without parameters that replaced it. */
function annotated(converted: number, logical: number): [number, ThriftValue][] {
  return [
    [6, thrift.i32(converted)],
    [10, thrift.struct([[logical, thrift.struct([])]])],
  ]
}

interface Place {
  readonly path: readonly string[]
  readonly definition: number
  readonly repetition: number
}

function leavesUnder({ id, name, required, type }: NestedField, parent: Place): Leaf[] {
  const definition = parent.definition + (required ? 0 : 1)
  const at = { path: [...parent.path, name], definition, repetition: parent.repetition }
  if (isPrimitive(type)) return [{ fieldId: id, type, path: at.path, maxDefinition: definition, maxRepetition: at.repetition }]
  if (type.type === 'struct') return type.fields.flatMap((field) => leavesUnder(field, at))
  const [middle, children] = type.type === 'list' ? ['list', [elementField(type)]] : ['key_value', entryFields(type)]
  const inside = { path: [...at.path, middle], definition: definition + 1, repetition: at.repetition + 1 }
  return children.flatMap((field) => leavesUnder(field, inside))
}
