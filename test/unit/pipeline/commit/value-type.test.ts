import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { IcebergType, NestedField } from '../../../../src/formats/iceberg/schema.ts'
import { currentType, fillableType, filledPart } from '../../../../src/pipeline/commit/value-type.ts'
import { icebergType } from '../../../../src/spec/iceberg-type.ts'
import { columnTypeText, parseColumnType, type ColumnType } from '../../../../src/spec/column-type.ts'
import { anyType } from '../../spec/column-types.ts'

function created(type: ColumnType): IcebergType {
  let id = 0
  return icebergType(type, () => ++id)
}

/** A table's type as a column's type has it. */
const found = (text: string) => created(parseColumnType(text))

function field(name: string, type: IcebergType, required = false): NestedField {
  return { id: 50, name, required, type }
}

function current(chosen: string, table: IcebergType): [string | null, ...string[]] {
  const missing: string[] = []
  const type = currentType(parseColumnType(chosen), table, 'c', missing)
  return [type && columnTypeText(type), ...missing]
}

function idsOf(type: IcebergType): number[] {
  if (typeof type === 'string') return []
  if (type.type === 'list') return [type['element-id'], ...idsOf(type.element)]
  if (type.type === 'map') return [type['key-id'], ...idsOf(type.key), type['value-id'], ...idsOf(type.value)]
  return type.fields.flatMap((one) => [one.id, ...idsOf(one.type)])
}

test('a type that was created is current whole, and each part of it has an id of its own', () => {
  fc.assert(
    fc.property(anyType, (type) => {
      const table = created(type)
      const missing: string[] = []
      expect(currentType(type, table, 'c', missing)).toEqual(type)
      expect(missing).toEqual([])
      expect(filledPart(table, type)).toEqual(table)
      expect(new Set(idsOf(table)).size).toBe(idsOf(table).length)
    }),
  )
})

describe('the table’s type counts', () => {
  test.each([
    ['int', 'long'],
    ['float', 'double'],
    ['decimal(9,2)', 'decimal(38,2)'],
    ['list<int>', 'list<long>'],
    ['map<int, float>', 'map<long, double>'],
    ["struct<a 'A': int>", "struct<a 'A': long>"],
  ])('where %s was widened to %s', (chosen, now) => {
    expect(current(chosen, found(now))).toEqual([now])
  })

  test('with its order of fields, which keep their keys', () => {
    expect(current("struct<a 'A': int, b 'B': string>", found('struct<b: string, a: long>'))).toEqual([
      "struct<b 'B': string, a 'A': long>",
    ])
  })

  test('where it has further fields, which nothing fills', () => {
    const table = found('struct<n: uuid, a: int, o: struct<p: int, q: int>>')
    const type = parseColumnType('struct<a: int, o: struct<q: int>>')
    expect(currentType(type, table, 'c', [])).toEqual(type)
    expect(filledPart(table, type)).toEqual({
      type: 'struct',
      fields: [
        { id: 2, name: 'a', required: false, type: 'int' },
        { id: 3, name: 'o', required: false, type: { type: 'struct', fields: [{ id: 5, name: 'q', required: false, type: 'int' }] } },
      ],
    })
  })

  test('where it lost fields, which are named', () => {
    const chosen = 'struct<a: int, b: list<struct<d: int, e: int>>, f: map<string, struct<g: int>>>'
    const table = found('struct<a: int, b: list<struct<e: int>>, f: map<string, struct<x: int>>>')
    expect(current(chosen, table)).toEqual(['struct<a: int, b: list<struct<e: int>>>', 'c.b.element.d', 'c.f.value.g'])
    expect(current('struct<a: int>', found('struct<b: int>'))).toEqual([null, 'c.a'])
  })
})

describe('values that a column can not take are refused', () => {
  const unfit = (name: string, table: string, values: string) =>
    `column ${name} is ${table}, and its values are ${values}; give it that type, or name another table`
  const required = (name: string) => `column ${name} is required, and in a value it may be missing or null; make it optional`
  test.each<[string, IcebergType, string]>([
    ['long', 'int', unfit('c', 'int', 'long')],
    ['int', 'double', unfit('c', 'double', 'int')],
    ['string', 'long', unfit('c', 'long', 'string')],
    ['decimal(9,2)', 'decimal(8, 2)', unfit('c', 'decimal(8, 2)', 'decimal(9,2)')],
    ['decimal(9,2)', 'decimal(11, 3)', unfit('c', 'decimal(11, 3)', 'decimal(9,2)')],
    ['binary', 'fixed[16]', unfit('c', 'fixed[16]', 'binary')],
    ['timestamp', 'timestamp_ns' as IcebergType, unfit('c', 'timestamp_ns', 'timestamp')],
    ['struct<a: int>', 'string', unfit('c', 'string', 'struct<a: int>')],
    ['string', found('struct<a: int>'), unfit('c', 'struct', 'string')],
    ['list<int>', found('map<string, int>'), unfit('c', 'map', 'list<int>')],
    ['struct<a: struct<b: list<string>>>', found('struct<a: struct<b: list<int>>>'), unfit('c.a.b.element', 'int', 'string')],
    ['map<string, int>', found('map<int, int>'), unfit('c.key', 'int', 'string')],
    ['map<string, int>', found('map<string, date>'), unfit('c.value', 'date', 'int')],
    ['struct<a: int>', { type: 'struct', fields: [field('a', 'int', true)] }, required('c.a')],
    [
      'struct<a: int>',
      { type: 'struct', fields: [field('a', 'int'), field('b', 'int', true)] },
      'column c.b is required and nothing fills it; make it optional',
    ],
    ['list<int>', { type: 'list', 'element-id': 1, 'element-required': true, element: 'int' }, required('c.element')],
    [
      'map<string, int>',
      { type: 'map', 'key-id': 1, key: 'string', 'value-id': 2, 'value-required': true, value: 'int' },
      required('c.value'),
    ],
  ])('%s into %j', (chosen, table, message) => {
    expect(() => current(chosen, table)).toThrow(expect.objectContaining({ name: 'Refusal', message }) as Error)
  })
})

describe('of a table’s own type can be filled', () => {
  const list = (element: IcebergType, required = false): IcebergType => ({
    type: 'list',
    'element-id': 1,
    'element-required': required,
    element,
  })
  const map = (key: IcebergType, value: IcebergType, required = false): IcebergType => ({
    type: 'map',
    'key-id': 1,
    key,
    'value-id': 2,
    'value-required': required,
    value,
  })
  const struct = (...fields: NestedField[]): IcebergType => ({ type: 'struct', fields })
  test.each<[IcebergType, string | null]>([
    ['decimal(9, 2)', 'decimal(9,2)'],
    ['uuid', 'uuid'],
    ['fixed[4]', null],
    ['timestamptz_ns' as IcebergType, null],
    [struct(field('A', 'int'), field('b', 'fixed[4]')), 'struct<A: int>'],
    [struct(field('b', 'fixed[4]')), null],
    [struct(field('a', 'int', true)), null],
    [list('time'), 'list<time>'],
    [list('time', true), null],
    [list('fixed[4]'), null],
    [map('date', list('int')), 'map<date, list<int>>'],
    [map('fixed[4]', 'int'), null],
    [map('string', 'fixed[4]'), null],
    [map('string', 'int', true), null],
    [map(struct(field('a', 'int')), 'int'), null],
  ])('%j as %s', (table, type) => {
    const fillable = fillableType(table)
    expect(fillable && columnTypeText(fillable)).toBe(type)
  })
})
