import { isDeepStrictEqual } from 'node:util'
import type { TableOutlook } from '../../service/status/table-outlook.ts'
import { columnTypeText } from '../../spec/column-type.ts'
import { mappingSettings } from '../../spec/document-mapping.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { nameText } from '../../spec/scanner.ts'
import type { TopicMapping } from '../../spec/table-mapping.ts'
import type { SortTerm, Term } from '../../spec/terms.ts'
import { topicMatcher } from '../../spec/topic-glob.ts'
import type { DecidedValue, ValueColumn } from '../../spec/value-column.ts'
import { valuePathText } from '../../spec/value-path.ts'

/** An entry of a document's `mappings`, as plain data. */
export interface MappingEntry {
  readonly topic: string
  readonly table: string
  readonly [setting: string]: unknown
  readonly value: { readonly format: string; readonly columns?: readonly EntryColumn[] }
}

interface EntryColumn {
  readonly name: string
  readonly type: string
  readonly path?: string
  readonly required?: true
  readonly unit?: string
}

/**
 * The entries that say of a table what it is, or would be made with: one for each topic, or for the pattern by which the document gives
 * topics this table. What the document says else of these topics is in them too, so that they can stand in the place of its own entries.
 * Empty where it is not known what becomes of the values.
 */
export function mappingEntries(document: ProcessorDocument, { topics, mapping, value }: TableOutlook): MappingEntry[] {
  if (value === null) return []
  const patterns = topics.map((topic) => {
    const own = document.spec.mappings.find((one) => topicMatcher(one.topic)(topic))
    return own?.table === undefined ? topic : own.topic
  })
  return [...new Set(patterns)].map((topic) => ({
    topic: escaped(topic),
    table: escaped(mapping.table),
    ...otherSettings(mapping),
    value: entryValue(value),
  }))
}

/** Columns that are empty can not be declared: `json` alone says the same, as long as no record has what a column could be made of. */
function entryValue(value: DecidedValue): MappingEntry['value'] {
  if (value.format !== 'json' || value.columns.length === 0) return { format: value.format }
  return { format: value.format, columns: value.columns.map(entryColumn) }
}

function entryColumn({ name, type, path, required, unit }: ValueColumn): EntryColumn {
  return {
    name: escaped(name),
    type: escaped(columnTypeText(type)),
    ...((path.length > 1 || path[0] !== name) && { path: escaped(valuePathText(path)) }),
    ...(required && { required }),
    ...(unit !== 'iso8601' && { unit }),
  }
}

/** What differs from the defaults, save the table and the values. */
function otherSettings(mapping: TopicMapping): Record<string, unknown> {
  const { table: _table, value: _value, ...defaults } = mappingSettings.parse({})
  const differing = (Object.keys(defaults) as (keyof typeof defaults)[]).filter((key) => !isDeepStrictEqual(mapping[key], defaults[key]))
  const settings: Record<string, unknown> = {}
  for (const key of differing) {
    if (key === 'partitionBy') settings[key] = mapping.partitionBy.map((term) => escaped(termText(term)))
    else if (key === 'sortBy') settings[key] = mapping.sortBy.map((term) => escaped(sortTermText(term)))
    else if (key === 'kafkaColumns') {
      const names = Object.entries(mapping.kafkaColumns).filter(
        ([role, name]) => name !== defaults.kafkaColumns[role as keyof typeof defaults.kafkaColumns],
      )
      settings[key] = Object.fromEntries(names.map(([role, name]) => [role, name === null ? null : escaped(name)]))
    } else if (key === 'rescueColumn') settings[key] = escaped(mapping.rescueColumn)
    else settings[key] = mapping[key]
  }
  return settings
}

function termText(term: Term): string {
  const column = term.column.map(nameText).join('.')
  if (term.transform === 'identity') return column
  return 'parameter' in term ? `${term.transform}(${term.parameter}, ${column})` : `${term.transform}(${column})`
}

function sortTermText(term: SortTerm): string {
  return `${termText(term)} ${term.direction} nulls ${term.nulls}`
}

/** A document's strings take variables from the environment; doubled, the dollar sign stands for itself. */
function escaped(text: string): string {
  // A function, since in a replacement's text a dollar sign means something of its own.
  return text.replaceAll('${', () => '$${')
}
