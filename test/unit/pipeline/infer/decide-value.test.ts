import { expect, test } from 'vitest'
import { decideValue } from '../../../../src/pipeline/infer/decide-value.ts'
import { columnTypeText } from '../../../../src/spec/column-type.ts'
import { mappingFor } from '../../../../src/spec/table-mapping.ts'
import { load, type Plain, smallest } from '../../spec/documents.ts'
import { bytesOf } from './documents.ts'

/** `format`, or `name: type` of each column. */
function decided(mapping: Plain, values: readonly unknown[]): string | string[] {
  const document = load(smallest((d) => (d.spec.mappings = [{ topic: 'events', ...mapping }])))
  const value = decideValue(mappingFor(document, 'events'), { values: bytesOf(values) })
  return value.format === 'json'
    ? value.columns.map(({ name, type, form }) => `${name}: ${columnTypeText(type)}${form?.fraction ?? ''}`)
    : value.format
}

const columns = [{ name: 'at', type: 'timestamptz' }]
const objects = [{ at: '2024-01-01T00:00:00.00Z', id: 1 }]
const nine = Array.from({ length: 9 }, () => ({ id: 1 }))

test.each<[string, Plain, unknown[], string | string[]]>([
  ['binary', { value: { format: 'binary' } }, objects, 'binary'],
  ['string', { value: { format: 'string' } }, objects, 'string'],
  ['json with columns', { value: { format: 'json', columns } }, objects, ['at: timestamptz2']],
  ['json with columns and no sample', { value: { format: 'json', columns } }, [], ['at: timestamptz']],
  ['auto with columns', { value: { columns } }, ['no JSON at all'], ['at: timestamptz']],
  ['json', { value: { format: 'json' } }, ['x', ...objects], ['at: timestamptz2', 'id: long']],
  ['json without a sample', { value: { format: 'json' } }, [], []],
  ['nothing, and the sample is objects', {}, objects, ['at: timestamptz2', 'id: long']],
  ['nothing, and nine in ten are objects', {}, [...nine, 'x'], ['id: long']],
  ['nothing, and fewer than nine in ten are objects', {}, [...nine, 'x', '[]'], 'binary'],
  ['nothing, and there is no sample', {}, [], 'binary'],
  ['nothing, and the sample is lists', {}, [[], [], []], 'binary'],
  ['nothing, and the sample is empty objects', {}, [{}, {}], []],
  [
    'names for other columns',
    { rescueColumn: 'rest', kafkaColumns: { key: 'id', headers: null } },
    [{ id: 1, rest: 2, kafka_headers: 3, kafka_offset: 4 }],
    ['id_2: long', 'rest_2: long', 'kafka_headers: long', 'kafka_offset_2: long'],
  ],
])('the document says %s', (_, mapping, values, expected) => {
  expect(decided(mapping, values)).toEqual(expected)
})
