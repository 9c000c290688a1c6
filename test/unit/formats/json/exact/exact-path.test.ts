import { describe, expect, test } from 'vitest'
import { columnOf } from '../../../../../src/formats/json/column.ts'
import { ExactPath } from '../../../../../src/formats/json/exact/exact-path.ts'
import type { BadField, ColumnShape, RecordShape, Shape } from '../../../../../src/formats/json/shape.ts'
import { type Json, readJson } from '../plain-json.ts'
import { rebuild } from '../rebuild.ts'

const long: Shape = { kind: 'long' }
const text: Shape = { kind: 'string' }

function column(path: string, shape: Shape, required = false): ColumnShape {
  return { path: path.split('.'), shape, required }
}

interface Row {
  /** What the columns alone tell, one after another. */
  readonly values: unknown[]
  readonly rescue: Record<string, unknown> | null
  readonly paths: readonly string[]
}

/** Appends documents to columns of their own; texts, bytes, or null for a record without a value. */
function rowsOf(columns: readonly ColumnShape[], documents: readonly (string | Uint8Array | null)[]): (Row | BadField)[] {
  const shape: RecordShape = { columns }
  const filled = columns.map((one) => columnOf(one.shape))
  const path = new ExactPath(shape, filled)
  return documents.map((document) => {
    const row = filled.at(0)?.builder.length ?? 0
    const bytes = Buffer.from(document ?? '')
    const kept = document === null ? { bad: path.appendNull() } : path.append(bytes, 0, bytes.length)
    if ('bad' in kept && kept.bad !== null) return kept.bad
    const [rescue, paths] = 'bad' in kept ? [null, []] : [kept.rescue, kept.paths]
    const values = columns.map((one, i) => {
      const back = rebuild({ columns: [one] }, [filled[i].builder.snapshot()], null, row)
      return back.kind === 'json' ? plain(one.path.reduce<Json>((at, key) => (at as Map<string, Json>).get(key)!, back.value)) : null
    })
    return { values, rescue: rescue === null ? null : (JSON.parse(Buffer.from(rescue).toString()) as Record<string, unknown>), paths }
  })
}

function rowOf(columns: readonly ColumnShape[], document: string | Uint8Array | null): Row {
  const [row] = rowsOf(columns, [document])
  if ('message' in row) throw new Error(row.message)
  return row
}

/** Numbers as their texts. */
function plain(value: Json): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, inner]) => [name, plain(inner)]))
  return value !== null && typeof value === 'object' ? value.number : value
}

const abc = [column('a', long), column('b', text), column('c.d', long), column('c.e.f', text)]

test('known members become columns, and nothing is left to rescue', () => {
  expect(rowOf(abc, '{"c":{"e":{"f":"é"},"d":4},"b":"x","a":1}')).toEqual({ values: ['1', 'x', '4', 'é'], rescue: null, paths: [] })
})

test('a record without a value is null in every column, the rescue column too', () => {
  expect(rowOf(abc, null)).toEqual({ values: [null, null, null, null], rescue: null, paths: [] })
})

describe('a record that is no object with members lies whole under $', () => {
  const none = [null, null, null, null]

  test.each(['', ' ', 'null', '[1]', '"x"', '1', '{', '{"a":1}x', '{"a":01}', '\ufeff{"a":1}', '{}', ' { } ', '{"a":1}\u00a0'])(
    '%j',
    (document) => {
      expect(rowOf(abc, document)).toEqual({ values: none, rescue: { $: document }, paths: ['$'] })
    },
  )

  test('bytes that are not UTF-8 in base64', () => {
    const bytes = Buffer.from('{"a":1,"b":"\xff"}', 'latin1')
    expect(rowOf(abc, bytes)).toEqual({ values: none, rescue: { $: { $base64: bytes.toString('base64') } }, paths: ['$'] })
  })
})

