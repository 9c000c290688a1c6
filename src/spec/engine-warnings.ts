import type { Problem } from '../model/failure.ts'
import type { ColumnType } from './column-type.ts'
import type { Mapping, ProcessorDocument } from './document.ts'
import { pathText } from './path.ts'
import type { Path } from './path.ts'

type CatalogType = ProcessorDocument['spec']['sink']['catalog']['type']

/** A type that some engine can not read, and what becomes of a table that has it at any depth. */
interface TypeFact {
  readonly type: ColumnType['type']
  /** The one catalog whose tables are concerned; absent: all. */
  readonly catalog?: CatalogType
  readonly message: string
}

const typeFacts: readonly TypeFact[] = [
  {
    type: 'time',
    message: 'Spark, and so Databricks, refuses a whole table that has a time column; string keeps the time as it is written',
  },
  { type: 'uuid', catalog: 'unity', message: 'Databricks has no type uuid and refuses the table; string keeps it as it is written' },
]

/** Catalogs that keep columns' names in lower case. */
const lowerCasing: readonly CatalogType[] = ['glue']

/** What engines and catalogs will not do with the columns that a document declares: each with its path. Pure. */
export function engineWarnings(document: ProcessorDocument): Problem[] {
  const { mappings, sink } = document.spec
  return mappings
    .flatMap((mapping, index) => [...ofMapping(mapping, ['spec', 'mappings', index], sink.catalog.type)])
    .map(({ path, message }) => ({ document: document.metadata.name, path: pathText(path), message }))
}

function* ofMapping({ value, kafkaColumns, rescueColumn }: Mapping, path: Path, catalog: CatalogType) {
  const names: [name: string | null, path: Path][] = Object.entries(kafkaColumns).map(([key, name]) => [
    name,
    [...path, 'kafkaColumns', key],
  ])
  for (const [index, column] of (value.columns ?? []).entries()) {
    const at = [...path, 'value', 'columns', index]
    for (const { type, catalog: only, message } of typeFacts) {
      if ((only === undefined || only === catalog) && contains(column.type, type)) yield { path: [...at, 'type'], message }
    }
    names.push([column.name, [...at, 'name']])
  }
  names.push([rescueColumn, [...path, 'rescueColumn']])
  if (!lowerCasing.includes(catalog)) return
  for (const [name, at] of names) {
    if (name !== null && name !== name.toLowerCase()) {
      yield { path: at, message: `the catalog ${catalog} keeps names of columns in lower case; write ${name.toLowerCase()}` }
    }
  }
}

function contains(type: ColumnType, wanted: ColumnType['type']): boolean {
  if (type.type === wanted) return true
  if (type.type === 'struct') return type.fields.some((field) => contains(field.type, wanted))
  if (type.type === 'list') return contains(type.element, wanted)
  return type.type === 'map' && (contains(type.key, wanted) || contains(type.value, wanted))
}
