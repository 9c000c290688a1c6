import { expect, test } from 'vitest'
import { engineWarnings } from '../../../src/spec/engine-warnings.ts'
import { load, smallest } from './documents.ts'

const warnings = (type: string, mapping: object) => {
  const catalog = { type, ...(type !== 'sql' && { endpoint: 'http://x' }) }
  const document = smallest((d) => {
    d.spec.sink = { catalog }
    d.spec.mappings = [{ topic: 'a' }, { topic: 'b', ...mapping }]
  })
  return engineWarnings(load(document)).map(({ document: name, path, message }) => [name, path, message])
}
const ofType = (type: string) => ({ value: { columns: [{ name: 'a', type }] } })
const path = 'spec.mappings[1].value.columns[0].type'

test('columns that every engine reads are not warned of', () => {
  expect(warnings('sql', ofType('struct<a: uuid, b: list<decimal(38,3)>, c: map<timestamptz, binary>>'))).toEqual([])
  expect(warnings('rest', { rescueColumn: 'Rest' })).toEqual([])
})

test.each(['time', 'list<time>', 'map<time, int>', 'map<int, time>', 'list<struct<a: int, b: map<string, time>>>'])(
  'Spark refuses a table with %s, in whatever catalog',
  (type) => {
    const message = 'Spark, and so Databricks, refuses a whole table that has a time column; string keeps the time as it is written'
    expect(warnings('sql', ofType(type))).toEqual([['p', path, message]])
    expect(warnings('unity', ofType(type))).toEqual([['p', path, message]])
  },
)

test('Unity has no uuid, which concerns no other catalog', () => {
  expect(warnings('polaris', ofType('list<uuid>'))).toEqual([])
  expect(warnings('unity', ofType('list<uuid>'))).toEqual([
    ['p', path, 'the catalog unity has no type uuid and refuses the table; string keeps it as it is written'],
  ])
})

test.each(['glue', 's3tables'])('%s has no upper case in names of columns', (catalog) => {
  const mapping = {
    kafkaColumns: { topic: 'Topic', key: null },
    value: { columns: [{ name: 'orderId', type: 'int' }] },
    rescueColumn: 'Rest',
  }
  expect(warnings(catalog, mapping)).toEqual([
    ['p', 'spec.mappings[1].kafkaColumns.topic', `the catalog ${catalog} keeps names of columns in lower case; write topic`],
    ['p', 'spec.mappings[1].value.columns[0].name', `the catalog ${catalog} keeps names of columns in lower case; write orderid`],
    ['p', 'spec.mappings[1].rescueColumn', `the catalog ${catalog} keeps names of columns in lower case; write rest`],
  ])
})
