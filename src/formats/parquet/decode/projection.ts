import { isPrimitive } from '../../iceberg/primitive-type.ts'
import type { NestedField } from '../../iceberg/schema.ts'
import type { NameMapping } from '../../iceberg/name-mapping.ts'
import { elementField, entryFields, leavesOf } from '../encode/schema-elements.ts'
import { live } from '../encode/shredded.ts'
import type { StoredVector } from '../encode/value-store.ts'
import { type Convert, conversionOf } from './convert.ts'
import { type FileGroup, type FileLeaf, type FileNode, hasFieldIds, repetitions } from './file-schema.ts'

/** In the place of a definition level: a null where the table allows none. */
export const forbidden = 254

/** By a definition level of a file (`live`: the largest), the one that a leaf of the table has there. Null: they are the same. */
export type LevelTable = Uint8Array | null

/** Where a leaf of the table's schema comes from in a file. */
export type LeafSource =
  /** From a leaf of the file. */
  | { readonly kind: 'read'; readonly path: string; readonly leaf: FileLeaf; readonly convert: Convert; readonly levels: LevelTable }
  /**
   * The file has no such leaf: null, or `constant` (one slot) where the struct that it belongs to is there. `like` is a leaf whose levels
   * tell where that is, of which those deeper repeated than `repetition` are left out; null at the top, where there is one level a row.
   */
  | {
      readonly kind: 'absent'
      readonly path: string
      readonly like: FileLeaf | null
      readonly levels: LevelTable
      readonly repetition: number
      readonly constant: StoredVector | null
    }

/** What a file's columns are found by and filled from. */
export interface ProjectionContext {
  /** For a file without field ids. Null: the table has no name mapping. */
  readonly nameMapping: NameMapping | null
  /** The value, in one slot, of columns that a file may lack, by field id: of its partition, or the schema's initial default. */
  readonly constantOf: (field: NestedField) => StoredVector | null
}

interface At {
  /** Definition levels that a value has here, and of what ends before. */
  readonly definition: number
  readonly repetition: number
  readonly path: string
  readonly levels: readonly number[]
}

type ChildOf = (group: FileGroup, mapping: NameMapping | null, id: number) => { node: FileNode; mapping: NameMapping | null } | null

/**
 * Finds the leaves of a table's schema in a file, in the schema's order, by field id at every level of structs (table specification,
 * "Column Projection"); a file without ids is read through the name mapping.
 * @throws Error that names the column which can not be read, or that says that columns can not be found by anything.
 */
