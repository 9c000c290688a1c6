import type { IcebergType } from '../formats/iceberg/schema.ts'
import type { ColumnType } from './column-type.ts'

/** The table type for a column's type. Everything within may be null, save the keys of maps. */
export function icebergType(type: ColumnType, nextId: () => number): IcebergType {
  if (type.type === 'decimal') return `decimal(${type.precision}, ${type.scale})`
  if (type.type === 'list') {
    return { type: 'list', 'element-id': nextId(), 'element-required': false, element: icebergType(type.element, nextId) }
  }
  if (type.type === 'struct') {
    const fields = type.fields.map(({ name, type: inner }) => ({ id: nextId(), name, required: false, type: icebergType(inner, nextId) }))
    return { type: 'struct', fields }
  }
  if (type.type !== 'map') return type.type
  return {
    type: 'map',
    'key-id': nextId(),
    key: icebergType(type.key, nextId),
    'value-id': nextId(),
    'value-required': false,
    value: icebergType(type.value, nextId),
  }
}
