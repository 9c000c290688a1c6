import type { IcebergType, NestedField, Schema } from '../../formats/iceberg/schema.ts'
import { isEmpty, noRequests, type Requests } from '../../model/requests.ts'
import type { CatalogProfile, CreateTableRequest } from '../../seams/catalog.ts'
import type { TopicMapping } from '../../spec/table-mapping.ts'
import type { DecidedValue } from '../../spec/value-column.ts'
import { encodeRequests } from './requests-text.ts'
import { layoutText, type StoredLayout } from './stored-layout.ts'
import { summaryKeys } from './summary-keys.ts'
import { icebergType } from './value-type.ts'

/** The layout that the document asks for, once it is decided what becomes of the values. */
export function wantedLayout(mapping: TopicMapping, value: DecidedValue): StoredLayout {
  const own = value.format === 'json' ? { rescue: mapping.rescueColumn } : { value: 'value' }
  const named = Object.entries({ ...mapping.kafkaColumns, ...own }).filter(([, name]) => name !== null)
  return { columns: Object.fromEntries(named), keyFormat: mapping.key.format, value }
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
    readonly value: DecidedValue
    /** What is asked of the table before it has a snapshot. */
    readonly requests?: Requests
    readonly properties: Readonly<Record<string, string>>
    readonly location?: string
    readonly formatVersion: number
    readonly profile: CatalogProfile
  },
): CreateTableRequest {
  const layout = wantedLayout(mapping, options.value)
  const { forbiddenProperties } = options.profile
  const properties: Record<string, string> = {
    'write.parquet.compression-codec': 'zstd',
    ...Object.fromEntries(Object.entries(boundedMetadata).filter(([key]) => !forbiddenProperties.includes(key))),
    ...options.properties,
    'format-version': String(options.formatVersion),
    [summaryKeys.layout]: layoutText(layout),
    ...(isEmpty(options.requests ?? noRequests) ? {} : { [summaryKeys.requests]: encodeRequests(options.requests!) }),
  }
  return {
    schema: schemaOf(layout),
    partitionSpec: { 'spec-id': 0, fields: [] },
    sortOrder: { 'order-id': 0, fields: [] },
    location: options.location,
    properties,
  }
}

function schemaOf({ columns, keyFormat, value }: StoredLayout): Schema {
  let lastId = 0
  const nextId = () => ++lastId
  const fields: NestedField[] = []
  const add = (name: string | undefined, required: boolean, type: () => IcebergType, doc?: string) => {
    if (name !== undefined) fields.push({ id: nextId(), name, required, type: type(), ...(doc !== undefined && { doc }) })
  }
  add(columns.topic, true, () => 'string', 'Kafka topic')
  add(columns.partition, true, () => 'int', 'Kafka partition')
  add(columns.offset, true, () => 'long', 'Kafka offset')
  add(columns.timestamp, false, () => 'timestamptz', 'Kafka timestamp; null when the record has none')
  add(columns.key, false, () => keyFormat, 'Kafka record key')
  add(columns.headers, false, () => headersType(nextId), 'Kafka record headers, in order')
  if (value.format === 'json') {
    for (const { name, required, type } of value.columns) add(name, required, () => icebergType(type, nextId))
    add(columns.rescue, false, () => 'string', 'What the columns of the value can not hold: JSON object from path to JSON text')
  } else {
    const { format } = value
    add(columns.value, false, () => format, 'Kafka record value; null: a tombstone')
  }
  return { type: 'struct', 'schema-id': 0, fields }
}

function headersType(id: () => number): IcebergType {
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
