import { expect, test } from 'vitest'
import type { NestedField } from '../../../src/formats/iceberg/schema.ts'
import { partitionFields, specTexts } from '../../../src/spec/layout-terms.ts'
import { parsePartitionTerm } from '../../../src/spec/terms.ts'

const fields: NestedField[] = [
  { id: 1, name: 'at', required: false, type: 'timestamptz' },
  { id: 2, name: 'place', required: false, type: { type: 'struct', fields: [{ id: 3, name: 'zip', required: false, type: 'string' }] } },
  { id: 4, name: 'place.zip', required: false, type: 'string' },
  { id: 5, name: 'a b', required: false, type: 'long' },
]

const made = (...terms: string[]) => partitionFields(terms.map(parsePartitionTerm), fields)

test('partition fields are called as Spark calls them', () => {
  const terms = ['day(at)', 'truncate(2, place.zip)', 'bucket(8, `a b`)', '`a b`']
  expect(made(...terms)).toEqual({
    problems: [],
    fields: [
      { 'source-id': 1, 'field-id': 1000, name: 'at_day', transform: 'day' },
      { 'source-id': 3, 'field-id': 1001, name: 'place.zip_trunc', transform: 'truncate[2]' },
      { 'source-id': 5, 'field-id': 1002, name: 'a b_bucket', transform: 'bucket[8]' },
      { 'source-id': 5, 'field-id': 1003, name: 'a b', transform: 'identity' },
    ],
  })
  expect(specTexts({ 'spec-id': 0, fields: made(...terms).fields }, fields)).toEqual(terms)
})

test('a field within a struct whose name another column has is refused', () => {
  expect(made('place.zip').problems).toEqual([
    { index: 0, message: 'expected a partition field whose name no other column has, found "place.zip"' },
  ])
})

test('a column that is not there is a problem only where all columns are known', () => {
  const terms = [parsePartitionTerm('day(created)'), parsePartitionTerm('place.zap')]
  expect(partitionFields(terms, fields, true)).toEqual({ fields: [], problems: [] })
  expect(partitionFields(terms, fields).problems.map(({ message }) => message)).toEqual([
    'expected a column of the table, found "created"',
    'expected a column of the table, found "place.zap"; did you mean zip?',
  ])
})

test('what is left of a spec whose column is gone is shown by its id', () => {
  expect(specTexts({ 'spec-id': 1, fields: [{ 'source-id': 9, 'field-id': 1000, name: 'x', transform: 'void' }] }, fields)).toEqual([
    'void(column 9)',
  ])
})
