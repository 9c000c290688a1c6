import { expect, test } from 'vitest'
import { shapeOf } from '../../../../src/pipeline/commit/value-shape.ts'
import { parseColumnType } from '../../../../src/spec/column-type.ts'

const form = { separator: ' ', fraction: 3, zone: '+02:00' } as const

test('a struct has its keys, not its names, and the types keep their order', () => {
  expect(
    shapeOf(parseColumnType("struct<a 'A': long, b: list<decimal(9,2)>, c: map<uuid, string>>"), { unit: 'iso8601', form: null }),
  ).toEqual({
    kind: 'struct',
    fields: [
      { key: 'A', shape: { kind: 'long' } },
      { key: 'b', shape: { kind: 'list', element: { kind: 'decimal', precision: 9, scale: 2 } } },
      { key: 'c', shape: { kind: 'map', key: { kind: 'uuid' }, value: { kind: 'string' } } },
    ],
  })
})

test('times have their column’s unit and form at any depth, a date has no form', () => {
  expect(shapeOf(parseColumnType('map<timestamp, struct<a: date, b: list<time>, c: timestamptz>>'), { unit: 'iso8601', form })).toEqual({
    kind: 'map',
    key: { kind: 'timestamp', unit: 'iso8601', form },
    value: {
      kind: 'struct',
      fields: [
        { key: 'a', shape: { kind: 'date', unit: 'iso8601', form: null } },
        { key: 'b', shape: { kind: 'list', element: { kind: 'time', unit: 'iso8601', form } } },
        { key: 'c', shape: { kind: 'timestamptz', unit: 'iso8601', form } },
      ],
    },
  })
})

test('numbers have no form', () => {
  expect(shapeOf({ type: 'timestamptz' }, { unit: 'ms', form })).toEqual({ kind: 'timestamptz', unit: 'ms', form: null })
})

test.each(['boolean', 'int', 'long', 'float', 'double', 'string', 'binary', 'uuid'] as const)('%s is its own shape', (type) => {
  expect(shapeOf({ type }, { unit: 's', form: null })).toEqual({ kind: type })
})