describe('members', () => {
  test('an absent one is null; one that is null is null too, and told from it', () => {
    expect(rowOf(abc, '{"b":null,"c":{"d":null}}')).toEqual({
      values: [null, null, null, null],
      rescue: { "$['b']": 'null', "$['c']['d']": 'null' },
      paths: [],
    })
  })

  test('an unknown one is kept with its exact text', () => {
    const row = rowOf(abc, '{"a":1, "x" : [ 1,\t{"y": 1.50}] ,"c":{"z":null}}')
    expect(row.rescue).toEqual({ "$['x']": '[ 1,\t{"y": 1.50}]', "$['c']['z']": 'null' })
    expect(row.paths).toEqual(["$['x']", "$['c']['z']"])
  })

  test('one that does not fit is null and kept', () => {
    expect(rowOf(abc, '{"a":"1","b":2}')).toEqual({
      values: [null, null, null, null],
      rescue: { "$['a']": '"1"', "$['b']": '2' },
      paths: ["$['a']", "$['b']"],
    })
  })

  test('one that a column holds but not exactly is set and kept', () => {
    expect(rowOf(abc, '{"a":-0.0}')).toEqual({ values: ['0', null, null, null], rescue: { "$['a']": '-0.0' }, paths: ["$['a']"] })
  })

  test('of two with one name the last counts alone, and where it stands', () => {
    const row = rowOf(abc, '{"a":"bad","x":1,"b":1,"\\u0061":2,"x":{"y":2},"c":{"e":1},"c":{"d":7}}')
    expect(row.values).toEqual(['2', null, '7', null])
    expect(Object.entries(row.rescue!)).toEqual([
      ["$['b']", '1'],
      ["$['x']", '{"y":2}'],
    ])
  })

  test('names match after unescaping, and then exactly', () => {
    expect(rowOf([column('é', long)], '{"\\u00e9":1,"É":2,"e\u0301":3}')).toMatchObject({
      values: ['1'],
      rescue: { "$['É']": '2', "$['e\u0301']": '3' },
    })
  })

  test('names of JavaScript’s objects are names as others are', () => {
    const columns = [column('__proto__', long), column('constructor.toString', long)]
    expect(rowOf(columns, '{"__proto__":1,"constructor":{"toString":2},"hasOwnProperty":3}')).toEqual({
      values: ['1', '2'],
      rescue: { "$['hasOwnProperty']": '3' },
      paths: ["$['hasOwnProperty']"],
    })
    expect(rowOf(abc, '{"__proto__":{"a":1}}').rescue).toEqual({ "$['__proto__']": '{"a":1}' })
  })

  test('a text with half a surrogate pair does not fit, and stays escaped as it was', () => {
    expect(rowOf(abc, '{"b":"\\uD83D"}')).toMatchObject({ values: [null, null, null, null], rescue: { "$['b']": '"\\uD83D"' } })
    expect(rowOf(abc, '{"b":"\\uD83D\\uDE00"}')).toMatchObject({ values: [null, '😀', null, null], rescue: null })
  })
})

describe('objects on the way to a column', () => {
  test('null is kept as null', () => {
    expect(rowOf(abc, '{"c":null}')).toMatchObject({ rescue: { "$['c']": 'null' }, paths: [] })
    expect(rowOf(abc, '{"c":{"e":null}}')).toMatchObject({ rescue: { "$['c']['e']": 'null' }, paths: [] })
  })

  test.each(['1', '"x"', '[{"d":1}]', 'true', '{}', '{ \n}'])('%j is kept whole', (value) => {
    expect(rowOf(abc, `{"c":${value}}`)).toEqual({ values: [null, null, null, null], rescue: { "$['c']": value }, paths: ["$['c']"] })
  })
})

