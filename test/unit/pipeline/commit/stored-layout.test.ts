import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TimeForm } from '../../../../src/formats/json/shape.ts'
import { layoutText, parseLayout, type StoredLayout } from '../../../../src/pipeline/commit/stored-layout.ts'
import type { ValueColumn } from '../../../../src/spec/value-column.ts'
import { pathsMeet } from '../../../../src/spec/value-path.ts'
import { anyType } from '../../spec/column-types.ts'

const kafka = { topic: 'kafka_topic', partition: 'kafka_partition', offset: 'kafka_offset' }
const jsonText = (...value: unknown[]) =>
  JSON.stringify({ columns: { ...kafka, rescue: '_rescued' }, keyFormat: 'binary', valueFormat: 'json', value })

test('a layout that was stored before values became columns is read', () => {
  const text =
    '{"columns":{"topic":"kafka_topic","partition":"kafka_partition","offset":"kafka_offset","value":"value"},"keyFormat":"string","valueFormat":"binary"}'
  const layout: StoredLayout = { columns: { ...kafka, value: 'value' }, keyFormat: 'string', value: { format: 'binary' } }
  expect(parseLayout(text)).toEqual(layout)
  expect(layoutText(layout)).toBe(text)
})

test('of a column only what is not the default is stored', () => {
  const column: ValueColumn = { name: 'a', path: ['a'], type: { type: 'date' }, required: false, unit: 'iso8601', form: null }
  const form: TimeForm = { separator: 'T', fraction: 3, zone: 'Z' }
  const columns = [
    column,
    { ...column, name: 'b', path: ['b', 'c'], required: true, unit: 'ms' as const, form },
    { ...column, name: 'd', path: ['D'] },
  ]
  const layout: StoredLayout = { columns: { ...kafka, rescue: '_rescued' }, keyFormat: 'binary', value: { format: 'json', columns } }
  const text = jsonText(
    { name: 'a', type: 'date' },
    { name: 'b', type: 'date', path: "$['b']['c']", unit: 'ms', required: true, form },
    { name: 'd', type: 'date', path: "$['D']" },
  )
  expect(layoutText(layout)).toBe(text)
  expect(parseLayout(text)).toEqual(layout)
})

test('whatever was chosen is read as it was stored', () => {
  const column: fc.Arbitrary<ValueColumn> = fc.record({
    name: fc.string({ minLength: 1 }),
    path: fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 3 }),
    type: anyType,
    required: fc.boolean(),
    unit: fc.constantFrom('iso8601', 's', 'ms', 'us', 'ns'),
    form: fc.option(
      fc.record({
        separator: fc.constantFrom('T', ' '),
        fraction: fc.integer({ min: 0, max: 9 }),
        zone: fc.constantFrom('', 'Z', '+02:00'),
      }),
    ),
  })
  const columns = fc.uniqueArray(column, { maxLength: 5, comparator: (a, b) => a.name === b.name || pathsMeet(a.path, b.path) })
  fc.assert(
    fc.property(columns, (value) => {
      const layout: StoredLayout = { columns: { ...kafka, rescue: 'r' }, keyFormat: 'binary', value: { format: 'json', columns: value } }
      expect(parseLayout(layoutText(layout))).toEqual(layout)
    }),
  )
})

describe('a text that this program can not have written is no layout', () => {
  const whole = { columns: { ...kafka, value: 'value' }, keyFormat: 'binary', valueFormat: 'binary' }
  const a = { name: 'a', type: 'int' }
  test.each([
    ['no JSON', '{'],
    ['null', 'null'],
    ['a list', '[]'],
    ['columns of null', JSON.stringify({ ...whole, columns: null })],
    ['a column without a name', JSON.stringify({ ...whole, columns: { ...whole.columns, key: null } })],
    ['no column for the offset', JSON.stringify({ ...whole, columns: { ...whole.columns, offset: undefined } })],
    ['no column for the value', JSON.stringify({ ...whole, columns: kafka })],
    ['another key format', JSON.stringify({ ...whole, keyFormat: 'json' })],
    ['another value format', JSON.stringify({ ...whole, valueFormat: 'avro' })],
    ['json without a rescue column', jsonText(a).replace('rescue', 'value')],
    ['json without columns', jsonText().replace('[]', 'null')],
    ['a column that is none', jsonText(5)],
    ['a number as name', jsonText({ ...a, name: 5 })],
    ['no type', jsonText({ name: 'a' })],
    ['a type that there is not', jsonText({ ...a, type: 'integer' })],
    ['a path that is none', jsonText({ ...a, path: 'a' })],
    ['a number as path', jsonText({ ...a, path: 5 })],
    ['another unit', jsonText({ ...a, unit: 'h' })],
    ['a word for required', jsonText({ ...a, required: 'yes' })],
    ['a form that is none', jsonText({ ...a, form: 'T' })],
    ['a form without a fraction', jsonText({ ...a, form: { separator: 'T', zone: '' } })],
    ['a form with another separator', jsonText({ ...a, form: { separator: '_', fraction: 0, zone: '' } })],
    ['one name twice', jsonText(a, { ...a, path: '$.b' })],
    ['one place twice', jsonText(a, { ...a, name: 'b', path: '$.a.c' })],
  ])('%s', (_what, text) => {
    expect(parseLayout(text)).toBeNull()
  })
})
