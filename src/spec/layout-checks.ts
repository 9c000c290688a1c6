import { isDeepStrictEqual } from 'node:util'
import type { Mapping } from './document.ts'
import { partitionFields, sortFields } from './layout-terms.ts'
import type { Path } from './path.ts'
import { columnNames, inLayout } from './table-mapping.ts'
import { tableFields } from './table-fields.ts'
import { declaredValue } from './value-column.ts'

/**
 * Checks what a table is partitioned and sorted by against the columns that the document tells. Where a sample is to tell what the values become, there may
 * be others: whether there are is looked at when the table is created.
 */
export function* layoutProblems(written: Mapping, path: Path): Generator<{ readonly path: Path; readonly message: string }> {
  const mapping = inLayout(written)
  const value = declaredValue(mapping.value)
  const columns = columnNames(mapping, value?.format === 'json')
  const fields = tableFields({ columns, keyFormat: mapping.key.format, value })
  const isSecond = (index: number) => mapping.partitionBy.findIndex((term) => isDeepStrictEqual(term, mapping.partitionBy[index])) < index
  for (const { index, message } of partitionFields(mapping.partitionBy, fields, value === null).problems) {
    if (!isSecond(index)) yield { path: [...path, 'partitionBy', index], message }
  }
  for (const { index, message } of sortFields(mapping.sortBy, fields, value === null).problems)
    yield { path: [...path, 'sortBy', index], message }
}
