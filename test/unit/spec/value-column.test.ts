import { describe, expect, test } from 'vitest'
import { mappingFor } from '../../../src/spec/table-mapping.ts'
import { declaredColumns, declaredValue } from '../../../src/spec/value-column.ts'
import { load, smallest } from './documents.ts'

const valueOf = (value: object) => mappingFor(load(smallest((d) => (d.spec.mappings = [{ topic: 'a', value }]))), 'a').value

test('declared columns have what the document says, and the defaults', () => {
  const columns = [
    { name: 'id', type: 'long', required: true },
    { name: 'city', type: 'string', path: '$.address.city' },
    { name: 'at', type: 'timestamptz', unit: 'ms' },
  ]
  expect(declaredColumns(valueOf({ columns }))).toEqual([
    { name: 'id', path: ['id'], type: { type: 'long' }, required: true, unit: 'iso8601', form: null },
    { name: 'city', path: ['address', 'city'], type: { type: 'string' }, required: false, unit: 'iso8601', form: null },
    { name: 'at', path: ['at'], type: { type: 'timestamptz' }, required: false, unit: 'ms', form: null },
  ])
  expect(declaredColumns(valueOf({}))).toBeUndefined()
})

describe('what the document decides alone', () => {
  const columns = [{ name: 'id', type: 'long' }]
  test.each([
    [{ format: 'binary' }, 'binary'],
    [{ format: 'string' }, 'string'],
    [{ format: 'json', columns }, 'json'],
    [{ columns }, 'json'],
    [{}, undefined],
    [{ format: 'json' }, undefined],
    [{ format: 'avro' }, undefined],
    [{ format: 'avro', columns }, undefined],
  ])('%j', (value, format) => {
    expect(declaredValue(valueOf(value))?.format).toBe(format)
  })
})

test('a column may be called value, since values that become columns have no such column', () => {
  for (const format of ['auto', 'json']) {
    expect(declaredValue(valueOf({ format, columns: [{ name: 'Value', type: 'long' }] }))).toMatchObject({ columns: [{ name: 'Value' }] })
  }
})