describe('struct', () => {
  const fields = [
    { key: 'x', shape: long },
    { key: 'y', shape: { kind: 'struct', fields: [{ key: 'z', shape: text }] } as Shape },
  ]
  const columns = [column('s', { kind: 'struct', fields })]

  test('its members follow the rules of members', () => {
    expect(rowOf(columns, '{"s":{"y":{"z":"1","w":1},"x":1e2,"v":[]}}')).toEqual({
      values: [{ x: '100', y: { z: '1' } }],
      rescue: { "$['s']['y']['w']": '1', "$['s']['v']": '[]' },
      paths: ["$['s']['y']['w']", "$['s']['v']"],
    })
    expect(rowOf(columns, '{"s":{"x":null,"y":2}}')).toMatchObject({
      values: [{}],
      rescue: { "$['s']['x']": 'null', "$['s']['y']": '2' },
      paths: ["$['s']['y']"],
    })
  })

  test('without members it is a struct of nulls', () => {
    expect(rowOf(columns, '{"s":{}}')).toEqual({ values: [{}], rescue: null, paths: [] })
    expect(rowOf(columns, '{"s":{"y":{}}}')).toEqual({ values: [{ y: {} }], rescue: null, paths: [] })
  })

  test('null is null; anything else does not fit', () => {
    expect(rowOf(columns, '{"s":null}')).toEqual({ values: [null], rescue: { "$['s']": 'null' }, paths: [] })
    for (const value of ['1', '"{}"', '[]', 'true']) {
      expect(rowOf(columns, `{"s":${value}}`)).toEqual({ values: [null], rescue: { "$['s']": value }, paths: ["$['s']"] })
    }
  })
})

describe('list', () => {
  const columns = [column('l', { kind: 'list', element: { kind: 'list', element: long } })]

  test('null elements are null, elements that do not fit are null and kept by their index', () => {
    expect(rowOf(columns, '{"l":[[1,null,"x",2.5,3],null,[],7,[-0.0]]}')).toEqual({
      values: [[['1', null, null, null, '3'], null, [], null, ['0']]],
      rescue: { "$['l'][0][2]": '"x"', "$['l'][0][3]": '2.5', "$['l'][3]": '7', "$['l'][4][0]": '-0.0' },
      paths: ["$['l'][*][*]", "$['l'][*][*]", "$['l'][*]", "$['l'][*][*]"],
    })
  })

  test('an empty list is one; null is null; anything else does not fit', () => {
    expect(rowOf(columns, '{"l":[ ]}')).toEqual({ values: [[]], rescue: null, paths: [] })
    expect(rowOf(columns, '{"l":null}')).toEqual({ values: [null], rescue: { "$['l']": 'null' }, paths: [] })
    expect(rowOf(columns, '{"l":{"0":[]}}')).toMatchObject({ values: [null], rescue: { "$['l']": '{"0":[]}' } })
  })

  test('members of structs in a list are known or unknown as elsewhere', () => {
    const element: Shape = { kind: 'struct', fields: [{ key: 'x', shape: long }] }
    expect(rowOf([column('l', { kind: 'list', element })], '{"l":[{"x":1},{"x":null,"y":2},null,{}]}')).toEqual({
      values: [[{ x: '1' }, {}, null, {}]],
      rescue: { "$['l'][1]['x']": 'null', "$['l'][1]['y']": '2' },
      paths: ["$['l'][*]['y']"],
    })
  })
})

describe('map', () => {
  const columns = [column('m', { kind: 'map', key: { kind: 'int' }, value: text })]

  test('a key that the column can not hold is kept with its value', () => {
    expect(rowOf(columns, '{"m":{"1":"a","01":"b","x":null,"2":null,"3":4}}')).toEqual({
      values: [{ 1: 'a', 2: null, 3: null }],
      rescue: { "$['m']['01']": '"b"', "$['m']['x']": 'null', "$['m']['3']": '4' },
      paths: ["$['m'][*]", "$['m'][*]", "$['m'][*]"],
    })
  })

  test('of two entries with one key the last counts, at its place', () => {
    const row = rowOf(columns, '{"m":{"1":"a","2":"b","\\u0031":"c"}}')
    expect(row).toMatchObject({ values: [{ 1: 'c', 2: 'b' }], rescue: null })
  })

  test('an empty map is one; null is null; anything else does not fit', () => {
    expect(rowOf(columns, '{"m":{}}')).toEqual({ values: [{}], rescue: null, paths: [] })
    expect(rowOf(columns, '{"m":null}')).toEqual({ values: [null], rescue: { "$['m']": 'null' }, paths: [] })
    expect(rowOf(columns, '{"m":["a"]}')).toMatchObject({ values: [null], rescue: { "$['m']": '["a"]' } })
  })

  test('what stands beneath a key has the key in its path, and a star where it is counted', () => {
    const value: Shape = { kind: 'struct', fields: [{ key: 'x', shape: long }] }
    expect(rowOf([column('m', { kind: 'map', key: text as never, value })], '{"m":{"it\'s":{"x":"no"}}}')).toMatchObject({
      rescue: { "$['m']['it\\'s']['x']": '"no"' },
      paths: ["$['m'][*]['x']"],
    })
  })
})

