import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { mappingEntries } from '../../../src/cli/schema/mapping-entry.ts'
import { mappingLines } from '../../../src/cli/schema/mapping-yaml.ts'
import type { ProcessorDocument } from '../../../src/spec/document.ts'
import { loadDocuments } from '../../../src/spec/load.ts'
import { mappingFor } from '../../../src/spec/table-mapping.ts'
import { declaredColumns, declaredValue, type ValueColumn } from '../../../src/spec/value-column.ts'
import { infer } from '../pipeline/infer/documents.ts'
import { documentWith, outlook } from './outlooks.ts'

/** The smallest document with these lines under its `spec`. */
function pasted(lines: readonly string[]): ProcessorDocument {
  const text = [
    'apiVersion: kafscale.io/v1',
    'kind: IcebergProcessor',
    'metadata: {name: p}',
    'spec:',
    '  source: {topics: ["*"], directory: ./s}',
    '  mappings:',
    ...lines,
  ]
  return loadDocuments(text.join('\n'), 'pasted.yaml', {})[0]
}

function column(name: string, type: string, more: Partial<ValueColumn> = {}): ValueColumn {
  const [found] = declaredColumns({
    format: 'json',
    columns: documentWith((d) => (d.spec.mappings = [{ topic: 'a', value: { columns: [{ name, type }] } }])).spec.mappings[0].value.columns,
  })!
  return { ...found, ...more }
}

test('columns are told as a document tells them, and what is the default is left out', () => {
  const columns = [
    column('id', 'long', { required: true }),
    column('at', 'timestamptz', { unit: 'ms', path: ['when', 'At'] }),
    column('city name', "struct<zip 'Zip': string, `a:b`: decimal(12,2)>", { path: ['City'] }),
  ]
  expect(mappingLines(mappingEntries(documentWith(), outlook({ value: { format: 'json', columns } })))).toEqual([
    '    - topic: orders',
    '      table: orders',
    '      value:',
    '        format: json',
    '        columns:',
    '          - {name: id, type: long, required: true}',
    `          - {name: at, type: timestamptz, path: "$['when']['At']", unit: ms}`,
    `          - {name: "city name", type: "struct<zip 'Zip': string, \`a:b\`: decimal(12,2)>", path: "$['City']"}`,
  ])
})

test('what a terminal would act upon, or not show, is escaped', () => {
  const path = ['\u001b[2J', '\u202e', '\u{e0001}', 'naïve']
  const [line] = mappingLines(
    mappingEntries(documentWith(), outlook({ value: { format: 'json', columns: [column('a', 'long', { path })] } })),
  ).slice(-1)
  expect(line).toBe(String.raw`          - {name: a, type: long, path: "$['\\u001b[2J']['\u202e']['\udb40\udc01']['naïve']"}`)
})

test.each([
  [{ format: 'string' } as const, { format: 'string' }],
  [{ format: 'json', columns: [] } as const, { format: 'json' }],
])('values without columns: %j', (value, said) => {
  expect(mappingEntries(documentWith(), outlook({ value }))).toEqual([{ topic: 'orders', table: 'orders', value: said }])
})

test('where it is not known what becomes of the values, there is no entry', () => {
  expect(mappingEntries(documentWith(), outlook({ value: null }))).toEqual([])
})

test('what the document says else of a topic stays', () => {
  const said = {
    topic: 'orders',
    key: { format: 'string' },
    kafkaColumns: { partition: 'a.b', key: 'the $${key}', headers: null },
    rescueColumn: 'rest',
    partitionBy: ['day(kafka_timestamp)', 'bucket(16, `a.b`)', 'kafka_topic'],
    sortBy: ['truncate(4, kafka_topic) desc nulls last', 'kafka_offset'],
    onError: 'skip',
  }
  const document = documentWith((d) => (d.spec.mappings = [said]))
  const entries = mappingEntries(document, outlook({}, document))
  const again = pasted(mappingLines(entries))
  expect(mappingFor(again, 'orders')).toEqual({ ...mappingFor(document, 'orders'), tableByRule: false, value: { format: 'binary' } })
  expect(entries[0]).toMatchObject({
    partitionBy: ['day(kafka_timestamp)', 'bucket(16, `a.b`)', 'kafka_topic'],
    sortBy: ['truncate(4, kafka_topic) desc nulls last', 'kafka_offset asc nulls first'],
  })
})

test('topics that share a table have an entry each, or the one of their pattern', () => {
  const document = documentWith((d) => {
    d.spec.mappings = [
      { topic: 'orders-*', table: 'orders' },
      { topic: 'returns', table: 'orders' },
      { topic: 'c*', onError: 'skip' },
    ]
  })
  const shared = outlook({ topics: ['orders-eu', 'orders-us', 'returns'] }, document)
  expect(mappingEntries(document, shared).map(({ topic }) => topic)).toEqual(['orders-*', 'returns'])
  expect(mappingEntries(document, outlook({ topics: ['Clicks.v1'] }, document))).toMatchObject([{ topic: 'Clicks.v1', table: 'clicks_v1' }])
  expect(mappingEntries(document, outlook({ topics: ['clicks'] }, document))).toMatchObject([
    { topic: 'clicks', table: 'clicks', onError: 'skip' },
  ])
})

test('any columns that are inferred can be pasted, and give the same columns', () => {
  const key = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc.constantFrom(
      'a',
      'null',
      'yes',
      '1e3',
      "it's",
      '${HOME}',
      '$${',
      'a\\b',
      '\u202e',
      '\u{e0001}',
      ': ',
      '# ',
      '\n',
      'naïve',
      '__proto__',
    ),
  )
  const value = fc.oneof(
    fc.integer(),
    fc.string(),
    fc.double(),
    fc.constant('2024-01-01T00:00:00.5Z'),
    fc.array(fc.boolean()),
    fc.dictionary(key, fc.integer()),
  )
  fc.assert(
    fc.property(fc.dictionary(key, fc.oneof(value, fc.dictionary(key, value))), (document) => {
      const columns = infer([document])
      const entries = mappingEntries(documentWith(), outlook({ value: { format: 'json', columns } }))
      const again = declaredValue(mappingFor(pasted(mappingLines(entries)), 'orders').value)
      const expected = { format: 'json', columns: columns.map((one) => ({ ...one, form: null })) }
      expect(again ?? { format: 'json', columns: [] }).toEqual(expected)
      expect(parse(mappingLines(entries).join('\n'))).toEqual(entries)
    }),
    { numRuns: 100 },
  )
})
