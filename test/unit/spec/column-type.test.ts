import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hasTime, parseColumnType } from '../../../src/spec/column-type.ts'
import type { ColumnType } from '../../../src/spec/column-type.ts'

function typeText(type: ColumnType, space: string): string {
  if (type.type === 'decimal') return `decimal(${space}${type.precision},${space}${type.scale})`
  if (type.type === 'list') return `list${space}<${typeText(type.element, space)}>`
  if (type.type === 'map') return `map<${typeText(type.key, space)},${space}${typeText(type.value, space)}${space}>`
  if (type.type !== 'struct') return type.type
  const fields = type.fields.map((field) => `\`${field.name.replaceAll('`', '``')}\`${space}:${space}${typeText(field.type, space)}`)
  return `struct<${fields.join(`${space},`)}>`
}

function outcome(text: string): string {
  try {
    parseColumnType(text)
    return 'type'
  } catch (error) {
    return (error as Error).name
  }
}

const primitive: fc.Arbitrary<ColumnType> = fc.oneof(
  fc
    .constantFrom('boolean', 'int', 'long', 'float', 'double', 'string', 'binary', 'uuid', 'date', 'time', 'timestamp', 'timestamptz')
    .map((type): ColumnType => ({ type })),
  fc
    .integer({ min: 1, max: 38 })
    .chain((precision) => fc.integer({ min: 0, max: precision }).map((scale): ColumnType => ({ type: 'decimal', precision, scale }))),
)
const { anyType } = fc.letrec<{ anyType: ColumnType }>((tie) => ({
  anyType: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    primitive,
    tie('anyType').map((element): ColumnType => ({ type: 'list', element })),
    fc.tuple(primitive, tie('anyType')).map(([key, value]): ColumnType => ({ type: 'map', key, value })),
    fc
      .uniqueArray(fc.tuple(fc.string({ minLength: 1, maxLength: 8 }), tie('anyType')), {
        minLength: 1,
        maxLength: 4,
        selector: ([name]) => name.toLowerCase(),
      })
      .map((fields): ColumnType => ({ type: 'struct', fields: fields.map(([name, type]) => ({ name, type })) })),
  ),
}))

test('every type is read as it is written, with white space or without', () => {
  fc.assert(
    fc.property(anyType, fc.constantFrom('', ' ', '\n  '), (type, space) => {
      expect(parseColumnType(typeText(type, space))).toEqual(type)
    }),
  )
})

test('the names of a struct need no backticks where they are plain', () => {
  expect(parseColumnType('struct<city: string, zip-code: map<string, list<decimal(12,2)>>, größe: int>')).toEqual({
    type: 'struct',
    fields: [
      { name: 'city', type: { type: 'string' } },
      {
        name: 'zip-code',
        type: { type: 'map', key: { type: 'string' }, value: { type: 'list', element: { type: 'decimal', precision: 12, scale: 2 } } },
      },
      { name: 'größe', type: { type: 'int' } },
    ],
  })
})

describe('what is no type is refused', () => {
  test.each([
    ['', 'expected a type at character 1'],
    ['  ', 'expected a type at character 1'],
    ['5', 'expected a type at character 1'],
    ['strng', 'there is no type "strng"; did you mean string?'],
    ['quux', 'there is no type "quux"'],
    ['int int', 'expected the end at character 5'],
    ['list', 'expected "<" at character 5'],
    ['list<>', 'expected a type at character 6'],
    ['list<int', 'expected ">" at character 9'],
    ['list<int>>', 'expected the end at character 10'],
    ['map<string>', 'expected "," at character 11'],
    ['map<list<int>, int>', "a map's key is no struct, list or map"],
    ['struct<>', "expected a field's name at character 8"],
    ['struct<a int>', 'expected ":" at character 10'],
    ['struct<a: int, A: long>', 'its field "A" stands there twice (case counts for nothing)'],
    ['struct<`a: int>', "expected a field's name at character 8"],
    ['decimal', 'expected "(" at character 8'],
    ['decimal(0,0)', 'expected a precision from 1 to 38 at character 9'],
    ['decimal(39,0)', 'expected a precision from 1 to 38 at character 9'],
    ['decimal(5,6)', 'expected a scale from 0 to 5 at character 11'],
    ['decimal(5)', 'expected "," at character 10'],
    ['decimal(99999999999999999999,0)', 'expected a precision from 1 to 38 at character 9'],
    [`${'list<'.repeat(64)}int${'>'.repeat(64)}`, 'it nests deeper than 64 types'],
    ['list<'.repeat(100_000), 'it nests deeper than 64 types'],
  ])('%.40j', (text, message) => {
    expect(() => parseColumnType(text)).toThrow(expect.objectContaining({ name: 'FormError', message }) as Error)
  })

  test('and no text makes it fail otherwise', () => {
    const anyText = fc.oneof(
      fc.string(),
      fc
        .array(fc.constantFrom('struct', 'list', 'map', 'decimal', 'int', '<', '>', '(', ')', ',', ':', 'a', '`', ' ', '3'))
        .map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(anyText, (text) => {
        expect(outcome(text)).toMatch(/^(type|FormError)$/)
      }),
      { numRuns: 1000 },
    )
  })
})

test('a type has times when something within is one', () => {
  const yes = ['date', 'list<timestamp>', 'map<string, struct<a: int, b: timestamptz>>', 'map<date, int>']
  const no = ['long', 'list<string>', 'map<string, struct<a: int>>']
  expect(yes.map((text) => hasTime(parseColumnType(text)))).toEqual([true, true, true, true])
  expect(no.map((text) => hasTime(parseColumnType(text)))).toEqual([false, false, false])
})
