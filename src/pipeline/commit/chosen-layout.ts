import type { NestedField } from '../../formats/iceberg/schema.ts'
import { currentSchema, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import type { TopicMapping } from '../../spec/table-mapping.ts'
import { declaredValue, type DecidedValue, type ValueColumn } from '../../spec/value-column.ts'
import type { ValueFormat } from '../flow.ts'
import { wantedLayout } from './new-table.ts'
import { contradiction, Refusal } from './refusal.ts'
import { parseLayout, type StoredLayout } from './stored-layout.ts'
import { summaryKeys } from './summary-keys.ts'
import { currentType, fillableType } from './value-type.ts'

const kafkaRoles = ['topic', 'partition', 'offset', 'timestamp', 'key', 'headers'] as const

/**
 * What was chosen when the table was created, which holds; for a table that others created, what the document and its columns tell.
 * Throws a Refusal, naming both, where the document asks for something else. The value's columns are compared by `checkDeclared`,
 * once they are found in the table.
 */
export function chosenLayout(metadata: TableMetadata, mapping: TopicMapping): StoredLayout {
  const text = metadata.properties?.[summaryKeys.layout]
  const stored = text === undefined ? foundLayout(currentSchema(metadata).fields, mapping) : parseLayout(text)
  if (stored === null) throw new Refusal(`its property ${summaryKeys.layout} can not be read; restore it`)
  for (const role of kafkaRoles) {
    const [chosen, wanted] = [stored.columns[role] ?? 'none', mapping.kafkaColumns[role] ?? 'none']
    if (chosen !== wanted) throw contradiction(`column for the Kafka ${role}`, chosen, wanted, 'kafkaColumns')
  }
  const { format, columns } = mapping.value
  const wanted = format !== 'auto' ? format : columns === undefined ? stored.value.format : 'json'
  if (stored.value.format !== wanted) {
    throw formatChanged('value', stored.value.format, format === 'auto' ? 'declares value.columns' : `says value.format: ${format}`)
  }
  if (stored.columns.key !== undefined && stored.keyFormat !== mapping.key.format) {
    throw formatChanged('key', stored.keyFormat, `says key.format: ${mapping.key.format}`)
  }
  const { rescue } = stored.columns
  if (rescue !== undefined && rescue !== mapping.rescueColumn) {
    throw contradiction('rescue column', rescue, mapping.rescueColumn, 'rescueColumn')
  }
  return stored
}

/** A table that others created says by its columns what becomes of the values, where the document does not. */
function foundLayout(fields: readonly NestedField[], mapping: TopicMapping): StoredLayout {
  const value = declaredValue(mapping.value) ?? foundValue(fields, mapping)
  if (value.format === 'json') for (const column of value.columns) checkFound(column, fields)
  return wantedLayout(mapping, value)
}

function foundValue(fields: readonly NestedField[], mapping: TopicMapping): DecidedValue {
  const { rescueColumn, kafkaColumns } = mapping
  const named = (name: string) => fields.find((field) => field.name === name)
  const value = named('value')
  if (mapping.value.format !== 'json' && (value !== undefined || named(rescueColumn) === undefined)) {
    return { format: value?.type === 'string' ? 'string' : 'binary' }
  }
  const taken = new Set<string | null>([...Object.values(kafkaColumns), rescueColumn])
  const columns = fields.flatMap(({ name, type: found, required }): ValueColumn[] => {
    const type = taken.has(name) ? null : fillableType(found)
    return type === null ? [] : [{ name, path: [name], type, required, unit: 'iso8601', form: null }]
  })
  return { format: 'json', columns }
}

/** Of a table that others created, every declared column must be there: what is missing was never there. */
function checkFound({ name, type }: ValueColumn, fields: readonly NestedField[]): void {
  const missing: string[] = []
  const field = fields.find((one) => one.name === name)
  if (field === undefined) missing.push(name)
  else currentType(type, field.type, name, missing)
  if (missing.length > 0) {
    throw new Refusal(`it has no column ${missing.join(', ')}; add it, or leave it out of the document's value.columns`)
  }
}

function formatChanged(what: 'value' | 'key', stored: ValueFormat, wanted: string): Refusal {
  return new Refusal(`it keeps the ${what} as ${stored}, and the document ${wanted}; change the document back, or name another table`)
}
