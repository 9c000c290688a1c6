import { isDeepStrictEqual } from 'node:util'
import type { Mapping } from './document.ts'
import { partitionFields, sortFields } from './layout-terms.ts'
import type { Path } from './path.ts'
import { columnNames, inLayout } from './table-mapping.ts'
import { tableFields } from './table-fields.ts'
import { declaredValue } from './value-column.ts'

/**
 * Checks what a table is partitioned and sorted by against the columns that the document tells. A table may have others: those that a sample shows, and
 * columns of somebody else's. Whether it has is looked at when it is created.
 */
export function* layoutProblems(written: Mapping, path: Path): Generator<{ readonly path: Path; readonly message: string }> {
  const mapping = inLayout(written)
  const value = declaredValue(mapping.value)
  const columns = columnNames(mapping, value?.format === 'json')
  const fields = tableFields({ columns, keyFormat: mapping.key.format, value })
  const isSecond = (index: number) => mapping.partitionBy.findIndex((term) => isDeepStrictEqual(term, mapping.partitionBy[index])) < index
  for (const { index, message } of partitionFields(mapping.partitionBy, fields, true).problems) {
    if (!isSecond(index)) yield { path: [...path, 'partitionBy', index], message }
  }
  for (const { index, message } of sortFields(mapping.sortBy, fields, true).problems) yield { path: [...path, 'sortBy', index], message }
}
