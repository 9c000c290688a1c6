import fc from 'fast-check'
import { parquetMetadata } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import { assignFreshIds } from '../../../../src/formats/iceberg/field-ids.ts'
import type { IcebergType, NestedField, PrimitiveType } from '../../../../src/formats/iceberg/schema.ts'
import { ParquetFileAssembler } from '../../../../src/formats/parquet/file-assembler.ts'
import { RowGroupEncoder } from '../../../../src/formats/parquet/row-group.ts'
import { vectorOf } from '../arrow/fill.ts'
import { anyFields, anyValue, edgesOf, everyPrimitive } from '../iceberg/any-type.ts'
import { byHyparquet, byParquetWasm, hyparquetValue } from './read-back.ts'

type Row = readonly unknown[]

function write(fields: readonly NestedField[], groups: readonly (readonly Row[])[]) {
  const encoder = new RowGroupEncoder({ fields }, { codec: 'zstd', pageSizeBytes: 1 << 20, dictionarySizeBytes: 1 << 20 })
  const assembler = new ParquetFileAssembler({ fields })
  const chunks = [assembler.start()]
  for (const rows of groups) {
    const columns = fields.map((field, i) =>
      vectorOf(
        field.type,
        rows.map((row) => row[i]),
      ),
    )
    chunks.push(assembler.add(encoder.encode({ length: rows.length, columns }), rows.length))
  }
  const { tail, file } = assembler.finish(new Map())
  return { bytes: Uint8Array.from(Buffer.concat([...chunks, tail])), file }
}

async function expectReadEqual(fields: readonly NestedField[], groups: readonly (readonly Row[])[]): Promise<void> {
  const { bytes } = write(fields, groups)
  const columns = fields.map((_, i) => groups.flat().map((row) => row[i]))
  expect(byParquetWasm(bytes)).toEqual(columns)
  expect(await byHyparquet(bytes, fields)).toEqual(fields.map((field, i) => columns[i].map((value) => hyparquetValue(field.type, value))))
}

function fieldsOf(types: readonly IcebergType[]): readonly NestedField[] {
  const fields = types.map((type, i) => ({ id: 0, name: `f${i}`, required: false, type }))
  return assignFreshIds({ type: 'struct', 'schema-id': 0, fields }).schema.fields
}

const structOf = (...types: IcebergType[]): IcebergType => ({
  type: 'struct',
  fields: types.map((type, i) => ({ id: 0, name: `f${i}`, required: false, type })),
})
const listOf = (element: IcebergType): IcebergType => ({ type: 'list', 'element-id': 0, 'element-required': false, element })
const mapOf = (key: PrimitiveType, value: IcebergType): IcebergType => ({
  type: 'map',
  'key-id': 0,
  key,
  'value-id': 0,
  'value-required': false,
  value,
})

describe('two readers read what was written', () => {
  test.each(everyPrimitive)('of %s, at its edges, by itself and in a struct, a list and a map, nulls at every level', async (type) => {
    const fields = fieldsOf([type, structOf(type, structOf(type)), listOf(type), mapOf(type, type), listOf(structOf(type, listOf(type)))])
    const edges = edgesOf(type)
    const groups = [
      edges.map((edge) => [edge, [edge, [edge]], [edge, null, edge], [[edge, edge]], [[edge, [edge, null]]]]),
      edges.map((edge) => [null, null, null, [[edge, null]], [null, [null, null], [edge, []]]]),
      [
        [null, [null, null], [], [], []],
        [null, [null, [null]], [null], null, null],
      ],
    ]
    await expectReadEqual(fields, groups)
  })

  test('of any types, nested or not, required or not', async () => {
    const anyFile = anyFields().chain((fields) => {
      const row = fc.tuple(...fields.map((field) => anyValue(field.type, field.required)))
      return fc.record({
        fields: fc.constant(fields),
        groups: fc.array(fc.array(row, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 3 }),
      })
    })
    await fc.assert(
      fc.asyncProperty(anyFile, ({ fields, groups }) => expectReadEqual(fields, groups)),
      { numRuns: 60 },
    )
  })
})

