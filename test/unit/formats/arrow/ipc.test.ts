import { tableFromIPC } from 'apache-arrow'
import { expect, test } from 'vitest'
import { BytesBuilder, Int64Builder, ListBuilder } from '../../../../src/formats/arrow/builders.ts'
import { arrowSchema, encodeIpcStream } from '../../../../src/formats/arrow/ipc.ts'
import type { IcebergType, NestedField } from '../../../../src/formats/iceberg/schema.ts'

const element: IcebergType = {
  type: 'struct',
  fields: [
    { id: 5, name: 'key', required: true, type: 'string' },
    { id: 6, name: 'value', required: false, type: 'binary' },
  ],
}
const fields: NestedField[] = [
  { id: 1, name: 'n', required: false, type: 'long' },
  { id: 2, name: 'at', required: false, type: 'timestamptz' },
  { id: 3, name: 'headers', required: false, type: { type: 'list', 'element-id': 4, 'element-required': true, element } },
]

test('columns come back as they were', () => {
  const [n, at, keys, values] = [new Int64Builder(), new Int64Builder(), new BytesBuilder(), new BytesBuilder()]
  const headers = new ListBuilder([keys, values])
  n.append(2n ** 63n - 1n)
  n.appendNull()
  at.appendNumber(-1)
  at.append(1_767_225_600_000_000n)
  keys.append(Buffer.from('k'), 0, 1)
  values.appendNull()
  headers.close()
  headers.close()
  const stream = encodeIpcStream(arrowSchema({ fields }), { length: 2, columns: [n.snapshot(), at.snapshot(), headers.snapshot()] })
  const table = tableFromIPC(stream)
  expect([...table.getChild('n')!]).toEqual([2n ** 63n - 1n, null])
  expect([...table.getChild('at')!.data[0].values]).toEqual([-1n, 1_767_225_600_000_000n])
  expect(JSON.parse(JSON.stringify([...table.getChild('headers')!]))).toEqual([[{ key: 'k', value: null }], []])
})

test('field ids stand at every level, and nullability is the table’s', () => {
  const schema = arrowSchema({ fields })
  const list = schema.fields[2].type.children[0]
  const id = (field: { metadata: Map<string, string> }) => field.metadata.get('PARQUET:field_id')
  expect(schema.fields.map(id)).toEqual(['1', '2', '3'])
  expect([list.name, id(list), list.nullable]).toEqual(['element', '4', false])
  expect(list.type.children.map((child: typeof list) => [child.name, id(child), child.nullable])).toEqual([
    ['key', '5', false],
    ['value', '6', true],
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