describe('kinds of JSON values', () => {
  const values = ['true', '1', '1.5', '"x"', '[]', '{}']
  const takes: Readonly<Record<string, readonly string[]>> = {
    boolean: ['true'],
    int: ['1'],
    long: ['1'],
    float: ['1', '1.5'],
    double: ['1', '1.5'],
    string: ['"x"'],
  }

  test.each(Object.entries(takes))('%s takes %j', (kind, taken) => {
    const columns = [column('a', { kind } as Shape)]
    expect(values.filter((value) => rowOf(columns, `{"a":${value}}`).rescue === null)).toEqual(taken)
  })

  test('dates and times take texts, or numbers where their unit is one', () => {
    const day = (unit: 'iso8601' | 's') => [column('a', { kind: 'date', unit, form: null })]
    expect(rowOf(day('iso8601'), '{"a":"1970-01-02"}').rescue).toBeNull()
    expect(rowOf(day('iso8601'), '{"a":86400}')).toMatchObject({ values: [null], rescue: { "$['a']": '86400' } })
    expect(rowOf(day('s'), '{"a":86400}').rescue).toBeNull()
    expect(rowOf(day('s'), '{"a":"1970-01-02"}')).toMatchObject({ values: [null], rescue: { "$['a']": '"1970-01-02"' } })
    expect(rowOf(day('s'), '{"a":"86400"}')).toMatchObject({ values: [null], rescue: { "$['a']": '"86400"' } })
  })

  test('texts are compared after unescaping', () => {
    const columns = [column('a', { kind: 'date', unit: 'iso8601', form: null }), column('b', { kind: 'binary' })]
    expect(rowOf(columns, '{"a":"19\\u00370-01-02","b":"\\/\\/8="}')).toMatchObject({ values: ['1970-01-02', '//8='], rescue: null })
  })
})

describe('required columns', () => {
  const columns = [column('a', text), column('b.c', long, true), column('d', { kind: 'decimal', precision: 3, scale: 1 }, true)]
  const good = '{"a":"x","b":{"c":1},"d":1.5}'

  test.each<[string | Uint8Array | null, string, string]>([
    [null, "$['b']['c']", 'a value is required here, and the record has no value'],
    ['[]', "$['b']['c']", 'a value is required here, and the record is no JSON object'],
    ['{}', "$['b']['c']", 'a value is required here, and the record is an object without members'],
    [Buffer.of(0xff), "$['b']['c']", 'a value is required here, and the record is not UTF-8'],
    ['{"d":1}', "$['b']['c']", 'a value is required here, and the document has none'],
    ['{"b":{"c":1}}', "$['d']", 'a value is required here, and the document has none'],
    ['{"b":null,"d":1}', "$['b']['c']", 'a value is required here, and the document has none'],
    ['{"b":[],"d":1}', "$['b']['c']", 'a value is required here, and the document has none'],
    ['{"b":{"c":null},"d":"x"}', "$['b']['c']", 'a value is required here, and the document has null'],
    ['{"b":{"c":1.5},"d":1}', "$['b']['c']", 'a value is required here; the document has a number that does not fit long'],
    ['{"b":{"c":1},"d":"hunter2"}', "$['d']", 'a value is required here; the document has a string that does not fit decimal(3, 1)'],
    ['{"b":{"c":1},"d":{}}', "$['d']", 'a value is required here; the document has an object that does not fit decimal(3, 1)'],
    ['{"b":{"c":[]},"d":1}', "$['b']['c']", 'a value is required here; the document has a list that does not fit long'],
    ['{"b":{"c":true},"d":1}', "$['b']['c']", 'a value is required here; the document has a boolean that does not fit long'],
  ])('%j can not become a row', (document, path, message) => {
    expect(rowsOf(columns, [document])).toEqual([{ path, message }])
  })

  test('a document that can not become a row leaves the columns as they were', () => {
    const list = column('l', {
      kind: 'list',
      element: { kind: 'map', key: { kind: 'string' }, value: { kind: 'struct', fields: [{ key: 'x', shape: long }] } },
    })
    const documents = [
      '{"l":[{"a":{"x":1}}],"b":{"c":2},"d":1}',
      '{"l":[{"a":{"x":3},"b":null},null],"d":1}',
      '{"l":null,"b":{"c":2},"d":7}',
    ]
    const rows = rowsOf([list, ...columns], documents)
    expect(rows).toMatchObject([
      { values: [[{ a: { x: '1' } }], null, '2', '1.0'] },
      { path: "$['b']['c']" },
      { values: [null, null, '2', '7.0'] },
    ])
  })

  test('a value that is there but not exact will do', () => {
    expect(rowsOf(columns, [good, good.replace('1.5', '-0.0')])).toMatchObject([{ rescue: null }, { rescue: { "$['d']": '-0.0' } }])
  })

  test('a record without a value leaves nothing in the columns', () => {
    expect(rowsOf(columns, [null, good])).toMatchObject([{ path: "$['b']['c']" }, { values: ['x', '1', '1.5'] }])
  })
})

