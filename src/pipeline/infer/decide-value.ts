import type { TopicMapping } from '../../spec/table-mapping.ts'
import { type DecidedValue, declaredValue } from '../../spec/value-column.ts'
import { chooseForms } from './choose-forms.ts'
import { inferColumns } from './infer-columns.ts'
import { isJson } from './is-json.ts'
import type { Sample } from './sample.ts'

/** Columns that are inferred for one table at most. */
const maxColumns = 500

/**
 * What becomes of a table's values: what the document says, and what the sample shows where it leaves that open. Without a value in the
 * sample, `json` has no columns but the rescue column, and `auto` keeps values whole. Pure.
 */
export function decideValue(mapping: TopicMapping, { values }: Pick<Sample, 'values'>): DecidedValue {
  const declared = declaredValue(mapping.value)
  if (declared?.format === 'json') return { format: 'json', columns: chooseForms(declared.columns, values) }
  if (declared !== null) return declared
  const { format } = mapping.value
  if (format !== 'json' && format !== 'auto') throw new Error(`no sample tells the columns of ${format} values`)
  return format === 'json' || isJson(values) ? inferred(mapping, values) : { format: 'binary' }
}

function inferred({ kafkaColumns, rescueColumn }: TopicMapping, values: readonly Uint8Array[]): DecidedValue {
  const taken = new Set([...Object.values(kafkaColumns), rescueColumn].filter((name) => name !== null))
  return { format: 'json', columns: inferColumns(values, { taken, maxColumns }) }
}
