import { expect, test } from 'vitest'
import { columnOf } from '../../../../../src/formats/json/column.ts'
import { ExactPath } from '../../../../../src/formats/json/exact/exact-path.ts'
import type { ColumnShape, RecordShape, Shape } from '../../../../../src/formats/json/shape.ts'
import { goldenExpected } from '../../kfs/golden.ts'
import { isSameJson, readJson } from '../plain-json.ts'
import { rebuild } from '../rebuild.ts'

const values = goldenExpected('g-edge', 0).map(({ value }) => (value === null ? null : Buffer.from(value, 'base64')))

function shapeOf(columns: Readonly<Record<string, Shape>>): RecordShape {
  return { columns: Object.entries(columns).map(([path, shape]): ColumnShape => ({ path: path.split('.'), shape, required: false })) }
}

function filled(shape: RecordShape) {
  const columns = shape.columns.map((one) => columnOf(one.shape))
  const path = new ExactPath(shape, columns)
  const rescues = values.map((value) => {
    const kept = value === null ? path.appendNull() : path.append(value, 0, value.length)
    if (kept !== null && !('rescue' in kept)) throw new Error('no column is required')
    return kept?.rescue ? Buffer.from(kept.rescue).toString() : null
  })
  return { columns: columns.map(({ builder }) => builder.snapshot()), rescues }
}

const shapes: Readonly<Record<string, RecordShape>> = {
  'no columns': shapeOf({}),
  'columns that fit most documents': shapeOf({
    id: { kind: 'long' },
    note: { kind: 'string' },
    dup: { kind: 'int' },
    big: { kind: 'double' },
    s: { kind: 'string' },
    amount: { kind: 'string' },
  }),
  'columns that fit few': shapeOf({
    id: { kind: 'int' },
    neg: { kind: 'float' },
    exp: { kind: 'double' },
    d: { kind: 'decimal', precision: 2, scale: 1 },
    pad: { kind: 'binary' },
  }),
  'columns within others': shapeOf({
    'nested.a.b': { kind: 'list', element: { kind: 'struct', fields: [{ key: 'c', shape: { kind: 'string' } }] } },
    'active.x': { kind: 'boolean' },
  }),
}

test.each(Object.entries(shapes))('every value of the topic comes back from %s', (_what, shape) => {
  const { columns, rescues } = filled(shape)
  expect(values.length).toBeGreaterThan(15)
  values.forEach((value, row) => {
    const back = rebuild(shape, columns, rescues[row], row)
    const written = value?.toString() ?? ''
    if (value === null) expect(back).toEqual({ kind: 'tombstone' })
    else if (back.kind === 'bytes') expect(Buffer.from(back.base64, 'base64')).toEqual(value)
    else if (back.kind === 'text') expect(back.text).toBe(written)
    else expect([written, back.kind === 'json' && isSameJson(readJson(written), back.value)]).toEqual([written, true])
  })
})

test('what the columns do not hold is rescued, value by value', () => {
  const { rescues } = filled(shapes['columns that fit most documents'])
  expect(rescues.slice(0, 15)).toEqual([
    null,
    null,
    null,
    '{"$":""}',
    null,
    null,
    '{"$":{"$base64":"AP+Afw=="}}',
    `{"$['big']":"12345678901234567890","$['neg']":"-9223372036854775808","$['exp']":"1e400","$['d']":"0.1"}`,
    '{"$":"{\\"id\\":8,\\"broken\\":"}',
    '{"$":"[1,2,3]"}',
    '{"$":"\\"just a string\\""}',
    '{"$":"null"}',
    `{"$['id']":"\\"twelve\\"","$['active']":"\\"yes\\"","$['nested']":"{\\"a\\":{\\"b\\":[1,{\\"c\\":null}]}}"}`,
    `{"$['s']":"\\"\\\\u0000 \\\\ud83d\\\\ude00 \\\\ud83d lone\\""}`,
    '{"$":"\ufeff{\\"id\\":14,\\"note\\":\\"BOM\\"}"}',
  ])
})