test.each([
  ['boolean', { type: 'BOOLEAN' }],
  ['int', { type: 'INT32' }],
  ['long', { type: 'INT64' }],
  ['float', { type: 'FLOAT' }],
  ['double', { type: 'DOUBLE' }],
  ['date', { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } }],
  ['time', { type: 'INT64', converted_type: 'TIME_MICROS', logical_type: { type: 'TIME', isAdjustedToUTC: false, unit: 'MICROS' } }],
  [
    'timestamp',
    { type: 'INT64', converted_type: 'TIMESTAMP_MICROS', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'MICROS' } },
  ],
  [
    'timestamptz',
    { type: 'INT64', converted_type: 'TIMESTAMP_MICROS', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' } },
  ],
  ['string', { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } }],
  ['binary', { type: 'BYTE_ARRAY' }],
  ['uuid', { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, logical_type: { type: 'UUID' } }],
  ['fixed[5]', { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 5 }],
  ['decimal(9, 2)', decimal('INT32', undefined, 9, 2)],
  ['decimal(10,2)', decimal('INT64', undefined, 10, 2)],
  ['decimal(18, 0)', decimal('INT64', undefined, 18, 0)],
  ['decimal(19, 19)', decimal('FIXED_LEN_BYTE_ARRAY', 9, 19, 19)],
  ['decimal(38, 10)', decimal('FIXED_LEN_BYTE_ARRAY', 16, 38, 10)],
] as const)('%s is written as the table specification has it for Parquet (appendix A), wherever it stands', (type, expected) => {
  const fields = fieldsOf([type, structOf(type), listOf(type), mapOf(type, type)])
  const elements = parquetMetadata(write(fields, [[[null, null, null, null]]]).bytes.buffer).schema.filter((element) => element.type)
  const facts = elements.map(({ name: _name, field_id: _id, repetition_type: _repetition, ...rest }) => rest)
  expect(facts).toEqual([expected, expected, expected, expected, expected])
})

function decimal(type: string, length: number | undefined, precision: number, scale: number) {
  const fixed = length === undefined ? {} : { type_length: length }
  return { type, ...fixed, converted_type: 'DECIMAL', scale, precision, logical_type: { type: 'DECIMAL', precision, scale } }
}

test('lists and maps have three levels with Parquet’s names, ids at every level, and the table’s repetition', () => {
  const fields: NestedField[] = [
    {
      id: 10,
      name: 'required',
      required: true,
      type: {
        type: 'struct',
        fields: [
          { id: 11, name: 'a', required: true, type: 'int' },
          { id: 12, name: 'b', required: false, type: 'uuid' },
        ],
      },
    },
    { id: 20, name: 'list', required: true, type: { type: 'list', 'element-id': 21, 'element-required': true, element: 'uuid' } },
    {
      id: 30,
      name: 'map',
      required: false,
      type: {
        type: 'map',
        'key-id': 31,
        key: 'string',
        'value-id': 32,
        'value-required': false,
        value: { type: 'list', 'element-id': 33, 'element-required': false, element: 'date' },
      },
    },
  ]
  const metadata = parquetMetadata(write(fields, [[[[1, null], [], null]]]).bytes.buffer)
  expect(
    metadata.schema.slice(1).map((element) => [element.name, element.field_id, element.repetition_type, element.converted_type]),
  ).toEqual([
    ['required', 10, 'REQUIRED', undefined],
    ['a', 11, 'REQUIRED', undefined],
    ['b', 12, 'OPTIONAL', undefined],
    ['list', 20, 'REQUIRED', 'LIST'],
    ['list', undefined, 'REPEATED', undefined],
    ['element', 21, 'REQUIRED', undefined],
    ['map', 30, 'OPTIONAL', 'MAP'],
    ['key_value', undefined, 'REPEATED', undefined],
    ['key', 31, 'REQUIRED', 'UTF8'],
    ['value', 32, 'OPTIONAL', 'LIST'],
    ['list', undefined, 'REPEATED', undefined],
    ['element', 33, 'OPTIONAL', 'DATE'],
  ])
  expect(metadata.row_groups[0].columns.map((chunk) => chunk.meta_data!.path_in_schema.join('.'))).toEqual([
    'required.a',
    'required.b',
    'list.list.element',
    'map.key_value.key',
    'map.key_value.value.list.element',
  ])
})

test('the statistics of uuid chunks count nulls and have no extremes, the others have both', () => {
  const fields = fieldsOf(['uuid', 'fixed[5]', structOf('uuid')])
  const rows = [
    [edgesOf('uuid')[0], edgesOf('fixed[5]')[0], [edgesOf('uuid')[1]]],
    [null, null, null],
    [null, null, [null]],
  ]
  const metadata = parquetMetadata(write(fields, [rows, rows.slice(0, 1)]).bytes.buffer)
  const facts = metadata.row_groups.map((group) =>
    group.columns.map((chunk) => {
      const { null_count, min_value, max_value, min, max } = chunk.meta_data!.statistics!
      return [null_count, min_value ?? min, max_value ?? max]
    }),
  )
  const fixed = new Uint8Array(5)
  expect(facts).toEqual([
    [
      [2n, undefined, undefined],
      [2n, fixed, fixed],
      [2n, undefined, undefined],
    ],
    [
      [0n, undefined, undefined],
      [0n, fixed, fixed],
      [0n, undefined, undefined],
    ],
  ])
})

test('values and nulls of a leaf in a struct are counted by row, the null of its parent as its own', () => {
  const fields = fieldsOf([structOf(structOf('int'))])
  const { file } = write(fields, [
    [[[[1]]], [[null]]],
    [[[[null]]], [null], [[[2]]]],
  ])
  expect(file.leaves).toEqual(new Map([[3, { valueCount: 5n, nullCount: 3n, compressedBytes: expect.any(BigInt) as bigint }]]))
})
