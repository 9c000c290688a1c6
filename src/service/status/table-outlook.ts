import type { IcebergType, NestedField } from '../../formats/iceberg/schema.ts'
import { currentSchema, defaultSpec, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { JsonRecords } from '../../formats/json/json-records.ts'
import { WorkError } from '../../model/failure.ts'
import type { CreateTableRequest, TableIdentifier } from '../../seams/catalog.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { specTexts } from '../../spec/layout-terms.ts'
import type { TopicMapping } from '../../spec/table-mapping.ts'
import { type DecidedValue, declaredValue, type ValueColumn } from '../../spec/value-column.ts'
import { valuePathText } from '../../spec/value-path.ts'
import { chosenLayout } from '../../pipeline/commit/chosen-layout.ts'
import { newTable, wantedLayout } from '../../pipeline/commit/new-table.ts'
import { Refusal } from '../../pipeline/commit/refusal.ts'
import { resolveLayout } from '../../pipeline/commit/resolve-layout.ts'
import type { StoredLayout } from '../../pipeline/commit/stored-layout.ts'
import { shapeOf } from '../../pipeline/commit/value-shape.ts'
import { currentType } from '../../pipeline/commit/value-type.ts'
import type { ColumnRole } from '../../pipeline/flow.ts'
import { decideValue } from '../../pipeline/infer/decide-value.ts'
import type { Sample } from '../../pipeline/infer/sample.ts'
import { type KnownTable, knownTables } from './known-tables.ts'
import { limitsOf } from '../tasks/limits.ts'
import type { ProcessorSeams } from '../feed/processor-seams.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import { takeSample } from '../feed/sampler.ts'

/** What a table is, or what it would be made with. */
export interface TableOutlook {
  /** With its namespace: `analytics.orders`. */
  readonly table: string
  readonly topics: readonly string[]
  readonly mapping: TopicMapping
  /** As the catalog has it now; null where it would be made. */
  readonly metadata: TableMetadata | null
  readonly columns: readonly OutlookColumn[]
  /** What the table is partitioned by, field by field, as a document says it. */
  readonly partitionBy: readonly string[]
  /** What becomes of the values; null where the table can not be continued, and where only records will tell and none are ready. */
  readonly value: DecidedValue | null
  /** What the sample showed that the columns were chosen by; null where none was needed, or nothing is ready. */
  readonly sample: SampleOutlook | null
  /** Why the table can not be continued; null where it can. */
  readonly refused: string | null
}

/** A column of a table, and what fills it. */
export interface OutlookColumn {
  readonly name: string
  readonly type: string
  readonly required: boolean
  /** Null: nothing of ours. */
  readonly role: ColumnRole | null
  /** Of the role `field`: where in a value it stands, as RFC 9535 normalized path. */
  readonly path: string | null
}

/** What would become of the values of a sample. */
export interface SampleOutlook extends Omit<Sample, 'values'> {
  /** Records of which something would go into the rescue column, and the paths of which most would, most frequent first. */
  readonly rescued: number
  readonly rescuedPaths: readonly (readonly [path: string, count: number])[]
  /** Records that could not become rows, for want of a required value; and why the first of them could not. */
  readonly bad: number
  readonly firstBad: string | null
}

export type OutlookSeams = Pick<ProcessorSeams, 'source' | 'catalog' | 'io'>

/** Looks at one table of a document, and at a sample of its records where the table is not there yet. Changes nothing; throws what stores and catalog throw. */
export async function tableOutlook(
  document: ProcessorDocument,
  { name, topics, mapping, partitions }: KnownTable,
  source: SourceIdentity,
  seams: OutlookSeams,
): Promise<TableOutlook> {
  const identifier: TableIdentifier = { namespace: document.spec.sink.database.split('.'), name }
  const table = [...identifier.namespace, name].join('.')
  const loaded = await seams.catalog.loadTable(identifier)
  if (loaded !== null) return { table, topics, mapping, ...existing(table, loaded.metadata, mapping), sample: null }

  const declared = declaredValue(mapping.value)
  const isWhole = declared !== null && declared.format !== 'json'
  const options = {
    prefix: source.prefix,
    graceMs: document.spec.source.graceSeconds * 1000,
    maxBatchBytes: limitsOf(document.spec.processing).maxBatchBytes,
  }
  const taken = isWhole ? null : await takeSample(seams.source, partitions, options)
  const sample = taken !== null && 'values' in taken ? taken : null
  const value = sample === null ? declared : decideValue(mapping, sample)
  const request = value === null ? null : requestOrRefusal(mapping, value, seams)
  const refused = typeof request === 'string' ? `table ${table} can not be created: ${request}` : null
  const made = typeof request === 'string' ? null : request
  return {
    table,
    topics,
    mapping,
    metadata: null,
    columns: made === null ? [] : columnsOf(made.schema.fields, wantedLayout(mapping, value!)),
    partitionBy: made === null ? [] : specTexts(made.partitionSpec, made.schema.fields),
    value: refused === null ? value : null,
    sample: sample === null ? null : sampleOutlook(sample, value!),
    refused,
  }
}

/** Whether a topic that the document names has neither a segment nor a table, and none is left out of it: nothing would be made of it. */
export function isNowhere({ metadata }: TableOutlook, { partitions, leftOut }: KnownTable): boolean {
  return metadata === null && partitions.length === 0 && leftOut === null
}

/** The request that would create a table, or why it can not be created. */
function requestOrRefusal(mapping: TopicMapping, value: DecidedValue, { catalog }: OutlookSeams): CreateTableRequest | string {
  try {
    return newTable(mapping, { value, properties: {}, formatVersion: 2, profile: catalog.profile })
  } catch (error) {
    if (error instanceof Refusal) return error.message
    throw error
  }
}

function existing(
  table: string,
  metadata: TableMetadata,
  mapping: TopicMapping,
): Pick<TableOutlook, 'metadata' | 'columns' | 'partitionBy' | 'value' | 'refused'> {
  const { fields } = currentSchema(metadata)
  const partitionBy = specTexts(defaultSpec(metadata), fields)
  try {
    resolveLayout(table, metadata, mapping)
  } catch (error) {
    if (!(error instanceof WorkError)) throw error
    return { metadata, columns: columnsOf(fields, null), partitionBy, value: null, refused: error.message }
  }
  const layout = chosenLayout(metadata, mapping)
  const { value } = layout
  return {
    metadata,
    columns: columnsOf(fields, layout),
    partitionBy,
    value: value.format === 'json' ? { format: 'json', columns: currentColumns(value.columns, fields) } : value,
    refused: null,
  }
}

/** The columns that were chosen when the table was created, as it has them now: what it dropped is left out. */
function currentColumns(chosen: readonly ValueColumn[], fields: readonly NestedField[]): ValueColumn[] {
  return fields.flatMap((field) => {
    const column = chosen.find(({ name }) => name === field.name)
    const type = column === undefined ? null : currentType(column.type, field.type, field.name, [])
    return column === undefined || type === null ? [] : [{ ...column, type, required: field.required }]
  })
}

function columnsOf(fields: readonly NestedField[], layout: StoredLayout | null): OutlookColumn[] {
  const roles = new Map(Object.entries(layout?.columns ?? {}).map(([role, name]) => [name, role as ColumnRole]))
  const paths = new Map(layout?.value.format === 'json' ? layout.value.columns.map(({ name, path }) => [name, valuePathText(path)]) : [])
  return fields.map(({ name, type, required }) => ({
    name,
    type: typeText(type),
    required,
    role: roles.get(name) ?? (paths.has(name) ? 'field' : null),
    path: roles.has(name) ? null : (paths.get(name) ?? null),
  }))
}

function typeText(type: IcebergType): string {
  if (typeof type === 'string') return type
  switch (type.type) {
    case 'struct':
      return `struct<${type.fields.map((field) => `${field.name}: ${typeText(field.type)}`).join(', ')}>`
    case 'list':
      return `list<${typeText(type.element)}>`
    case 'map':
      return `map<${typeText(type.key)}, ${typeText(type.value)}>`
  }
}

/** Paths that are named. */
const namedPaths = 10
/** Records that are held as columns at once. */
const triedAtOnce = 1000

/** Puts the values into the columns that they would become, and looks at what is left. */
function sampleOutlook({ values, ...sample }: Sample, value: DecidedValue): SampleOutlook {
  const none = { ...sample, rescued: 0, rescuedPaths: [], bad: 0, firstBad: null }
  if (value.format !== 'json') return none
  const records = new JsonRecords({
    columns: value.columns.map((column) => ({ path: column.path, shape: shapeOf(column.type, column), required: column.required })),
  })
  let bad = 0
  let firstBad: string | null = null
  for (const bytes of values) {
    const field = records.append(bytes, 0, bytes.length)
    if (records.length === triedAtOnce) records.clear()
    if (field === null) continue
    bad++
    firstBad ??= `${field.path}: ${field.message}`
  }
  const { records: rescued, paths } = records.takeRescued()
  const rescuedPaths = [...paths].sort(([, one], [, other]) => other - one).slice(0, namedPaths)
  return { ...none, rescued, rescuedPaths, bad, firstBad }
}

/** What a document's tables are, or would be made with. */
export interface DocumentOutlook {
  /** The document's name. */
  readonly name: string
  readonly tables: readonly TableOutlook[]
  /** The names of these, and where the wanted one is none of the document's, of those that are. */
  readonly tableNames: readonly string[]
}

/** Looks at the tables of a document, or at the one of this name, with or without its namespace; changes nothing. Throws as `tableOutlook` does. */
export async function documentOutlook(
  document: ProcessorDocument,
  wanted: string | undefined,
  source: SourceIdentity,
  seams: OutlookSeams,
): Promise<DocumentOutlook> {
  const { database } = document.spec.sink
  const tables: TableOutlook[] = []
  for (const table of await knownTables(document, wanted, source, seams)) {
    if (table.topics.length === 0 && table.leftOut !== null) continue
    const outlook = await tableOutlook(document, table, source, seams)
    if (!isNowhere(outlook, table)) tables.push(outlook)
  }
  const others = wanted !== undefined && tables.length === 0 ? await knownTables(document, undefined, source, seams) : []
  const tableNames = [...tables.map(({ table }) => table), ...others.map(({ name }) => `${database}.${name}`)]
  return { name: document.metadata.name, tables, tableNames }
}
