import type { ListVector, MapVector, Vector } from '../../arrow/vector.ts'
import { isPrimitive } from '../../iceberg/primitive-type.ts'
import type { NestedField } from '../../iceberg/schema.ts'
import { elementField, entryFields } from './schema-elements.ts'
import { Elements, Nulls, type Shredded } from './shredded.ts'

/** One node of a schema: leads the rows of a batch to the column chunks of the leaves under it. */
export interface ColumnNode {
  /** @throws RangeError where the vector does not fit the schema, or holds nulls that it does not allow. */
  append(vector: Vector, from: Shredded): void
}

/** What a node is told of those above it. */
export interface NodeContext {
  /** Names from the root, with a dot behind each. */
  readonly path: string
  /** Levels at the parent. */
  readonly definition: number
  readonly repetition: number
  /** Gives each leaf its chunk, in the order of the schema. */
  readonly nextChunk: () => ColumnNode
}

export function columnNode(field: NestedField, parent: NodeContext): ColumnNode {
  const path = parent.path + field.name
  const definition = parent.definition + (field.required ? 0 : 1)
  const inner = innerNode(field, path, { ...parent, path: `${path}.`, definition })
  const nulls = new Nulls(parent.definition)
  return {
    append(vector, from) {
      if (vector.validity !== null && vector.validity.length * 8 < vector.length) {
        throw new RangeError(`column ${path}: its validity is shorter than its slots`)
      }
      const present = nulls.end(from, vector.validity)
      if (field.required && present.count < from.count) throw new RangeError(`column ${path} is required and holds a null`)
      inner.append(vector, present)
    },
  }
}

/** What a node does with the slots that are present. */
function innerNode({ type }: NestedField, path: string, at: NodeContext): ColumnNode {
  if (isPrimitive(type)) return at.nextChunk()
  if (type.type === 'struct') {
    const children = type.fields.map((child) => columnNode(child, at))
    return {
      append(vector, present) {
        if (vector.layout !== 'struct' || vector.children.length !== children.length) throw mismatch(path, 'struct', vector)
        for (const [i, child] of vector.children.entries()) {
          if (child.length < vector.length) throw new RangeError(`column ${path}: a child has fewer slots than the struct`)
          children[i].append(child, present)
        }
      },
    }
  }
  const inside = { ...at, definition: at.definition + 1, repetition: at.repetition + 1 }
  const elements = new Elements(at.definition, inside.repetition)
  if (type.type === 'list') {
    const element = columnNode(elementField(type), inside)
    return {
      append(vector, present) {
        if (vector.layout !== 'list') throw mismatch(path, 'list', vector)
        checkOffsets(path, vector, vector.element)
        element.append(vector.element, elements.expand(present, vector.offsets, vector.element.length))
      },
    }
  }
  const [key, value] = entryFields(type).map((child) => columnNode(child, inside))
  return {
    append(vector, present) {
      if (vector.layout !== 'map') throw mismatch(path, 'map', vector)
      checkOffsets(path, vector, vector.keys)
      checkOffsets(path, vector, vector.values)
      const entries = elements.expand(present, vector.offsets, vector.keys.length)
      key.append(vector.keys, entries)
      value.append(vector.values, entries)
    },
  }
}

function checkOffsets(path: string, { length, offsets }: ListVector | MapVector, elements: Vector): void {
  if (offsets.length <= length || offsets[length] > elements.length) {
    throw new RangeError(`column ${path}: its offsets lead past its elements`)
  }
}

function mismatch(path: string, layout: string, vector: Vector): RangeError {
  const found = vector.layout === 'struct' ? `struct of ${vector.children.length}` : vector.layout
  return new RangeError(`column ${path}: its vector does not have the layout ${layout} of its type, but ${found}`)
}
