import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BytesBuilder } from '../../../../../src/formats/arrow/builders/bytes.ts'
import { ListBuilder, MapBuilder, StructBuilder } from '../../../../../src/formats/arrow/builders/nested.ts'
import { Int32Builder } from '../../../../../src/formats/arrow/builders/numbers.ts'
import type { IcebergType } from '../../../../../src/formats/iceberg/schema.ts'
import { fillingOf } from '../fill.ts'
import { valuesOf } from '../values.ts'
import { holdsWhatAnArrayWould } from './steps.ts'

const struct = (...types: IcebergType[]): IcebergType => ({
  type: 'struct',
  fields: types.map((type, id) => ({ id, name: `f${id}`, required: false, type })),
})
const list = (element: IcebergType): IcebergType => ({ type: 'list', 'element-id': 0, 'element-required': false, element })
const map = (key: IcebergType, value: IcebergType): IcebergType => ({
  type: 'map',
  'key-id': 0,
  key,
  'value-id': 0,
  'value-required': false,
  value,
})

const int = fc.option(fc.integer())
const bytes = fc.uint8Array({ maxLength: 3 })

describe('a builder holds what a plain array would, with nulls at every level', () => {
  test.each<[string, IcebergType, fc.Arbitrary<unknown>]>([
    ['structs', struct('int', 'binary'), fc.tuple(int, fc.option(bytes))],
    ['structs of structs', struct(struct('boolean'), 'int'), fc.tuple(fc.option(fc.tuple(fc.option(fc.boolean()))), int)],
    ['lists', list('int'), fc.array(int, { maxLength: 4 })],
    ['lists of lists', list(list('int')), fc.array(fc.option(fc.array(int, { maxLength: 3 })), { maxLength: 3 })],
    ['lists of structs', list(struct('int', 'binary')), fc.array(fc.option(fc.tuple(int, fc.option(bytes))), { maxLength: 4 })],
    ['structs of lists', struct(list('int'), 'int'), fc.tuple(fc.option(fc.array(int, { maxLength: 3 })), int)],
    ['maps', map('binary', 'int'), fc.array(fc.tuple(bytes, int), { maxLength: 4 })],
    [
      'maps of maps',
      map('int', map('int', 'boolean')),
      fc.array(fc.tuple(fc.integer(), fc.option(fc.array(fc.tuple(fc.integer(), fc.option(fc.boolean())), { maxLength: 2 }))), {
        maxLength: 3,
      }),
    ],
    ['maps of structs', map('int', struct('int')), fc.array(fc.tuple(fc.integer(), fc.option(fc.tuple(int))), { maxLength: 3 })],
  ])('of %s', (_what, type, value) => {
    holdsWhatAnArrayWould(value, () => fillingOf(type))
  })
})

test('a null struct is a null in each of its children', () => {
  const [a, b] = [new Int32Builder(), new BytesBuilder()]
  const builder = new StructBuilder([a, b])
  builder.appendNull()
  expect([a.length, b.length]).toEqual([1, 1])
  expect(builder.snapshot().children.map(valuesOf)).toEqual([[null], [null]])
})

test('a null list or map takes no elements from what is appended next', () => {
  const elements = new Int32Builder()
  const lists = new ListBuilder(elements)
  lists.appendNull()
  elements.append(5)
  lists.close()
  lists.appendNull()
  lists.close()
  expect(valuesOf(lists.snapshot())).toEqual([null, [5], null, []])
})

test('elements that no list has been closed over are taken back by cutting back to the same length', () => {
  const elements = new Int32Builder()
  const lists = new ListBuilder(elements)
  elements.append(1)
  lists.close()
  elements.append(2)
  lists.truncate(1)
  expect(elements.length).toBe(1)
  const [keys, values] = [new Int32Builder(), new Int32Builder()]
  const maps = new MapBuilder(keys, values)
  keys.append(1)
  maps.truncate(0)
  expect([keys.length, values.length]).toEqual([0, 0])
  const [a, b] = [new Int32Builder(), new Int32Builder()]
  const structs = new StructBuilder([a, b])
  a.append(1)
  structs.truncate(0)
  expect([a.length, b.length]).toEqual([0, 0])
})

test('byteLength counts what is nested, and an offset for each list and map', () => {
  const { builder, append } = fillingOf(struct(list('int'), map('int', 'long')))
  append([[1, 2, 3], [[1, 5n]]])
  expect(builder.byteLength).toBe(3 * 4 + 4 + (4 + 8 + 4))
})
