import type { ProcessorDocument } from '../../../src/spec/document.ts'
import { currentSchema, defaultSpec } from '../../../src/formats/iceberg/table-metadata.ts'
import type { SqlEngines } from '../asking.ts'
import { loadMetadata, withCatalog } from '../program.ts'
import { type PartedTable, partedNames } from './parted.ts'

/** Who writes the copy of a table: one that reads ours rightly. Nobody of them writes a decimal that `truncate` takes below the least of its digits. */
const writers: Readonly<Record<PartedTable, 'spark' | 'trino' | null>> = {
  identity: 'trino',
  floats: 'spark',
  bucket: 'trino',
  truncate: 'spark',
  decimals: 'trino',
  overflow: null,
  calendar: 'trino',
  voided: 'spark',
  timed: 'trino',
}

export const copiedNames = partedNames.filter((table) => writers[table] !== null)

/** Has the Java library write our tables' rows into tables of the same schemas and partitions, in another database of the shared REST catalog. */
export async function copyPartedTables(document: ProcessorDocument, database: string, sql: SqlEngines): Promise<void> {
  const from = document.spec.sink.database
  await withCatalog(document, async (catalog) => {
    await catalog.ensureNamespace([database])
    for (const name of copiedNames) {
      const metadata = await loadMetadata(document, name)
      await catalog.createTable(
        { namespace: [database], name },
        {
          schema: currentSchema(metadata),
          partitionSpec: defaultSpec(metadata),
          sortOrder: { 'order-id': 0, fields: [] },
          properties: { 'format-version': String(metadata['format-version']) },
        },
      )
    }
  })
  for (const name of copiedNames) {
    const statement = `INSERT INTO ice.${database}.${name} SELECT * FROM ice.${from}.${name}`
    await (writers[name] === 'spark' ? sql.spark : sql.trino).sql(statement)
  }
}
