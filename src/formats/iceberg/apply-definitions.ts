import { isDeepStrictEqual } from 'node:util'
import { highestFieldId } from './field-ids.ts'
import { InvalidUpdate, lastAdded, put } from './metadata-draft.ts'
import type { MetadataDraft } from './metadata-draft.ts'
import type { PartitionSpec } from './partition-spec.ts'
import type { Schema } from './schema.ts'
import type { SortOrder } from './table-metadata.ts'

/** A definition that the table has already keeps its id; a new one gets the next. */
function idFor<T>(
  definitions: readonly T[],
  idOf: (definition: T) => number,
  same: (definition: T) => boolean,
  first: number,
): [number, boolean] {
  const known = definitions.find(same)
  if (known !== undefined) return [idOf(known), true]
  return [Math.max(first, ...definitions.map((definition) => idOf(definition) + 1)), false]
}

function schemaContent(schema: Schema): unknown {
  const { 'schema-id': _id, 'identifier-field-ids': identifiers = [], ...rest } = schema
  return { identifiers, ...rest }
}

function specContent(spec: PartitionSpec): unknown {
  return spec.fields.map((field) => [field['source-id'], field.transform, field.name])
}

export function addSchema(draft: MetadataDraft, schema: Schema): void {
  const { metadata } = draft
  const same = (candidate: Schema): boolean => isDeepStrictEqual(schemaContent(candidate), schemaContent(schema))
  const [id, known] = idFor(metadata.schemas, (candidate) => candidate['schema-id'], same, 0)
  draft.lastSchemaId = id
  if (known) return
  put(draft, {
    schemas: [...metadata.schemas, { ...schema, 'schema-id': id }],
    'last-column-id': Math.max(metadata['last-column-id'], highestFieldId(schema)),
  })
}

export function setCurrentSchema(draft: MetadataDraft, schemaId: number): void {
  const id = lastAdded(schemaId, draft.lastSchemaId, 'schema')
  if (draft.metadata['current-schema-id'] === id) return
  if (!draft.metadata.schemas.some((schema) => schema['schema-id'] === id))
    throw new InvalidUpdate(`there is no schema ${id} to become current`)
  put(draft, { 'current-schema-id': id })
}

export function addSpec(draft: MetadataDraft, spec: PartitionSpec): void {
  const { metadata } = draft
  const same = (candidate: PartitionSpec): boolean => isDeepStrictEqual(specContent(candidate), specContent(spec))
  const [id, known] = idFor(metadata['partition-specs'], (candidate) => candidate['spec-id'], same, 0)
  draft.lastSpecId = id
  if (known) return
  put(draft, {
    'partition-specs': [...metadata['partition-specs'], { ...spec, 'spec-id': id }],
    'last-partition-id': Math.max(metadata['last-partition-id'], ...spec.fields.map((field) => field['field-id'])),
  })
}

export function setDefaultSpec(draft: MetadataDraft, specId: number): void {
  const id = lastAdded(specId, draft.lastSpecId, 'partition spec')
  if (draft.metadata['default-spec-id'] === id) return
  if (!draft.metadata['partition-specs'].some((spec) => spec['spec-id'] === id)) {
    throw new InvalidUpdate(`there is no partition spec ${id} to become the default`)
  }
  put(draft, { 'default-spec-id': id })
}

export function addSortOrder(draft: MetadataDraft, order: SortOrder): void {
  const { metadata } = draft
  const same = (candidate: SortOrder): boolean => isDeepStrictEqual(candidate.fields, order.fields)
  const [next, known] = idFor(metadata['sort-orders'], (candidate) => candidate['order-id'], same, 1)
  // Order 0 is "not sorted", in every table.
  const id = order.fields.length === 0 ? 0 : next
  draft.lastSortOrderId = id
  if (!known) put(draft, { 'sort-orders': [...metadata['sort-orders'], { ...order, 'order-id': id }] })
}

export function setDefaultSortOrder(draft: MetadataDraft, orderId: number): void {
  const id = lastAdded(orderId, draft.lastSortOrderId, 'sort order')
  if (draft.metadata['default-sort-order-id'] === id) return
  if (!draft.metadata['sort-orders'].some((order) => order['order-id'] === id)) {
    throw new InvalidUpdate(`there is no sort order ${id} to become the default`)
  }
  put(draft, { 'default-sort-order-id': id })
}

/** Row lineage starts at 0 when a table becomes v3 (table specification, "Row Lineage"). */
export function upgradeFormatVersion(draft: MetadataDraft, version: number): void {
  const current = draft.metadata['format-version']
  if (version === current) return
  if (version < current) throw new InvalidUpdate(`a table of format version ${current} can not go back to ${version}`)
  if (version > 3) throw new InvalidUpdate(`format version ${version} is not supported, only 2 and 3 are`)
  put(draft, { 'format-version': version, 'next-row-id': 0n })
}

export function setProperties(draft: MetadataDraft, updates: Readonly<Record<string, string>>): void {
  const properties = { ...draft.metadata.properties, ...updates }
  if (!isDeepStrictEqual(properties, { ...draft.metadata.properties })) put(draft, { properties })
}

export function removeProperties(draft: MetadataDraft, removals: readonly string[]): void {
  const before = Object.entries(draft.metadata.properties ?? {})
  const after = before.filter(([key]) => !removals.includes(key))
  if (after.length < before.length) put(draft, { properties: Object.fromEntries(after) })
}
