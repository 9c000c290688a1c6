import { BooleanBuilder } from '../arrow/builders/bits.ts'
import type { Builder } from '../arrow/builders/builder.ts'
import { BytesBuilder, FixedBytesBuilder } from '../arrow/builders/bytes.ts'
import { ListBuilder, MapBuilder, StructBuilder } from '../arrow/builders/nested.ts'
import { DecimalBuilder, Float32Builder, Float64Builder, Int32Builder, Int64Builder } from '../arrow/builders/numbers.ts'
import type { Shape } from './shape.ts'

/** The growing column of a shape. `children`: a struct's fields in order; a list's element; a map's key and value. */
export interface Column {
  readonly shape: Shape
  readonly builder: Builder
  readonly children: readonly Column[]
}

/** An empty column for a shape. */
export function columnOf(shape: Shape): Column {
  if (shape.kind === 'struct') {
    const children = shape.fields.map((field) => columnOf(field.shape))
    return { shape, builder: new StructBuilder(children.map(({ builder }) => builder)), children }
  }
  if (shape.kind === 'list') {
    const element = columnOf(shape.element)
    return { shape, builder: new ListBuilder(element.builder), children: [element] }
  }
  if (shape.kind === 'map') {
    const [key, value] = [columnOf(shape.key), columnOf(shape.value)]
    return { shape, builder: new MapBuilder(key.builder, value.builder), children: [key, value] }
  }
  return { shape, builder: plainBuilder(shape.kind), children: [] }
}

function plainBuilder(kind: Exclude<Shape['kind'], 'struct' | 'list' | 'map'>): Builder {
  switch (kind) {
    case 'boolean':
      return new BooleanBuilder()
    case 'int':
    case 'date':
      return new Int32Builder()
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return new Int64Builder()
    case 'float':
      return new Float32Builder()
    case 'double':
      return new Float64Builder()
    case 'decimal':
      return new DecimalBuilder()
    case 'string':
    case 'binary':
      return new BytesBuilder()
    case 'uuid':
      return new FixedBytesBuilder(16)
  }
}
