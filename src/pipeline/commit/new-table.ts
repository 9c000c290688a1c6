import type { NestedField, Schema } from '../../formats/iceberg/schema.ts'
import type { CatalogProfile, CreateTableRequest } from '../../seams/catalog.ts'
import type { TopicMapping } from '../../spec/table-mapping.ts'
import type { BytesFormat, ColumnRole } from '../flow.ts'
import { summaryKeys } from './summary-keys.ts'

/** Which column is what, and how bytes are kept: chosen when a table is created, stored in it, and never changed by an upgrade. */
export interface StoredLayout {
  readonly columns: Readonly<Partial<Record<ColumnRole, string>>>
  readonly keyFormat: BytesFormat
  readonly valueFormat: BytesFormat
}

/** The layout that the document asks for. `auto` keeps the value as it is, since values do not become columns yet. */
export function wantedLayout(mapping: TopicMapping): StoredLayout {
  const named = Object.entries({ ...mapping.kafkaColumns, value: 'value' }).filter(
    (entry): entry is [ColumnRole, string] => entry[1] !== null,
  )
  return {
    columns: Object.fromEntries(named),
    keyFormat: mapping.key.format,
    valueFormat: mapping.value.format === 'string' ? 'string' : 'binary',
  }
}

/** What keeps the metadata of a table bounded that is committed to every minute for years; the document's properties win. */
const boundedMetadata = {
  'write.metadata.delete-after-commit.enabled': 'true',
  'write.metadata.previous-versions-max': '20',
  'history.expire.max-snapshot-age-ms': String(72 * 3_600_000),
  'history.expire.min-snapshots-to-keep': '20',
}

/** The request that creates a table for a mapping. Field ids are proposals: what the catalog answers counts. */
export function newTable(
  mapping: TopicMapping,
  options: {
    readonly properties: Readonly<Record<string, string>>
    readonly location?: string
    readonly formatVersion: number
    readonly profile: CatalogProfile
  },
): CreateTableRequest {
  const layout = wantedLayout(mapping)
  const properties: Record<string, string> = {
    'write.parquet.compression-codec': 'zstd',
    ...boundedMetadata,
    ...options.properties,
    'format-version': String(options.formatVersion),
    [summaryKeys.layout]: JSON.stringify(layout),
  }
  for (const key of options.profile.forbiddenProperties) delete properties[key]
  return {
    schema: schemaOf(layout),
    partitionSpec: { 'spec-id': 0, fields: [] },
    sortOrder: { 'order-id': 0, fields: [] },
    location: options.location,
    properties,
  }
}

function schemaOf(layout: StoredLayout): Schema {
  let nextId = 1
  const fields: NestedField[] = []
  const add = (role: ColumnRole, required: boolean, type: () => NestedField['type'], doc: string) => {
    const name = layout.columns[role]
    if (name !== undefined) fields.push({ id: nextId++, name, required, type: type(), doc })
  }
  add('topic', true, () => 'string', 'Kafka topic')
  add('partition', true, () => 'int', 'Kafka partition')
  add('offset', true, () => 'long', 'Kafka offset')
  add('timestamp', false, () => 'timestamptz', 'Kafka timestamp; null when the record has none')
  add('key', false, () => layout.keyFormat, 'Kafka record key')
  add('headers', false, () => headersType(() => nextId++), 'Kafka record headers, in order')
  add('value', false, () => layout.valueFormat, 'Kafka record value; null: a tombstone')
  return { type: 'struct', 'schema-id': 0, fields }
}

function headersType(id: () => number): NestedField['type'] {
  return {
    type: 'list',
    'element-id': id(),
    'element-required': true,
    element: {
      type: 'struct',
      fields: [
        { id: id(), name: 'key', required: true, type: 'string' },
        { id: id(), name: 'value', required: false, type: 'binary' },
      ],
    },
  }
}