test('a failure in the middle of a document leaves the columns as they were', () => {
  const shape: RecordShape = { columns: [column('a', long), column('b', text)] }
  const columns = shape.columns.map((one) => columnOf(one.shape))
  const path = new ExactPath(shape, columns)
  const document = Buffer.from('{"a":1,"b":"x"}')
  path.append(document, 0, document.length)
  const full = { builder: columns[1].builder, append: Reflect.get(columns[1].builder, 'append') as unknown }
  Object.assign(full.builder, {
    append: () => {
      throw new RangeError('full')
    },
  })
  expect(() => path.append(document, 0, document.length)).toThrow('full')
  expect(columns.map(({ builder }) => builder.length)).toEqual([1, 1])
})

test('columns whose places meet are refused', () => {
  const columns = (...paths: string[]) => ({ columns: paths.map((path) => column(path, long)) })
  for (const shape of [columns('a', 'a'), columns('a', 'a.b'), columns('a.b', 'a'), columns('a.b.c', 'a.b')]) {
    expect(
      () =>
        new ExactPath(
          shape,
          shape.columns.map((one) => columnOf(one.shape)),
        ),
    ).toThrow('two columns meet')
  }
})

test('a shape without columns keeps every member', () => {
  expect(rowOf([], '{"a":1,"b":{"c":[]}}')).toEqual({
    values: [],
    rescue: { "$['a']": '1', "$['b']": '{"c":[]}' },
    paths: ["$['a']", "$['b']"],
  })
})

test('documents may nest as deep as they like, within columns and beside them', () => {
  const levels = 100_000
  const deep = `${'['.repeat(levels)}${']'.repeat(levels)}`
  const columns = [column('a', text), column('l', { kind: 'list', element: { kind: 'list', element: long } })]
  const row = rowOf(columns, `{"x":${deep},"a":${deep},"l":${deep}}`)
  expect(row.values).toEqual([null, [[null]]])
  expect(row.rescue).toEqual({ "$['x']": deep, "$['a']": deep, "$['l'][0][0]": deep.slice(2, -2) })
})

test('shapes may nest 64 levels', () => {
  let shape: Shape = long
  let value = '1'
  for (let level = 1; level < 64; level++) {
    shape = level % 2 === 0 ? { kind: 'list', element: shape } : { kind: 'struct', fields: [{ key: 'k', shape }] }
    value = level % 2 === 0 ? `[${value}]` : `{"k":${value}}`
  }
  const [row] = rowsOf([column('a', shape)], [`{"a":${value}}`]) as Row[]
  expect(row.rescue).toBeNull()
  expect(row.values).toEqual([plain(readJson(value))])
})
