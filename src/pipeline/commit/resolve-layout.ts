import type { IcebergType, NestedField } from '../../formats/iceberg/schema.ts'
import { currentSchema, defaultSpec, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import type { TopicMapping } from '../../spec/table-mapping.ts'
import type { BytesFormat, ColumnRole, TableLayout } from '../flow.ts'
import { type StoredLayout, wantedLayout } from './new-table.ts'
import { summaryKeys } from './summary-keys.ts'

const roles: readonly ColumnRole[] = ['topic', 'partition', 'offset', 'timestamp', 'key', 'headers', 'value']

/**
 * How to fill a table that exists: its columns are found by name, whatever their order and whoever created it.
 * Throws a WorkError (`retry: never`) that says what to change where the table can not be continued.
 */
export function resolveLayout(table: string, metadata: TableMetadata, mapping: TopicMapping): TableLayout {
  refuseTable(table, metadata)
  const layout = chosenLayout(table, metadata, mapping)
  const fields = currentSchema(metadata).fields
  const columns: { role: ColumnRole; field: NestedField }[] = []
  for (const field of fields) {
    const role = roles.find((candidate) => layout.columns[candidate] === field.name)
    if (role !== undefined) {
      checkType(table, role, field, layout)
      columns.push({ role, field })
    } else if (field.required) {
      throw refusal(table, `column ${field.name} is required and nothing fills it; make it optional`)
    }
  }
  for (const role of roles) {
    const name = layout.columns[role]
    if (name === undefined || columns.some((column) => column.role === role)) continue
    const way =
      role === 'value'
        ? `add a column ${name} (binary or string)`
        : `add the column, or say in the document's kafkaColumns.${role} how it is called`
    throw refusal(table, `it has no column ${name} for the Kafka ${role}; ${way}`)
  }
  return { columns, keyFormat: layout.keyFormat, valueFormat: layout.valueFormat }
}

/** What was chosen at creation holds; a document that asks for something else is refused, naming both. */
function chosenLayout(table: string, metadata: TableMetadata, mapping: TopicMapping): StoredLayout {
  const wanted = wantedLayout(mapping)
  const text = metadata.properties?.[summaryKeys.layout]
  const stored = text === undefined ? foundLayout(metadata, wanted, mapping) : parseLayout(table, text)
  for (const role of roles) {
    if (stored.columns[role] === wanted.columns[role]) continue
    const names = `${stored.columns[role] ?? 'none'} was chosen when the table was created, and the document says ${wanted.columns[role] ?? 'none'}`
    throw refusal(table, `column for the Kafka ${role}: ${names}; change the document's kafkaColumns back, or name another table`)
  }
  const value = mapping.value.format
  if (value !== 'auto' && stored.valueFormat !== wanted.valueFormat) throw formatChanged(table, 'value', stored.valueFormat, value)
  if (stored.columns.key !== undefined && stored.keyFormat !== wanted.keyFormat)
    throw formatChanged(table, 'key', stored.keyFormat, wanted.keyFormat)
  return stored
}

function formatChanged(table: string, what: string, stored: string, wanted: string): WorkError {
  return refusal(
    table,
    `it keeps the ${what} as ${stored}, and the document says ${what}.format: ${wanted}; change the document back, or name another table`,
  )
}

/** A table that others created says by its columns' types how bytes are kept. */
function foundLayout(metadata: TableMetadata, wanted: StoredLayout, mapping: TopicMapping): StoredLayout {
  const typeOf = (role: ColumnRole) => currentSchema(metadata).fields.find((field) => field.name === wanted.columns[role])?.type
  const value = typeOf('value')
  return { ...wanted, valueFormat: mapping.value.format === 'auto' && value === 'string' ? 'string' : wanted.valueFormat }
}

function parseLayout(table: string, text: string): StoredLayout {
  try {
    const layout = JSON.parse(text) as StoredLayout
    if (typeof layout.columns === 'object' && layout.columns !== null && isFormat(layout.keyFormat) && isFormat(layout.valueFormat))
      return layout
  } catch {
    // Told below: what matters is which property can not be read.
  }
  throw refusal(table, `its property ${summaryKeys.layout} can not be read; restore it`)
}

function isFormat(format: unknown): format is BytesFormat {
  return format === 'binary' || format === 'string'
}

function checkType(table: string, role: ColumnRole, field: NestedField, layout: StoredLayout): void {
  const expected: Record<Exclude<ColumnRole, 'headers'>, IcebergType> = {
    topic: 'string',
    partition: 'int',
    offset: 'long',
    timestamp: 'timestamptz',
    key: layout.keyFormat,
    value: layout.valueFormat,
  }
  const fits = role === 'headers' ? isHeaders(field.type) : field.type === expected[role]
  if (fits && !(field.required && (role === 'timestamp' || role === 'key' || role === 'value'))) return
  const found = typeof field.type === 'string' ? field.type : field.type.type
  if (fits) throw refusal(table, `column ${field.name} is required, and a Kafka ${role} can be null; make it optional`)
  const wanted = role === 'headers' ? 'list<struct<key: string, value: binary>>' : (expected[role] as string)
  throw refusal(table, `column ${field.name} is ${found}, and the Kafka ${role} needs ${wanted}`)
}

function isHeaders(type: IcebergType): boolean {
  if (typeof type === 'string' || type.type !== 'list') return false
  const { element } = type
  if (typeof element === 'string' || element.type !== 'struct' || element.fields.length !== 2) return false
  const [key, value] = element.fields
  return key.name === 'key' && key.type === 'string' && value.name === 'value' && value.type === 'binary' && !value.required
}

/** Tables that this version can not append to without breaking a promise to their readers. */
function refuseTable(table: string, metadata: TableMetadata): void {
  const properties = metadata.properties ?? {}
  const format = properties['write.format.default'] ?? 'parquet'
  if (metadata['format-version'] !== 2)
    throw refusal(table, `it has format version ${metadata['format-version']}, and only version 2 can be written yet`)
  if (defaultSpec(metadata).fields.some((field) => field.transform !== 'void')) {
    const by = defaultSpec(metadata).fields.map(({ transform, name }) => `${name} (${transform})`)
    throw refusal(table, `it is partitioned by ${by.join(', ')}, and partitioned tables can not be written yet`)
  }
  if (defaultSpec(metadata).fields.length > 0)
    throw refusal(table, 'its partition spec has void fields, and such tables can not be written yet')
  if (format.toLowerCase() !== 'parquet')
    throw refusal(table, `its property write.format.default is ${format}, and only parquet can be written`)
  const encryption = Object.keys(properties).find((key) => key.startsWith('encryption.'))
  if (encryption !== undefined) throw refusal(table, `its property ${encryption} asks for encryption, which can not be written`)
}

function refusal(table: string, reason: string): WorkError {
  return new WorkError(`table ${table} can not be continued: ${reason}`, { retry: 'never' })
}
