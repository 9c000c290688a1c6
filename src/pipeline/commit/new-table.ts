import { isEmpty, noRequests, type Requests } from '../../model/requests.ts'
import type { CatalogProfile, CreateTableRequest } from '../../seams/catalog.ts'
import { partitionFields, sortFields } from '../../spec/layout-terms.ts'
import { tableFields } from '../../spec/table-fields.ts'
import { columnNames, type TopicMapping } from '../../spec/table-mapping.ts'
import type { DecidedValue } from '../../spec/value-column.ts'
import { Refusal } from './refusal.ts'
import { encodeRequests } from './requests-text.ts'
import { layoutText, type StoredLayout } from './stored-layout.ts'
import { summaryKeys } from './summary-keys.ts'

/** The layout that the document asks for, once it is decided what becomes of the values. */
export function wantedLayout(mapping: TopicMapping, value: DecidedValue): StoredLayout {
  return { columns: columnNames(mapping, value.format === 'json'), keyFormat: mapping.key.format, value }
}

/** What keeps the metadata of a table bounded that is committed to every minute for years; the document's properties win. */
const boundedMetadata = {
  'write.metadata.delete-after-commit.enabled': 'true',
  'write.metadata.previous-versions-max': '20',
  'history.expire.max-snapshot-age-ms': String(72 * 3_600_000),
  'history.expire.min-snapshots-to-keep': '20',
}

/**
 * The request that creates a table for a mapping. Field ids are proposals: what the catalog answers counts.
 * Throws a Refusal where the table can not be partitioned or sorted as the document says.
 */
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
  const fields = tableFields(layout)
  const partition = partitionFields(mapping.partitionBy, fields)
  for (const { index, message } of partition.problems) throw new Refusal(`partitionBy[${index}]: ${message}`)
  const order = sortFields(mapping.sortBy, fields)
  for (const { index, message } of order.problems) throw new Refusal(`sortBy[${index}]: ${message}`)
  return {
    schema: { type: 'struct', 'schema-id': 0, fields },
    partitionSpec: { 'spec-id': 0, fields: partition.fields },
    sortOrder: { 'order-id': order.fields.length > 0 ? 1 : 0, fields: order.fields },
    location: options.location,
    properties,
  }
}
