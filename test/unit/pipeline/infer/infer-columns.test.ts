import { expect, test } from 'vitest'
import { bytesOf, infer, inferred, rescued } from './documents.ts'

test.each<[string, unknown[], string[]]>([
  ['integers are long', [{ a: 1 }, { a: -5 }, '{"a":9223372036854775807}', '{"a":-9223372036854775808}'], ['a: long']],
  ['-0 is an integer', ['{"a":-0}', '{"a":3}'], ['a: long']],
  ['integers that 64 bits do not hold are decimal', ['{"a":18446744073709551615}', { a: 1 }], ['a: decimal(38,0)']],
  ['integers of 38 digits are decimal', [`{"a":-${'9'.repeat(38)}}`], ['a: decimal(38,0)']],
  ['integers of 39 digits have no column', [`{"a":${'9'.repeat(39)}}`, { a: 1 }, { b: true }], ['b: boolean']],
  ['an integer of a million digits has no column', [`{"a":${'9'.repeat(1_000_000)}}`], []],
  ['a fraction makes double', [{ a: 1.5 }, { a: 2 }], ['a: double']],
  ['a fraction of zero makes double', ['{"a":1.0}'], ['a: double']],
  ['an exponent makes double', ['{"a":1e3}', '{"a":1}'], ['a: double']],
  ['a fraction beside an integer of 64 bits makes double', ['{"a":9223372036854775807}', '{"a":0.5}'], ['a: double']],
  ['a fraction beside an integer of 80 digits makes double', [`{"a":${'9'.repeat(80)}}`, '{"a":0.5}'], ['a: double']],
  ['booleans', [{ a: true }, { a: false }], ['a: boolean']],
  ['texts are strings', [{ a: 'x' }, { a: '' }], ['a: string']],
  [
    'numbers in quotes, identifiers and times of day are strings',
    [{ a: '1', b: crypto.randomUUID(), c: '12:30:00', d: '2024' }],
    ['a: string', 'b: string', 'c: string', 'd: string'],
  ],
  ['numbers of seconds stay numbers', [{ a: 1_717_718_400 }], ['a: long']],
  ['dates', [{ a: '2024-02-29' }, { a: '0001-01-01' }, { a: '9999-12-31' }], ['a: date']],
  ['a date that is none makes strings', [{ a: '2024-02-29' }, { a: '2023-02-29' }], ['a: string']],
  ['dates and times beside each other are strings', [{ a: '2024-02-29' }, { a: '2024-02-29T00:00:00Z' }], ['a: string']],
  ['a text that is no date makes strings', [{ a: '2024-02-29' }, { a: '' }], ['a: string']],
  [
    'null tells nothing',
    [
      { a: null, b: 1 },
      { a: 'x', b: null },
    ],
    ['a: string', 'b: long'],
  ],
  [
    'what is never anything but null, {} or [] has no column',
    [{ a: null, b: {}, c: [], d: [null], e: [[]], f: [{}], g: { h: null }, i: 1 }],
    ['i: long'],
  ],
  [
    'values of two kinds have no column',
    [{ a: 1, b: 'x', c: {}, d: [1] }, { a: '1', b: true, c: 1, d: 1 }, { e: [1, 'x'] }, { f: 1 }],
    ['f: long'],
  ],
  ['lists have the elements of all lists', [{ a: [1] }, { a: [] }, { a: [null, 2.5] }], ['a: list<double>']],
  [
    'lists of lists and of objects',
    [{ a: [[1], [null]], b: [{ c: 'x' }, { d: 1 }] }],
    ['a: list<list<long>>', 'b: list<struct<c: string, d: long>>'],
  ],
  [
    'objects are structs, with what has a type in them',
    [{ a: { b: 1, c: null, d: { e: ['2024-01-01'] } } }, { a: { f: true } }],
    ['a: struct<b: long, d: struct<e: list<date>>, f: boolean>'],
  ],
  ['an object beside its absence', [{ a: { b: 1 } }, { c: 1 }, { a: null }], ['a: struct<b: long>', 'c: long']],
  ['of a key that stands there twice, the last counts', ['{"a":1,"b":2,"a":"x"}'], ['b: long', 'a: string']],
  ['keys are read with their escapes', ['{"\\u0061":1}', '{"a":2}'], ['a: long']],
  ['a key with half a surrogate pair has no column', ['{"\\ud800":1,"a":1}'], ['a: long']],
  ['a key of more than 255 characters has no column', [{ ['k'.repeat(256)]: 1, ['k'.repeat(255)]: 1 }], [`${'k'.repeat(255)}: long`]],
])('%s', (_, values, columns) => {
  expect(inferred(values)).toEqual(columns)
})

