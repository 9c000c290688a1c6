import type { TableOutlook } from '../../../src/service/status/table-outlook.ts'
import { mappingFor } from '../../../src/spec/table-mapping.ts'
import { load, type Plain, smallest } from '../spec/documents.ts'

/** A document for topics `orders` and what else `change` says. */
export function documentWith(change: (document: Plain) => void = () => {}) {
  return load(
    smallest((document) => {
      document.spec.source.topics = ['*']
      change(document)
    }),
  )
}

/** A table that would be made, whose values were found to be kept whole. */
export function outlook(changes: Partial<TableOutlook> = {}, document = documentWith()): TableOutlook {
  return {
    table: 'default.orders',
    topics: ['orders'],
    mapping: mappingFor(document, changes.topics?.[0] ?? 'orders'),
    metadata: null,
    columns: [],
    partitionBy: [],
    value: { format: 'binary' },
    sample: null,
    refused: null,
    ...changes,
  }
}
