import { isDeepStrictEqual } from 'node:util'
import type { Mapping } from './document.ts'
import { partitionFields } from './layout-terms.ts'
import type { Path } from './path.ts'
import { tableFields } from './table-fields.ts'
import { declaredValue } from './value-column.ts'

/**
 * Checks what a table is partitioned by against the columns that the document tells. A table may have others: those that a sample shows, and
 * columns of somebody else's. Whether it has is looked at when it is created.
 */
export function* layoutProblems(mapping: Mapping, path: Path): Generator<{ readonly path: Path; readonly message: string }> {
  const value = declaredValue(mapping.value)
  const own = value?.format === 'json' ? { rescue: mapping.rescueColumn } : { value: 'value' }
  const columns = Object.fromEntries(Object.entries({ ...mapping.kafkaColumns, ...own }).filter(([, name]) => name !== null))
  const fields = tableFields({ columns, keyFormat: mapping.key.format, value })
  const isSecond = (index: number) => mapping.partitionBy.findIndex((term) => isDeepStrictEqual(term, mapping.partitionBy[index])) < index
  for (const { index, message } of partitionFields(mapping.partitionBy, fields, true).problems) {
    if (!isSecond(index)) yield { path: [...path, 'partitionBy', index], message }
  }
}
