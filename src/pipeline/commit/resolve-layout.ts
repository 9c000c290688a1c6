import type { PartitionSpec } from '../../formats/iceberg/partition-spec.ts'
import { findField } from '../../formats/iceberg/primitive-type.ts'
import type { IcebergType, NestedField } from '../../formats/iceberg/schema.ts'
import { currentSchema, defaultSpec, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { transformResultType } from '../../formats/iceberg/transforms.ts'
import type { ColumnShape } from '../../formats/json/shape.ts'
import { WorkError } from '../../model/failure.ts'
import type { TopicMapping } from '../../spec/table-mapping.ts'
import { declaredColumns } from '../../spec/value-column.ts'
import type { ColumnRole, TableLayout } from '../flow.ts'
import { chosenLayout } from './chosen-layout.ts'
import { refuseDefaults } from './refuse-defaults.ts'
import { Refusal } from './refusal.ts'
import type { StoredLayout } from './stored-layout.ts'
import { ancestorsOf } from './table-state.ts'
import { isOfOthers } from './of-others.ts'
import { valueFields } from './value-fields.ts'

/** The column that tells the logs of a restarted source apart; added when the first restart is accepted, and null for the first log. */
export const incarnationColumn = 'kafka_incarnation'

type OwnRole = Exclude<ColumnRole, 'field' | 'incarnation'>

const roles: readonly OwnRole[] = ['topic', 'partition', 'offset', 'timestamp', 'key', 'headers', 'value', 'rescue', 'recordId']

/**
 * How to fill a table that exists: its columns are found by name, whatever their order and whoever created it.
 * Rows of an incarnation beyond the first say which one. Throws a WorkError (`retry: never`) that says what to change where the table
 * can not be continued.
 */
export function resolveLayout(table: string, metadata: TableMetadata, mapping: TopicMapping, incarnation = 1): TableLayout {
  try {
    refuseTable(metadata)
    refuseOtherWriters(metadata, mapping)
    const { fields } = currentSchema(metadata)
    const layout = filledColumns(fields, chosenLayout(metadata, mapping), mapping)
    const filled = layout.columns.map(({ field }) => field)
    const sources = defaultSpec(metadata).fields.map((field) => field['source-id'])
    refuseDefaults(fields, filled, sources)
    return incarnation === 1 ? layout : withIncarnation(layout, fields, incarnation)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    throw new WorkError(`table ${table} can not be continued: ${error.message}`, { retry: 'never' })
  }
}

function filledColumns(fields: readonly NestedField[], layout: StoredLayout, mapping: TopicMapping): TableLayout {
  const { columns: names, keyFormat, value } = layout
  const { filled, missing } =
    value.format === 'json' ? valueFields(fields, value.columns, declaredColumns(mapping.value)) : { filled: null, missing: [] }
  const columns: TableLayout['columns'][number][] = []
  const shapes: ColumnShape[] = []
  for (const field of fields) {
    const role = roles.find((candidate) => names[candidate] === field.name)
    const part = filled?.get(field.name)
    if (role !== undefined) {
      checkType(role, field, layout)
      columns.push({ role, field })
    } else if (part !== undefined) {
      columns.push({ role: 'field', field: part.field })
      shapes.push(part.shape)
    } else if (field.required) {
      throw new Refusal(`column ${field.name} is required and nothing fills it; make it optional`)
    }
  }
  for (const role of roles) {
    const name = names[role]
    if (name !== undefined && !columns.some((column) => column.role === role)) throw noColumn(role, name)
  }
  return { columns, keyFormat, valueFormat: value.format, record: filled === null ? null : { columns: shapes }, missing }
}

/** In the table's order, like all columns. */
function withIncarnation(layout: TableLayout, fields: readonly NestedField[], incarnation: number): TableLayout {
  const own = fields.find(({ name }) => name === incarnationColumn)
  if (own === undefined || own.type !== 'int' || own.required) {
    throw new Refusal(`its log was restarted, and it has no optional int column ${incarnationColumn} to tell the logs apart; add it`)
  }
  const places = new Map(fields.map(({ id }, i) => [id, i]))
  const columns = [...layout.columns, { role: 'incarnation' as const, field: own }]
  return { ...layout, incarnation, columns: columns.sort((a, b) => places.get(a.field.id)! - places.get(b.field.id)!) }
}

function noColumn(role: OwnRole, name: string): Refusal {
  if (role === 'rescue') {
    const what = `column ${name}, which keeps what the other columns can not hold`
    return new Refusal(`it has no ${what}; add a string column ${name}`)
  }
  const way =
    role === 'value'
      ? `add a column ${name} (binary or string)`
      : `add the column, or say in the document's kafkaColumns.${role} how it is called`
  return new Refusal(`it has no column ${name} for the Kafka ${role}; ${way}`)
}

function checkType(role: OwnRole, field: NestedField, { columns, keyFormat, value }: StoredLayout): void {
  const isKafscale = columns.recordId !== undefined
  if (isKafscale && role === 'timestamp' && field.type === 'long') return
  if (isKafscale && role === 'headers' && field.type === 'string' && !field.required) return
  const expected: Record<Exclude<OwnRole, 'headers'>, IcebergType> = {
    topic: 'string',
    partition: 'int',
    offset: 'long',
    timestamp: 'timestamptz',
    key: keyFormat,
    value: value.format === 'string' ? 'string' : 'binary',
    rescue: 'string',
    recordId: 'string',
  }
  // Kafka Connect's sink makes numbers of records without a schema `long`. A timestamp is milliseconds then, which nobody knows
  // of a table that merely has a column of our name.
  const isNumber = field.type === 'long' && (role === 'partition' || (role === 'timestamp' && field.name !== 'kafka_timestamp'))
  const fits = role === 'headers' ? isHeaders(field.type) : field.type === expected[role] || isNumber
  const canBeNull = role === 'timestamp' || role === 'key' || role === 'value' || role === 'rescue'
  if (fits && !(field.required && canBeNull)) return
  const what = role === 'rescue' ? 'rescue column' : role === 'recordId' ? "record's id" : `Kafka ${role}`
  const found = typeof field.type === 'string' ? field.type : field.type.type
  if (fits) throw new Refusal(`column ${field.name} is required, and a ${what} can be null; make it optional`)
  const wanted = role === 'headers' ? 'list<struct<key: string, value: binary>>' : (expected[role] as string)
  throw new Refusal(`column ${field.name} is ${found}, and the ${what} needs ${wanted}`)
}

function isHeaders(type: IcebergType): boolean {
  if (typeof type === 'string' || type.type !== 'list') return false
  const { element } = type
  if (typeof element === 'string' || element.type !== 'struct' || element.fields.length !== 2) return false
  const [key, value] = element.fields
  return key.name === 'key' && key.type === 'string' && value.name === 'value' && value.type === 'binary' && !value.required
}

/** A spec whose values we can not compute: with a transform that we do not know, or of a column that is gone. */
function refuseSpec(spec: PartitionSpec, fields: readonly NestedField[]): void {
  for (const { name, transform, 'source-id': id } of spec.fields) {
    if (transform === 'void') continue
    const type = findField(fields, id)?.type
    if (type === undefined || typeof type !== 'string') {
      throw new Refusal(
        `its partition field ${name} (${transform}) is of column ${id}, which the table does not have any more; replace that field`,
      )
    }
    try {
      transformResultType(transform, type)
    } catch (error) {
      throw new Refusal(`its partition field ${name} can not be written: ${(error as Error).message}; replace that field`)
    }
  }
}

/**
 * In a table of the Go processor or of Kafka Connect's Iceberg sink rows of the source are from before us, and the tail would begin with
 * them again. The offsets in the sink's summaries are those of its control topic, and tell nothing of the source's.
 */
function refuseOtherWriters(metadata: TableMetadata, { compat }: TopicMapping): void {
  if (!isOfOthers(metadata)) return
  const isOfConnect = ancestorsOf(metadata).ancestors.some(({ summary }) =>
    Object.keys(summary).some((key) => key.startsWith('kafka.connect.offsets.')),
  )
  if (compat !== 'kafscale' && !isOfConnect) return
  const way = isOfConnect ? '`recover --from-offsets` or, where rows have their coordinates, `--from-rows`' : '`recover --from-rows`'
  const writer = isOfConnect ? "Kafka Connect's sink" : 'others'
  throw new Refusal(
    `${writer} wrote its rows, and it is not known yet which records they are. ${way} shows what is to be assumed; nothing is written before someone confirms it`,
  )
}

/** Tables that this version can not append to without breaking a promise to their readers. */
function refuseTable(metadata: TableMetadata): void {
  const properties = metadata.properties ?? {}
  const format = properties['write.format.default'] ?? 'parquet'
  const version = metadata['format-version']
  if (version !== 2 && version !== 3) throw new Refusal(`it has format version ${version}, and only versions 2 and 3 can be written`)
  refuseSpec(defaultSpec(metadata), currentSchema(metadata).fields)
  if (format.toLowerCase() !== 'parquet')
    throw new Refusal(`its property write.format.default is ${format}, and only parquet can be written`)
  const encryption = Object.keys(properties).find((key) => key.startsWith('encryption.'))
  if (encryption !== undefined) throw new Refusal(`its property ${encryption} asks for encryption, which can not be written`)
}
