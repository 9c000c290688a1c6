import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { columnTypeText, hasTime, parseColumnType } from '../../../src/spec/column-type.ts'
import type { ColumnType } from '../../../src/spec/column-type.ts'
import { anyType } from './column-types.ts'

/** The text of a type with backticks around every name, and `space` wherever there may be some. */
function spacedText(type: ColumnType, space: string): string {
  if (type.type === 'decimal') return `decimal(${space}${type.precision},${space}${type.scale})`
  if (type.type === 'list') return `list${space}<${spacedText(type.element, space)}>`
  if (type.type === 'map') return `map<${spacedText(type.key, space)},${space}${spacedText(type.value, space)}${space}>`
  if (type.type !== 'struct') return type.type
  const fields = type.fields.map(({ name, type: inner }) => `\`${name.replaceAll('`', '``')}\`${space}:${space}${spacedText(inner, space)}`)
  return `struct<${fields.join(`${space},`)}>`
}

/** The type where documents call each field by its name. */
function withoutKeys(type: ColumnType): ColumnType {
  if (type.type === 'list') return { ...type, element: withoutKeys(type.element) }
  if (type.type === 'map') return { ...type, value: withoutKeys(type.value) }
  if (type.type !== 'struct') return type
  return { type: 'struct', fields: type.fields.map(({ name, type: inner }) => ({ name, key: name, type: withoutKeys(inner) })) }
}

function outcome(text: string): string {
  try {
    parseColumnType(text)
    return 'type'
  } catch (error) {
    return (error as Error).name
  }
}

test('every type is read as it is written, with white space or without', () => {
  fc.assert(
    fc.property(anyType, fc.constantFrom('', ' ', '\n  '), (type, space) => {
      expect(parseColumnType(spacedText(type, space))).toEqual(withoutKeys(type))
    }),
  )
})

test('what is printed is read as the same type', () => {
  fc.assert(
    fc.property(anyType, (type) => {
      expect(parseColumnType(columnTypeText(type))).toEqual(type)
    }),
    { numRuns: 500 },
  )
})

test.each([
  "struct<city: string, zip_code 'Zip-Code': map<string, list<decimal(12,2)>>>",
  "struct<`a b` 'it\\'s': int, größe '': long, c '\\\\': list<struct<d 'D': time>>>",
])('%s is printed as it was written', (text) => {
  expect(columnTypeText(parseColumnType(text))).toBe(text)
})

test('a key may have any character of JSON, escaped as in RFC 9535', () => {
  const text = String.raw`struct<a '\u00e9\/\n\ud800"': int>`
  expect(parseColumnType(text)).toEqual({ type: 'struct', fields: [{ name: 'a', key: 'é/\n\ud800"', type: { type: 'int' } }] })
})

test('the names of a struct need no backticks where they are plain', () => {
  expect(parseColumnType('struct<city: string, zip-code: map<string, list<decimal(12,2)>>, größe: int>')).toEqual({
    type: 'struct',
    fields: [
      { name: 'city', key: 'city', type: { type: 'string' } },
      {
        name: 'zip-code',
        key: 'zip-code',
        type: { type: 'map', key: { type: 'string' }, value: { type: 'list', element: { type: 'decimal', precision: 12, scale: 2 } } },
      },
      { name: 'größe', key: 'größe', type: { type: 'int' } },
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
    ["struct<a 'x': int, b 'x': long>", 'two of its fields stand at the key "x"'],
    ["struct<a 'b': int, b: long>", 'two of its fields stand at the key "b"'],
    ["struct<a 'x: int>", 'expected ":" at character 10'],
    [String.raw`struct<a '\x': int>`, 'expected ":" at character 10'],
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
        .array(fc.constantFrom('struct', 'list', 'map', 'decimal', 'int', '<', '>', '(', ')', ',', ':', 'a', '`', "'", '\\\\', ' ', '3'))
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
