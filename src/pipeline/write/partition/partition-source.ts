import type { PartitionSpec } from '../../../formats/iceberg/partition-spec.ts'
import { findField, isPrimitive } from '../../../formats/iceberg/primitive-type.ts'
import type { NestedField, PrimitiveType } from '../../../formats/iceberg/schema.ts'

/** What one partition field is computed from; plain JSON. */
export interface PartitionSource {
  /** As in the partition spec: `bucket[16]`. */
  readonly transform: string
  /** Of the source column. */
  readonly type: PrimitiveType
  /** Where the source column is among the columns filled: its place, then those within the structs that it is nested in. Null: nothing fills it. */
  readonly path: readonly number[] | null
}

/**
 * What the fields of a spec are computed from, in their order. `columns`: those that are filled, in their order; `fields`: all of the
 * table. Throws an Error where a source column is none of the table's, or no primitive; a void field needs none.
 */
export function partitionSources(spec: PartitionSpec, fields: readonly NestedField[], columns: readonly NestedField[]): PartitionSource[] {
  return spec.fields.map(({ 'source-id': id, name, transform }) => {
    if (transform === 'void') return { transform, type: 'int', path: null }
    const type = findField(fields, id)?.type
    if (type === undefined || !isPrimitive(type)) {
      throw new Error(
        `partition field ${name}: its source, column ${id}, ${type === undefined ? 'is not in the table' : `is a ${type.type}`}`,
      )
    }
    return { transform, type, path: pathTo(columns, id) }
  })
}

function pathTo(fields: readonly NestedField[], id: number): number[] | null {
  for (const [i, field] of fields.entries()) {
    if (field.id === id) return [i]
    if (isPrimitive(field.type) || field.type.type !== 'struct') continue
    const inner = pathTo(field.type.fields, id)
    if (inner !== null) return [i, ...inner]
  }
  return null
}
