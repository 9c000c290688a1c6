import { expect, test } from 'vitest'
import { chooseForms } from '../../../../src/pipeline/infer/choose-forms.ts'
import { parseColumnType } from '../../../../src/spec/column-type.ts'
import type { ValueColumn } from '../../../../src/spec/value-column.ts'
import { bytesOf } from './documents.ts'

function column(type: string, more: Partial<ValueColumn> = {}): ValueColumn {
  return { name: 'a', path: ['a'], type: parseColumnType(type), required: false, unit: 'iso8601', form: null, ...more }
}

/** `T3Z` for each column; null for none. */
function forms(columns: readonly ValueColumn[], values: readonly unknown[]): (string | null)[] {
  return chooseForms(columns, bytesOf(values)).map(({ form }) => form && `${form.separator}${form.fraction}${form.zone}`)
}

test.each<[string, string, unknown[], string | null]>([
  [
    'the form in which most are written',
    'timestamptz',
    ['2024-01-01T00:00:00.5Z', '2024-01-01T00:00:00.25Z', '2024-01-01T00:00:00.75Z'],
    'T2Z',
  ],
  ['the form with a zone', 'timestamptz', ['2024-01-01T00:00:00+02:00', '2024-01-01T00:00:00+02:00', '2024-01-01T00:00:00Z'], 'T0+02:00'],
  ['as many digits as are needed', 'timestamptz', ['2024-01-01T00:00:00Z', '2024-01-01T00:00:00.500Z', 'x'], null],
  [
    'texts with a zone for a timestamptz alone',
    'timestamptz',
    ['2024-01-01 00:00:00', '2024-01-01 00:00:00', '2024-01-01T00:00:00.000Z'],
    'T3Z',
  ],
  ['texts without zone for a timestamp alone', 'timestamp', ['2024-01-01 00:00:00', '2024-01-01T00:00:00.000Z', 1, null], ' 0'],
  ['digits for a time', 'time', ['12:00:00.00', '12:00:00.01', '2024-01-01T00:00:00Z'], 'T2'],
  ['no form for a date', 'date', ['2024-01-01', '2024-01-01T00:00:00Z'], null],
  ['no form without a text that is a time', 'timestamptz', ['soon', 1, {}, '2024-01-01t00:00:00z'], null],
  ['the elements of lists', 'list<timestamptz>', [['2024-01-01T00:00:00.0Z', null], [], 'x'], 'T1Z'],
  [
    'the fields of structs, by their keys',
    "struct<at 'At': timestamptz, x: string>",
    [{ At: '2024-01-01T00:00:00.0Z', x: '2024-01-01T00:00:00Z' }],
    'T1Z',
  ],
  [
    'the keys and values of maps',
    'map<timestamptz, timestamptz>',
    [{ '2024-01-01T00:00:00.0Z': '2024-01-01T00:00:00.1Z' }, ['x'], 'x'],
    'T1Z',
  ],
  [
    'all times of a struct together',
    'struct<a: timestamptz, b: timestamp>',
    [
      { a: '2024-01-01T00:00:00.00Z', b: '2024-01-01T00:00:00.0' },
      { a: '2024-01-01T00:00:00.0Z', b: 'x' },
    ],
    'T1Z',
  ],
])('a column gets %s', (_, type, values, form) => {
  expect(
    forms(
      [column(type)],
      values.map((a) => ({ a })),
    ),
  ).toEqual([form])
})

test('the value stands at the path of the column', () => {
  const at = '2024-01-01T00:00:00.0Z'
  const columns = [
    column('timestamptz', { path: ['a', 'b'] }),
    column('timestamptz', { path: ['a', 'c'] }),
    column('timestamptz', { path: ['d', 'e'] }),
  ]
  expect(forms(columns, [{ a: { b: at, c: 1 } }, { d: at }])).toEqual(['T1Z', null, null])
})

test('numbers have no form, and a form that is there stays', () => {
  const form = { separator: ' ', fraction: 6, zone: '' } as const
  const columns = [column('timestamptz', { unit: 'ms' }), column('timestamptz', { form }), column('string')]
  expect(chooseForms(columns, bytesOf([{ a: '2024-01-01T00:00:00.0Z' }]))).toEqual(columns)
})

test('values that are no JSON objects tell nothing', () => {
  expect(forms([column('timestamptz')], ['{"a":"2024-01-01T00:00:00.0Z"', '["2024-01-01T00:00:00.0Z"]', ''])).toEqual([null])
})
