import { tableFromIPC } from 'apache-arrow'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arrowSchema, encodeIpcStream } from '../../../../src/formats/arrow/ipc.ts'
import type { Vector } from '../../../../src/formats/arrow/vector.ts'
import type { IcebergType, NestedField } from '../../../../src/formats/iceberg/schema.ts'
import { anyFields, anyValue } from '../iceberg/any-type.ts'
import { tableValues } from './data-values.ts'
import { vectorOf } from './fill.ts'
import { valuesOf } from './values.ts'

const anyTable = anyFields().chain((fields) =>
  fc.record({
    fields: fc.constant(fields),
    rows: fc.array(fc.tuple(...fields.map((field) => anyValue(field.type, field.required))), { maxLength: 20 }),
  }),
)

function columnsOf(fields: readonly NestedField[], rows: readonly (readonly unknown[])[]): Vector[] {
  return fields.map((field, i) =>
    vectorOf(
      field.type,
      rows.map((row) => row[i]),
    ),
  )
}

function throughIpc(fields: readonly NestedField[], columns: readonly Vector[]): unknown[][] {
  return tableValues(tableFromIPC(encodeIpcStream(arrowSchema({ fields }), { length: columns[0].length, columns })))
}

test('columns of any types come back as they were, nulls at every level', () => {
  fc.assert(
    fc.property(anyTable, ({ fields, rows }) => {
      expect(throughIpc(fields, columnsOf(fields, rows))).toEqual(fields.map((_, i) => rows.map((row) => row[i])))
    }),
  )
})

test('so do columns whose buffers lie within larger ones', () => {
  fc.assert(
    fc.property(anyTable, ({ fields, rows }) => {
      const columns = columnsOf(fields, rows).map(amid)
      expect(columns.map(valuesOf)).toEqual(fields.map((_, i) => rows.map((row) => row[i])))
      expect(throughIpc(fields, columns)).toEqual(fields.map((_, i) => rows.map((row) => row[i])))
    }),
  )
})

test('so do the last rows of a longer column', () => {
  const text = vectorOf('binary', ['a', 'bc', 'def'].map(utf8))
  const list: IcebergType = { type: 'list', 'element-id': 3, 'element-required': false, element: 'long' }
  const lists = vectorOf(list, [[1n, 2n], [3n, null], [4n]])
  const fields: NestedField[] = [
    { id: 1, name: 'text', required: true, type: 'binary' },
    { id: 2, name: 'list', required: true, type: list },
  ]
  const tail = [text, lists].map((column) => ({ ...column, length: 2, offsets: (column as typeof column & Offsets).offsets.subarray(1) }))
  expect(throughIpc(fields, tail as Vector[])).toEqual([['bc', 'def'].map(utf8), [[3n, null], [4n]]])
})

test('the stream holds a copy: the columns may be overwritten', () => {
  const fields: NestedField[] = [{ id: 1, name: 'n', required: true, type: 'int' }]
  const column = vectorOf('int', [1, 2, 3])
  const stream = encodeIpcStream(arrowSchema({ fields }), { length: 3, columns: [column] })
  if (column.layout === 'fixed') column.values.fill(0 as never)
  expect(tableValues(tableFromIPC(stream))).toEqual([[1, 2, 3]])
})

test('field ids and Parquet’s names stand at every level, and nullability is the table’s', () => {
  const inner: IcebergType = {
    type: 'struct',
    fields: [
      { id: 5, name: 'a', required: true, type: 'string' },
      { id: 6, name: 'b', required: false, type: 'binary' },
    ],
  }
  const [list, map] = arrowSchema({
    fields: [
      { id: 1, name: 'list', required: false, type: { type: 'list', 'element-id': 4, 'element-required': true, element: inner } },
      {
        id: 2,
        name: 'map',
        required: true,
        type: { type: 'map', 'key-id': 7, key: 'string', 'value-id': 8, 'value-required': false, value: 'int' },
      },
    ],
  }).fields
  const facts = (field: typeof list) => [field.name, field.metadata.get('PARQUET:field_id'), field.nullable]
  expect([list, list.type.children[0], ...list.type.children[0].type.children].map(facts)).toEqual([
    ['list', '1', true],
    ['element', '4', false],
    ['a', '5', false],
    ['b', '6', true],
  ])
  expect([map, map.type.children[0], ...map.type.children[0].type.children].map(facts)).toEqual([
    ['map', '2', false],
    ['key_value', undefined, false],
    ['key', '7', false],
    ['value', '8', true],
  ])
})

test.each<[IcebergType, string]>([
  ['boolean', 'Bool'],
  ['int', 'Int32'],
  ['float', 'Float32'],
  ['double', 'Float64'],
  ['date', 'Date32<DAY>'],
  ['time', 'Time64<MICROSECOND>'],
  ['timestamp', 'Timestamp<MICROSECOND>'],
  ['timestamptz', 'Timestamp<MICROSECOND, UTC>'],
  ['uuid', 'FixedSizeBinary[16]'],
  ['fixed[7]', 'FixedSizeBinary[7]'],
  ['decimal(9, 2)', 'Decimal[9e+2]'],
])('Iceberg %j is Arrow %s', (type, name) => {
  expect(String(arrowSchema({ fields: [{ id: 1, name: 'x', required: true, type }] }).fields[0].type)).toBe(name)
})

test('a type that is none here is refused by name', () => {
  expect(() => arrowSchema({ fields: [{ id: 1, name: 'x', required: true, type: 'geometry' as never }] })).toThrow(
    new RangeError('Iceberg type geometry has no Arrow type here'),
  )
})

interface Offsets {
  readonly offsets: Int32Array
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** The same column with each buffer in the middle of a larger one that is full of other bits. */
function amid(vector: Vector): Vector {
  const validity = vector.validity && inside(vector.validity)
  switch (vector.layout) {
    case 'fixed':
    case 'boolean':
    case 'decimal':
      return { ...vector, validity, values: inside(vector.values) } as Vector
    case 'bytes':
      return { ...vector, validity, offsets: inside(vector.offsets), data: inside(vector.data) }
    case 'fixed-bytes':
      return { ...vector, validity, data: inside(vector.data) }
    case 'list':
      return { ...vector, validity, offsets: inside(vector.offsets), element: amid(vector.element) }
    case 'map':
      return { ...vector, validity, offsets: inside(vector.offsets), keys: amid(vector.keys), values: amid(vector.values) }
    case 'struct':
      return { ...vector, validity, children: vector.children.map(amid) }
  }
}

function inside<T extends Uint8Array | Int32Array | BigInt64Array | Float32Array | Float64Array>(part: T): T {
  const whole = new (part.constructor as new (length: number) => T)(part.length + 2)
  new Uint8Array(whole.buffer).fill(0xa5)
  whole.set(part as never, 1)
  return whole.subarray(1, part.length + 1) as T
}
