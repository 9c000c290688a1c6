import { assignFreshIds } from './field-ids.ts'
import { unpartitionedLastPartitionId } from './partition-spec.ts'
import type { PartitionSpec } from './partition-spec.ts'
import type { Schema } from './schema.ts'
import type { SortOrder, TableMetadata } from './table-metadata.ts'

/** What a table is created from; field ids are proposals. */
export interface NewTable {
  readonly schema: Schema
  readonly partitionSpec: PartitionSpec
  readonly sortOrder: SortOrder
  readonly properties: Readonly<Record<string, string>>
}

/** Properties that tell createTable something and are never stored (Iceberg's table properties, "Reserved table properties"). */
const reservedProperties: ReadonlySet<string> = new Set([
  'format-version',
  'uuid',
  'snapshot-count',
  'current-snapshot-id',
  'current-snapshot-summary',
  'current-snapshot-timestamp-ms',
  'current-schema',
  'default-partition-spec',
  'default-sort-order',
])

/** The format version that a creation's properties ask for: 2 unless they say 3. Throws an Error for any other. */
export function requestedFormatVersion(properties: Readonly<Record<string, string>>): 2 | 3 {
  const requested = properties['format-version'] ?? '2'
  if (requested !== '2' && requested !== '3') throw new Error(`property format-version: expected 2 or 3, found ${requested}`)
  return requested === '2' ? 2 : 3
}

/**
 * The first metadata of a table, without snapshots. All ids are assigned anew: fields from 1, schema 0, spec 0 with partition fields
 * from 1000, sort order 1, or 0 where rows are not sorted.
 *
 * Throws an Error where the spec or the sort order names a field that the schema does not have.
 */
export function newTableMetadata(
  table: NewTable,
  made: { uuid: string; location: string; nowMs: number; formatVersion: 2 | 3 },
): TableMetadata {
  const { schema, newIds, lastColumnId } = assignFreshIds(table.schema)
  const source = (id: number, user: string): number => {
    const newId = newIds.get(id)
    if (newId === undefined) throw new Error(`${user} names field ${id}, which the schema does not have`)
    return newId
  }
  const partitionFields = table.partitionSpec.fields.map((field, index) => ({
    ...field,
    'source-id': source(field['source-id'], `partition field ${field.name}`),
    'field-id': unpartitionedLastPartitionId + 1 + index,
  }))
  const sortFields = table.sortOrder.fields.map((field) => ({ ...field, 'source-id': source(field['source-id'], 'the sort order') }))
  const orderId = sortFields.length > 0 ? 1 : 0
  return {
    'format-version': made.formatVersion,
    'table-uuid': made.uuid,
    location: made.location,
    'last-sequence-number': 0n,
    'last-updated-ms': made.nowMs,
    'last-column-id': lastColumnId,
    'current-schema-id': schema['schema-id'],
    schemas: [schema],
    'default-spec-id': 0,
    'partition-specs': [{ 'spec-id': 0, fields: partitionFields }],
    'last-partition-id': unpartitionedLastPartitionId + partitionFields.length,
    'default-sort-order-id': orderId,
    'sort-orders': [{ 'order-id': orderId, fields: sortFields }],
    properties: Object.fromEntries(Object.entries(table.properties).filter(([key]) => !reservedProperties.has(key))),
    'current-snapshot-id': null,
    refs: {},
    ...(made.formatVersion >= 3 ? { 'next-row-id': 0n } : {}),
    snapshots: [],
    statistics: [],
    'partition-statistics': [],
    'snapshot-log': [],
    'metadata-log': [],
  }
}