test.each<[string, string[], string]>([
  ['a fraction of three digits always', ['2024-01-01T00:00:00.000Z', '2024-01-01T00:00:00.120Z'], 'timestamptz T3Z'],
  ['no fraction', ['2024-01-01T00:00:00Z', '2024-01-01T00:00:01Z'], 'timestamptz T0Z'],
  ['nine digits of which six count', ['2024-01-01T00:00:00.123456000Z'], 'timestamptz T9Z'],
  [
    'as many of 0, 3 and 6 digits as are needed',
    ['2024-01-01T00:00:00Z', '2024-01-01T00:00:00.120Z', '2024-01-01T00:00:00.000001Z'],
    'timestamptz',
  ],
  [
    'the most frequent form where digits differ otherwise',
    ['2024-01-01T00:00:00.12Z', '2024-01-01T00:00:00.13Z', '2024-01-01T00:00:00.1Z'],
    'timestamptz T2Z',
  ],
  ['no form that half of the texts have', ['2024-01-01T00:00:00.12Z', '2024-01-01T00:00:00.1Z', '2024-01-01T00:00:00.1234Z'], 'string'],
  ['nanoseconds, which no column gives back', ['2024-01-01T00:00:00.123456789Z', '2024-01-01T00:00:00.123456780Z'], 'string'],
  ['a zone that is always the same', ['2024-01-01T00:00:00+02:00', '2024-06-01T12:00:00+02:00'], 'timestamptz T0+02:00'],
  ['different zones', ['2024-01-01T00:00:00+02:00', '2024-01-01T00:00:00+01:00'], 'string'],
  ['Z and +00:00', ['2024-01-01T00:00:00Z', '2024-01-01T00:00:00+00:00'], 'string'],
  ['no zone', ['2024-01-01T00:00:00', '2024-01-01T00:00:00.5'], 'timestamp T0'],
  ['a space', ['2024-01-01 00:00:00.250', '2024-01-01 00:00:00.500'], 'timestamp  3'],
  ['a zone on one of them', ['2024-01-01T00:00:00', '2024-01-01T00:00:00Z'], 'string'],
  ['no seconds', ['2024-01-01T00:00Z'], 'string'],
  ['small letters', ['2024-01-01t00:00:00z'], 'string'],
  ['a zone without colon', ['2024-01-01T00:00:00+0200'], 'string'],
  ['an hour 24', ['2024-01-01T24:00:00Z'], 'string'],
  ['a second 60', ['2016-12-31T23:59:60Z'], 'string'],
  ['a zone that puts it before the year 1', ['0001-01-01T00:00:00+01:00'], 'string'],
  ['a zone further than 18 hours', ['2024-01-01T00:00:00+18:01'], 'string'],
])('times with %s', (_, texts, type) => {
  expect(inferred(texts.map((at) => ({ at })))).toEqual([`at: ${type}`])
})

test('of forms that are as frequent, the one with fewer digits counts, whatever the order', () => {
  const values = ['2024-01-01T00:00:00.1Z', '2024-01-01T00:00:00.12Z'].map((at) => ({ at }))
  expect(inferred(values)).toEqual(['at: timestamptz T1Z'])
  expect(inferred(values.toReversed())).toEqual(['at: timestamptz T1Z'])
})

test('times within a column share the form that most of them have; the others are strings', () => {
  const a = {
    made: '2024-01-01T00:00:00.000Z',
    sent: '2024-01-01T00:00:00.500Z',
    read: '2024-01-01T00:00:00+01:00',
    local: '2024-01-01T00:00:00.000',
    day: '2024-01-01',
  }
  expect(inferred([{ a, b: a.read }])).toEqual([
    'a: struct<made: timestamptz, sent: timestamptz, read: string, local: timestamp, day: date> T3Z',
    'b: timestamptz T0+01:00',
  ])
})

test('names follow the rule for names, and keys are kept', () => {
  const columns = infer([{ orderId: 1, 'order id': 2, kafka_key: 3, _Rescued: 4, nested: { Total: { '1st': 1 } } }], {
    taken: ['kafka_key', '_rescued'],
  })
  expect(columns.map(({ name, path, type }) => [name, path, type.type])).toEqual([
    ['orderid', ['orderId'], 'long'],
    ['order_id', ['order id'], 'long'],
    ['kafka_key_2', ['kafka_key'], 'long'],
    ['_rescued_2', ['_Rescued'], 'long'],
    ['nested', ['nested'], 'struct'],
  ])
  expect(columns[4].type).toEqual({
    type: 'struct',
    fields: [{ name: 'total', key: 'Total', type: { type: 'struct', fields: [{ name: 't_1st', key: '1st', type: { type: 'long' } }] } }],
  })
  expect(columns.every(({ required, unit }) => !required && unit === 'iso8601')).toBe(true)
})

test('what is no JSON object tells nothing', () => {
  const others = [
    '',
    'x',
    '1',
    '"a"',
    '[{"a":1}]',
    '{"a":1',
    '{"a":1}}',
    '\ufeff{"a":1}',
    Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
  ]
  expect(inferred([...others, '{}'])).toEqual([])
  expect(inferred([...others, ' {"b" : 1 } '])).toEqual(['b: long'])
})

test('what has no column is in the rescue column, and nothing else is', () => {
  const documents = [
    { id: 1, tags: ['x', null], at: '2024-01-01T00:00:00Z', mixed: 1, never: {} },
    { id: 2, tags: [], at: '2024-01-01T00:00:01Z', mixed: 'x' },
  ]
  const columns = infer(documents)
  expect(columns.map(({ name }) => name)).toEqual(['id', 'tags', 'at'])
  expect(rescued(columns, bytesOf(documents))).toEqual([`{"$['mixed']":"1","$['never']":"{}"}`, `{"$['mixed']":"\\"x\\""}`])
})
