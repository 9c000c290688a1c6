import { catalogProduct } from '../model/catalog-product.ts'
import type { Problem } from '../model/failure.ts'
import type { ColumnType } from './column-type.ts'
import type { Mapping, ProcessorDocument } from './document.ts'
import { pathText } from './path.ts'
import type { Path } from './path.ts'

type CatalogType = ProcessorDocument['spec']['sink']['catalog']['type']

/** Types that some engine can not read, in whatever catalog, and what becomes of a table that has one at any depth. */
const unread: Readonly<Record<string, string>> = {
  time: 'Spark, and so Databricks, refuses a whole table that has a time column; string keeps the time as it is written',
}

/** What engines and catalogs will not do with the columns that a document declares: each with its path. Pure. */
export function engineWarnings(document: ProcessorDocument): Problem[] {
  const { mappings, sink } = document.spec
  return mappings
    .flatMap((mapping, index) => [...ofMapping(mapping, ['spec', 'mappings', index], sink.catalog.type)])
    .map(({ path, message }) => ({ document: document.metadata.name, path: pathText(path), message }))
}

function* ofMapping({ value, kafkaColumns, rescueColumn }: Mapping, path: Path, catalog: CatalogType) {
  const product = catalogProduct(catalog)
  const names: [name: string | null, path: Path][] = Object.entries(kafkaColumns).map(([key, name]) => [
    name,
    [...path, 'kafkaColumns', key],
  ])
  for (const [index, column] of (value.columns ?? []).entries()) {
    const at = [...path, 'value', 'columns', index]
    for (const [type, message] of Object.entries(unread)) if (contains(column.type, type)) yield { path: [...at, 'type'], message }
    for (const type of product?.refusedTypes?.filter((one) => unread[one] === undefined) ?? []) {
      const message = `the catalog ${catalog} has no type ${type} and refuses the table; string keeps it as it is written`
      if (contains(column.type, type)) yield { path: [...at, 'type'], message }
    }
    names.push([column.name, [...at, 'name']])
  }
  names.push([rescueColumn, [...path, 'rescueColumn']])
  if (product?.lowerCaseColumns !== true) return
  for (const [name, at] of names) {
    if (name !== null && name !== name.toLowerCase()) {
      yield { path: at, message: `the catalog ${catalog} keeps names of columns in lower case; write ${name.toLowerCase()}` }
    }
  }
}

function contains(type: ColumnType, wanted: string): boolean {
  if (type.type === wanted) return true
  if (type.type === 'struct') return type.fields.some((field) => contains(field.type, wanted))
  if (type.type === 'list') return contains(type.element, wanted)
  return type.type === 'map' && (contains(type.key, wanted) || contains(type.value, wanted))
}
