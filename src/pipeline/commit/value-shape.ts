import type { MapShape, Shape } from '../../formats/json/shape.ts'
import type { ColumnType } from '../../spec/column-type.ts'
import type { ValueColumn } from '../../spec/value-column.ts'

/** The shape that the values of a type have, their dates and times written in this unit and form. */
export function shapeOf(type: ColumnType, times: Pick<ValueColumn, 'unit' | 'form'>): Shape {
  switch (type.type) {
    case 'struct':
      return { kind: 'struct', fields: type.fields.map((field) => ({ key: field.key, shape: shapeOf(field.type, times) })) }
    case 'list':
      return { kind: 'list', element: shapeOf(type.element, times) }
    case 'map':
      // The grammar of types has no nested keys.
      return { kind: 'map', key: shapeOf(type.key, times) as MapShape['key'], value: shapeOf(type.value, times) }
    case 'decimal':
      return { kind: 'decimal', precision: type.precision, scale: type.scale }
    case 'date':
      return { kind: 'date', unit: times.unit, form: null }
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return { kind: type.type, unit: times.unit, form: times.unit === 'iso8601' ? times.form : null }
    case 'boolean':
    case 'int':
    case 'long':
    case 'float':
    case 'double':
    case 'string':
    case 'binary':
    case 'uuid':
      return { kind: type.type }
  }
}
