import { fileMetaData, structs } from '../footer-fields.ts'
import type { ThriftStruct } from '../thrift-compact.ts'

/** parquet.thrift, `FieldRepetitionType`. */
export const repetitions = { required: 0, optional: 1, repeated: 2 } as const

interface Element {
  readonly name: string
  /** Null where the file gives it none. */
  readonly id: number | null
  readonly repetition: number
  /** Levels here: with those that this element adds. */
  readonly definition: number
  readonly repetitionLevel: number
}

/** A column of a Parquet file. */
export interface FileLeaf extends Element {
  readonly kind: 'leaf'
  /** Its place among the column chunks of a row group. */
  readonly index: number
  readonly path: string
  /** parquet.thrift, `Type`. */
  readonly physical: number
  /** Of a fixed-length byte array, bytes. */
  readonly length: number
  /** parquet.thrift, `ConvertedType`. */
  readonly converted: number | null
  /** parquet.thrift, `LogicalType`: which it is, and its parameters. */
  readonly logical: { readonly type: number; readonly parameters: ThriftStruct } | null
  readonly scale: number
}

export interface FileGroup extends Element {
  readonly kind: 'group'
  readonly children: readonly FileNode[]
}

export type FileNode = FileLeaf | FileGroup

/** The schema of a footer: its root, and the leaves in order. Throws a RangeError where the elements are no tree. */
export function fileSchema(footer: ThriftStruct): { readonly root: FileGroup; readonly leaves: readonly FileLeaf[] } {
  const elements = structs(footer, fileMetaData.schema)
  const leaves: FileLeaf[] = []
  let next = 0

  function node(parent: { definition: number; repetitionLevel: number }, path: string): FileNode {
    if (next >= elements.length) throw new RangeError('parquet: the schema ends before its groups do')
    const element = elements[next++]
    const repetition = number(element, 3) ?? repetitions.required
    const own: Element = {
      name: text(element, 4),
      id: number(element, 9),
      repetition,
      definition: parent.definition + (repetition === repetitions.required ? 0 : 1),
      repetitionLevel: parent.repetitionLevel + (repetition === repetitions.repeated ? 1 : 0),
    }
    const below = path === '' ? own.name : `${path}.${own.name}`
    const childCount = number(element, 5)
    const physical = number(element, 1)
    if (physical === null) return { kind: 'group', ...own, children: Array.from({ length: childCount ?? 0 }, () => node(own, below)) }
    const leaf: FileLeaf = {
      kind: 'leaf',
      ...own,
      index: leaves.length,
      path: below,
      physical,
      length: number(element, 2) ?? 0,
      converted: number(element, 6),
      logical: logicalOf(element),
      scale: decimalScale(element),
    }
    leaves.push(leaf)
    return leaf
  }

  if (elements.length === 0) throw new RangeError('parquet: the footer has no schema')
  const [root] = elements
  next = 1
  const top = { definition: 0, repetitionLevel: 0 }
  const children = Array.from({ length: number(root, 5) ?? 0 }, () => node(top, ''))
  return { root: { kind: 'group', name: '', id: null, repetition: repetitions.required, ...top, children }, leaves }
}

/** Whether any element has a field id. */
export function hasFieldIds(node: FileNode): boolean {
  return node.id !== null || (node.kind === 'group' && node.children.some(hasFieldIds))
}

function logicalOf(element: ThriftStruct): FileLeaf['logical'] {
  const logical = element.fields.get(10)
  if (logical?.type !== 'struct') return null
  const [entry] = logical.fields
  return entry !== undefined && entry[1].type === 'struct' ? { type: entry[0], parameters: entry[1] } : null
}

function decimalScale(element: ThriftStruct): number {
  const logical = logicalOf(element)
  return (logical?.type === 5 ? number(logical.parameters, 1) : null) ?? number(element, 7) ?? 0
}

function number({ fields }: ThriftStruct, id: number): number | null {
  const value = fields.get(id)
  return value?.type === 'i32' || value?.type === 'i16' ? Number(value.value) : null
}

function text({ fields }: ThriftStruct, id: number): string {
  const value = fields.get(id)
  return value?.type === 'binary' ? new TextDecoder().decode(value.value) : ''
}
