import type { IcebergType, NestedField, Schema } from './schema.ts'

/** A schema with new field ids, and the new id of each old one. */
export interface Renumbered {
  readonly schema: Schema
  readonly newIds: ReadonlyMap<number, number>
  readonly lastColumnId: number
}

/**
 * Numbers all fields from 1, as every catalog does on createTable whatever ids were proposed: the fields of a struct first, in
 * their order, then what is nested in each of them; a map's key, then its value, then what is nested in those.
 */
export function assignFreshIds(schema: Schema): Renumbered {
  const newIds = new Map<number, number>()
  let lastColumnId = 0

  function fresh(oldId: number): number {
    lastColumnId += 1
    newIds.set(oldId, lastColumnId)
    return lastColumnId
  }

  function freshFields(fields: readonly NestedField[]): readonly NestedField[] {
    const ids = fields.map((field) => fresh(field.id))
    return fields.map((field, index) => ({ ...field, id: ids[index], type: freshType(field.type) }))
  }

  function freshType(type: IcebergType): IcebergType {
    if (typeof type === 'string') return type
    if (type.type === 'struct') return { ...type, fields: freshFields(type.fields) }
    if (type.type === 'list') return { ...type, 'element-id': fresh(type['element-id']), element: freshType(type.element) }
    const [keyId, valueId] = [fresh(type['key-id']), fresh(type['value-id'])]
    return { ...type, 'key-id': keyId, key: freshType(type.key), 'value-id': valueId, value: freshType(type.value) }
  }

  const fields = freshFields(schema.fields)
  const identifiers = schema['identifier-field-ids']?.map((id) => {
    const newId = newIds.get(id)
    if (newId === undefined) throw new Error(`schema: identifier-field-ids names field ${id}, which the schema does not have`)
    return newId
  })
  const renumbered = { ...schema, 'schema-id': 0, fields, ...(identifiers && { 'identifier-field-ids': identifiers }) }
  return { schema: renumbered, newIds, lastColumnId }
}

/** The largest field id of a type, those of nested fields, elements, keys and values included; 0 where it has none. */
export function highestFieldId(type: IcebergType | Schema): number {
  if (typeof type === 'string') return 0
  if (type.type === 'struct') return Math.max(0, ...type.fields.map((field) => Math.max(field.id, highestFieldId(field.type))))
  if (type.type === 'list') return Math.max(type['element-id'], highestFieldId(type.element))
  return Math.max(type['key-id'], highestFieldId(type.key), type['value-id'], highestFieldId(type.value))
}
