import type { PartitionField, PartitionSpec } from '../../formats/iceberg/partition-spec.ts'
import { currentSchema, defaultSpec, type SortOrder, sortOrderOf, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import type { TableRequirement, TableUpdate } from '../../formats/iceberg/table-update.ts'
import { partitionFields, sortFields } from '../../spec/layout-terms.ts'
import type { TopicMapping } from '../../spec/table-mapping.ts'
import { Refusal } from './refusal.ts'

/** What makes a table's partitioning and order those of the document. */
export interface LayoutChange {
  /** What changes, each as `partitions` or `order`. */
  readonly what: readonly ('partitions' | 'order')[]
  readonly requirements: readonly TableRequirement[]
  readonly updates: readonly TableUpdate[]
}

/**
 * Compares what the document says that rows are partitioned and sorted by with what the table has; null where they agree, or the document
 * says nothing. Rows that are there stay as they are: old files keep their spec and their order. Pure; throws a Refusal where the table
 * can not be laid out so.
 */
export function layoutChange(
  metadata: TableMetadata,
  { partitionBy, sortBy }: Pick<TopicMapping, 'partitionBy' | 'sortBy'>,
): LayoutChange | null {
  const spec = partitionBy.length === 0 ? null : newSpec(metadata, partitionBy)
  const order = sortBy.length === 0 ? null : newOrder(metadata, sortBy)
  if (spec === null && order === null) return null
  return {
    what: [...(spec === null ? [] : ['partitions' as const]), ...(order === null ? [] : ['order' as const])],
    requirements: [
      { type: 'assert-table-uuid', uuid: metadata['table-uuid'] },
      { type: 'assert-current-schema-id', 'current-schema-id': metadata['current-schema-id'] },
      ...(spec === null
        ? []
        : ([
            { type: 'assert-default-spec-id', 'default-spec-id': metadata['default-spec-id'] },
            { type: 'assert-last-assigned-partition-id', 'last-assigned-partition-id': metadata['last-partition-id'] },
          ] as const)),
      ...(order === null
        ? []
        : ([{ type: 'assert-default-sort-order-id', 'default-sort-order-id': metadata['default-sort-order-id'] }] as const)),
    ],
    updates: [
      ...(spec === null
        ? []
        : ([
            ...(spec.isThere ? [] : [{ action: 'add-spec', spec: spec.wanted } as const]),
            { action: 'set-default-spec', 'spec-id': spec.isThere ? spec.wanted['spec-id'] : -1 },
          ] as const)),
      ...(order === null
        ? []
        : ([
            ...(order.isThere ? [] : [{ action: 'add-sort-order', 'sort-order': order.wanted } as const]),
            { action: 'set-default-sort-order', 'sort-order-id': order.isThere ? order.wanted['order-id'] : -1 },
          ] as const)),
    ],
  }
}

/**
 * A spec or an order that the document asks for. One that the table had before is taken again by its id: Iceberg's own catalog server adds none that
 * is there, and then knows of no last one to be made the default.
 */
interface Wanted<T> {
  readonly wanted: T
  readonly isThere: boolean
}

/** The spec that the document asks for; null where the default one partitions so, whatever its fields are called and in whichever order. */
function newSpec(metadata: TableMetadata, terms: TopicMapping['partitionBy']): Wanted<PartitionSpec> | null {
  const { fields, problems } = partitionFields(terms, currentSchema(metadata).fields)
  for (const { index, message } of problems) throw new Refusal(`partitionBy[${index}]: ${message}`)
  const meant = (all: readonly PartitionField[]) =>
    all
      .filter(({ transform }) => transform !== 'void')
      .map(meaning)
      .toSorted()
      .join()
  if (meant(fields) === meant(defaultSpec(metadata).fields)) return null
  const there = metadata['partition-specs'].find((spec) => meant(spec.fields) === meant(fields))
  if (there !== undefined) return { wanted: there, isThere: true }
  const before = metadata['partition-specs'].flatMap((spec) => spec.fields)
  let lastId = metadata['last-partition-id']
  // A field that an earlier spec had keeps its id and its name, as the specification asks ("Partition Evolution").
  const evolved = fields.map((field): PartitionField => {
    const known = before.find((one) => meaning(one) === meaning(field))
    if (known !== undefined) return { ...field, 'field-id': known['field-id'], name: known.name }
    lastId++
    const name = evolvedName(field)
    return { ...field, 'field-id': lastId, name: before.some((one) => one.name === name) ? `${name}_${lastId}` : name }
  })
  const specId = Math.max(...metadata['partition-specs'].map((spec) => spec['spec-id'])) + 1
  return { wanted: { 'spec-id': specId, fields: evolved }, isThere: false }
}

function meaning(field: PartitionField): string {
  return `${field['source-id']} ${field.transform}`
}

/** As Iceberg's Java library calls a field that is added to a table that is there: `customer_bucket_16`. */
function evolvedName({ name, transform }: PartitionField): string {
  const [, parameter] = /\[(\d+)\]$/.exec(transform) ?? []
  return parameter === undefined ? name : `${name}_${parameter}`
}

function newOrder(metadata: TableMetadata, terms: TopicMapping['sortBy']): Wanted<SortOrder> | null {
  const { fields, problems } = sortFields(terms, currentSchema(metadata).fields)
  for (const { index, message } of problems) throw new Refusal(`sortBy[${index}]: ${message}`)
  const before = metadata['sort-orders'].filter((order) => order['order-id'] === metadata['default-sort-order-id'])
  if (sortOrderOf({ 'sort-orders': before }, fields) !== undefined) return null
  const there = sortOrderOf(metadata, fields)
  if (there !== undefined) return { wanted: there, isThere: true }
  const orderId = Math.max(0, ...metadata['sort-orders'].map((order) => order['order-id'])) + 1
  return { wanted: { 'order-id': orderId, fields }, isThere: false }
}