export function project(fields: readonly NestedField[], root: FileGroup, context: ProjectionContext): LeafSource[] {
  const byId = hasFieldIds(root)
  if (!byId && context.nameMapping === null) {
    throw new Error('its columns have no field ids, and the table has no name mapping: set the table property schema.name-mapping.default')
  }
  const childOf: ChildOf = (group, mapping, id) => {
    for (const node of group.children) {
      const mapped = mapping?.get(node.name)
      if (byId ? node.id === id : mapped?.id === id) return { node, mapping: mapped?.fields ?? null }
    }
    return null
  }

  function child(field: NestedField, group: FileGroup, mapping: NameMapping | null, at: At): LeafSource[] {
    const found = childOf(group, mapping, field.id)
    return found === null ? absent(field, group, at) : present(field, found.node, found.mapping, at)
  }

  function present(field: NestedField, node: FileNode, mapping: NameMapping | null, parent: At, isElement = false): LeafSource[] {
    const { required, type } = field
    const path = parent.path + field.name
    if (node.repetition === repetitions.repeated && !isElement) throw new Error(`column ${path}: the file repeats it outside a list`)
    const levels = [...parent.levels]
    if (node.repetition === repetitions.optional) levels.push(required ? forbidden : parent.definition)
    const at = { definition: parent.definition + (required ? 0 : 1), repetition: parent.repetition, path, levels }
    if (isPrimitive(type)) {
      if (node.kind !== 'leaf') throw new Error(`column ${path} is a group in the file, and in the table ${type}`)
      return [{ kind: 'read', path, leaf: node, convert: conversionOf(node, type), levels: table(levels, live) }]
    }
    if (node.kind === 'leaf') throw new Error(`column ${path} is no group in the file, and in the table a ${type.type}`)
    const below = { ...at, path: `${path}.` }
    if (type.type === 'struct') return type.fields.flatMap((inner) => child(inner, node, mapping, below))
    const [repeated] = node.children
    if (node.children.length !== 1 || repeated.repetition !== repetitions.repeated) {
      throw new Error(`column ${path} is no ${type.type} in the file as parquet-format has them`)
    }
    // An empty one ends where it is itself there.
    const inside = { ...below, definition: at.definition + 1, repetition: at.repetition + 1, levels: [...levels, at.definition] }
    return type.type === 'list'
      ? element(elementField(type), node, repeated, mapping, inside)
      : entry(entryFields(type), repeated, mapping, inside)
  }

  function element(field: NestedField, list: FileGroup, repeated: FileNode, mapping: NameMapping | null, at: At): LeafSource[] {
    const inner = mapping?.get('element')?.fields ?? null
    if (!isWrapper(list, repeated)) return present(field, repeated, inner, at, true)
    return present(field, repeated.children[0], inner, at)
  }

  function entry([key, value]: [NestedField, NestedField], repeated: FileNode, mapping: NameMapping | null, at: At): LeafSource[] {
    if (repeated.kind !== 'group' || repeated.children.length !== 2) {
      throw new Error(`column ${at.path.slice(0, -1)}: a map of the file has not a key and a value`)
    }
    const fieldsOf = (name: string) => mapping?.get(name)?.fields ?? null
    return [...present(key, repeated.children[0], fieldsOf('key'), at), ...present(value, repeated.children[1], fieldsOf('value'), at)]
  }

  function absent(field: NestedField, group: FileGroup, at: At): LeafSource[] {
    const path = at.path + field.name
    const constant = isPrimitive(field.type) ? context.constantOf(field) : null
    if (constant === null && field.required) throw new Error(`column ${path} is required, and the file lacks it`)
    if (!isPrimitive(field.type) && field['initial-default'] != null) {
      throw new Error(`column ${path}: the initial default of a ${field.type.type} is not read here`)
    }
    const isTop = group === root
    const like = isTop ? null : firstLeaf(group)
    const here = constant === null ? at.definition : live
    return leavesOf([field]).map((leaf) => ({
      kind: 'absent',
      path: leaf.path.length > 1 ? `${at.path}${leaf.path.join('.')}` : path,
      like,
      levels: isTop ? Uint8Array.of(here) : table(at.levels, here, like!.definition),
      repetition: at.repetition,
      constant,
    }))
  }

  const top = { definition: 0, repetition: 0, path: '', levels: [] }
  return fields.flatMap((field) => child(field, root, context.nameMapping, top))
}

/** `levels`, and `beyond` for all that are not less than their number. Null where nothing changes. */
function table(levels: readonly number[], beyond: number, max = levels.length): LevelTable {
  if (beyond === live && max === levels.length && levels.every((level, i) => level === i)) return null
  const all = new Uint8Array(256).fill(forbidden)
  all.fill(beyond, levels.length, max + 1)
  all.set(levels)
  all[live] = beyond
  return all
}

/** Whether a list's repeated group only stands around the element (parquet-format, LogicalTypes.md, "Backward-compatibility rules"). */
function isWrapper(list: FileGroup, repeated: FileNode): repeated is FileGroup {
  if (repeated.kind === 'leaf' || repeated.children.length !== 1) return false
  return repeated.name !== 'array' && repeated.name !== `${list.name}_tuple`
}

function firstLeaf(node: FileNode): FileLeaf {
  return node.kind === 'leaf' ? node : firstLeaf(node.children[0])
}
