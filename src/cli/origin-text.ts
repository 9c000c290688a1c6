import type { SampleOutlook, TableOutlook } from '../service/status/table-outlook.ts'
import { printable } from './printable.ts'
import { formatNumberOf } from './units.ts'

/** Paths of values without a column that are named. */
const namedPaths = 3

/** From what it is known what a table's columns are, in a line. */
export function originText({ metadata, mapping, value, sample, refused }: TableOutlook): string {
  if (refused !== null) return printable(refused)
  if (metadata !== null) return 'as the table has them'
  if (value === null) return 'not known before a record is ready'
  if (sample === null) return 'as the document says'
  const looked = sampleText(sample)
  if (value.format !== 'json') {
    const why = sample.records === sample.nulls ? 'no value was found' : 'fewer than nine in ten values are JSON objects'
    return `the value whole, since ${why}; looked at ${looked}`
  }
  if (mapping.value.columns !== undefined) return `as the document says; tried with ${looked}`
  return `${value.columns.length === 0 ? 'the rescue column alone, inferred' : 'inferred'} from ${looked}`
}

/** `1,234 records in 12 segments; 30 of them would have something in the rescue column: $['a'] (30)`. */
function sampleText({ records, nulls, segments, exhausted, rescued, rescuedPaths, bad, firstBad }: SampleOutlook): string {
  const all = `${exhausted ? 'all that is ready, ' : ''}${formatNumberOf(records, 'record')} in ${formatNumberOf(segments, 'segment')}`
  const parts = [nulls === 0 ? all : `${all}, ${formatNumberOf(nulls, 'tombstone')} among them`]
  if (rescued > 0) {
    const named = rescuedPaths.slice(0, namedPaths).map(([path, count]) => `${path} (${count})`)
    const more = rescuedPaths.length > namedPaths ? ', …' : ''
    parts.push(`${rescued} of them would have something in the rescue column: ${named.join(', ')}${more}`)
  }
  if (bad > 0) parts.push(`${bad} could not become rows, and would be treated as onError says; the first: ${firstBad}`)
  return printable(parts.join('; '))
}
