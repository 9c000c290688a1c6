import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Vector } from '../../../../src/formats/arrow/vector.ts'
import { type ColumnMetrics, dataFileMetrics } from '../../../../src/formats/iceberg/column-metrics.ts'
import { type MetricsMode, metricsModes } from '../../../../src/formats/iceberg/metrics-config.ts'
import type { IcebergType, NestedField, PrimitiveType } from '../../../../src/formats/iceberg/schema.ts'
import { ColumnBounds } from '../../../../src/pipeline/write/column-bounds.ts'
import { fillingOf, vectorOf } from '../../formats/arrow/fill.ts'
import { anyFields, anyValue, edgesOf, everyPrimitive } from '../../formats/iceberg/any-type.ts'
import { naiveMetrics } from './naive-metrics.ts'

type Row = readonly unknown[]

const everything = { 'write.metadata.metrics.default': 'full' }

/** What a manifest says of row groups, their counts taken as given: bounds and NaN counts are what is under test. */
function metricsOf(fields: readonly NestedField[], groups: readonly (readonly Row[])[]) {
  const modes = metricsModes({ fields }, everything)
  const bounds = new ColumnBounds(fields, modes)
  const fillings = fields.map((field) => fillingOf(field.type))
  for (const rows of groups) {
    for (const row of rows) for (const [i, { append }] of fillings.entries()) append(row[i])
    bounds.add({ length: rows.length, columns: fillings.map(({ builder }) => builder.snapshot()) })
    for (const { builder } of fillings) builder.clear()
  }
  const columns = new Map<number, ColumnMetrics>([...modes.keys()].map((id) => [id, { valueCount: 0n, nullCount: 0n, ...bounds.of(id) }]))
  const { lowerBounds, upperBounds, nanValueCounts } = dataFileMetrics({ fields }, modes, columns)
  return { lowerBounds, upperBounds, nanValueCounts }
}

function naively(fields: readonly NestedField[], groups: readonly (readonly Row[])[]) {
  const found = [...naiveMetrics(fields, groups.flat())]
  const pick = <T>(of: (metrics: ColumnMetrics) => T | undefined) =>
    new Map(found.filter(([, metrics]) => of(metrics) !== undefined).map(([id, metrics]) => [id, of(metrics)]))
  return {
    lowerBounds: pick((metrics) => metrics.lower),
    upperBounds: pick((metrics) => metrics.upper),
    nanValueCounts: pick((metrics) => metrics.nanCount),
  }
}

function boundsOf(type: PrimitiveType, values: readonly unknown[]) {
  const bounds = new ColumnBounds([{ id: 1, name: 'x', required: false, type }], new Map([[1, { kind: 'full' }]]))
  bounds.add({ length: values.length, columns: [vectorOf(type, values)] })
  return bounds.of(1)!
}

describe('bounds and NaN counts are those that a comparison value by value finds', () => {
  test.each(everyPrimitive)('of %s, over all row groups', (type) => {
    const fields: NestedField[] = [{ id: 1, name: 'x', required: false, type }]
    fc.assert(
      fc.property(fc.array(fc.array(fc.tuple(anyValue(type, false)), { maxLength: 12 }), { maxLength: 4 }), (groups) => {
        expect(metricsOf(fields, groups)).toEqual(naively(fields, groups))
      }),
      { numRuns: 200 },
    )
  })

  test('of any columns, whatever is nested in them', () => {
    const anyGroups = anyFields().chain((fields) => {
      const row = fc.tuple(...fields.map((field) => anyValue(field.type, field.required)))
      return fc.record({ fields: fc.constant(fields), groups: fc.array(fc.array(row, { maxLength: 10 }), { maxLength: 3 }) })
    })
    fc.assert(
      fc.property(anyGroups, ({ fields, groups }) => {
        expect(metricsOf(fields, groups)).toEqual(naively(fields, groups))
      }),
      { numRuns: 200 },
    )
  })

  test('of texts that begin alike, in any order', () => {
    const alike = fc.array(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), { maxLength: 11 }).map((bytes) => Uint8Array.from(bytes))
    const fields: NestedField[] = [{ id: 1, name: 'x', required: false, type: 'binary' }]
    fc.assert(
      fc.property(fc.array(fc.tuple(alike), { maxLength: 30 }), (rows) => {
        expect(metricsOf(fields, [rows])).toEqual(naively(fields, [rows]))
      }),
      { numRuns: 500 },
    )
  })
})

test.each<[PrimitiveType, string, string, readonly unknown[]]>([
  ['boolean', '00', '01', [true, false]],
  ['boolean', '01', '01', [true, null]],
  ['int', 'f9ffffff', 'ffffff7f', [5, -7, 0x7fffffff]],
  ['date', 'ffffffff', 'ffffffff', [-1]],
  ['long', 'ffffffffffffffff', '0000000001000000', [2n ** 32n, -1n]],
  ['timestamptz', '0100000000000000', '0100000000000000', [1n]],
  ['float', '000000c0', '0000803f', [1, -2]],
  ['double', '00000000000000c0', '000000000000f03f', [1, -2]],
  ['decimal(38, 2)', 'ff7f', '0080', [128n, -129n]],
  ['decimal(9, 2)', '80', '7f', [127n, -128n]],
  ['string', '61', '62', ['b', 'aa', 'a'].map((text) => new TextEncoder().encode(text))],
  ['uuid', '000102030405060708090a0b0c0d0e0f', '000102030405060708090a0b0c0d0e0f', [Uint8Array.from({ length: 16 }, (_, i) => i)]],
  ['fixed[2]', '7f02', '8001', [Uint8Array.of(0x80, 1), Uint8Array.of(0x7f, 2)]],
])('bounds of %s are serialized as the table specification has it (appendix D): %s, %s', (type, lower, upper, values) => {
  const found = boundsOf(type, values)
  expect([found.lower, found.upper].map((bound) => Buffer.from(bound!).toString('hex'))).toEqual([lower, upper])
})

test('NaN is counted and is no bound; a column of nothing else has none', () => {
  expect(boundsOf('double', [NaN, 1, NaN, null])).toMatchObject({ nanCount: 2n, lower: expect.anything() as unknown })
  expect(boundsOf('float', [NaN, null])).toEqual({ nanCount: 1n })
  expect(boundsOf('long', [null])).toEqual({})
})

test('UUIDs that two numbers with a sign would order otherwise have no bounds', () => {
  const uuid = (first: number, eighth: number) => new Uint8Array(16).with(0, first).with(8, eighth)
  expect(boundsOf('uuid', [uuid(0x7f, 0x80), uuid(0x80, 0x80)])).toEqual({})
  expect(boundsOf('uuid', [uuid(0x01, 0x7f), uuid(0x01, 0x80)])).toEqual({})
  expect(boundsOf('uuid', [uuid(0x80, 0x80), uuid(0xff, 0xbf)])).toEqual({ lower: uuid(0x80, 0x80), upper: uuid(0xff, 0xbf) })
})

test('what is in a null struct counts as null, whatever stands there', () => {
  const inner: IcebergType = { type: 'struct', fields: [{ id: 3, name: 'x', required: false, type: 'double' }] }
  const fields: NestedField[] = [
    { id: 1, name: 'outer', required: false, type: { type: 'struct', fields: [{ id: 2, name: 'inner', required: false, type: inner }] } },
  ]
  const slots = { layout: 'struct', length: 6, nullCount: 1 } as const
  const found = [vectorOf('double', [NaN, -5, 1, 2, null, 9]), vectorOf('double', [NaN, -5, 1, 2, 2, 9])].map((x) => {
    const middle: Vector = { ...slots, validity: Uint8Array.of(0b01_1111), children: [x] }
    const bounds = new ColumnBounds(fields, new Map([[3, { kind: 'full' }]]))
    bounds.add({ length: 6, columns: [{ ...slots, validity: Uint8Array.of(0b11_1101), children: [middle] }] })
    return bounds.of(3)
  })
  const expected = boundsOf('double', [NaN, 1, 2])
  expect(found).toEqual([expected, expected])
})

test('a column whose mode asks for counts alone has NaN counts and no bounds, one of mode none has nothing', () => {
  const modes: readonly MetricsMode['kind'][] = ['counts', 'none']
  const found = modes.map((kind) => {
    const fields: NestedField[] = [
      { id: 1, name: 'n', required: false, type: 'long' },
      { id: 2, name: 'd', required: false, type: 'double' },
    ]
    const bounds = new ColumnBounds(fields, metricsModes({ fields }, { 'write.metadata.metrics.default': kind }))
    bounds.add({ length: 2, columns: [vectorOf('long', [1n, 2n]), vectorOf('double', [1, NaN])] })
    return [bounds.of(1), bounds.of(2)?.nanCount]
  })
  expect(found).toEqual([
    [undefined, 1n],
    [undefined, undefined],
  ])
})

test('nothing inside a list or a map is looked at', () => {
  const list: IcebergType = { type: 'list', 'element-id': 2, 'element-required': false, element: 'int' }
  const map: IcebergType = { type: 'map', 'key-id': 4, key: 'int', 'value-id': 5, 'value-required': false, value: 'int' }
  const fields: NestedField[] = [
    { id: 1, name: 'list', required: false, type: list },
    { id: 3, name: 'map', required: false, type: map },
  ]
  const bounds = new ColumnBounds(fields, new Map([1, 2, 3, 4, 5].map((id) => [id, { kind: 'full' }])))
  bounds.add({ length: 1, columns: [vectorOf(list, [[1]]), vectorOf(map, [[[1, 2]]])] })
  expect([1, 2, 3, 4, 5].map((id) => bounds.of(id))).toEqual(Array.from({ length: 5 }))
})

test.each(everyPrimitive)('bounds of %s outlive the columns they were taken from', (type) => {
  const [first, last] = [edgesOf(type).at(0), edgesOf(type).at(-1)]
  const fields: NestedField[] = [{ id: 1, name: 'x', required: false, type }]
  const { builder, append } = fillingOf(type)
  append(first)
  const bounds = new ColumnBounds(fields, new Map([[1, { kind: 'full' }]]))
  bounds.add({ length: 1, columns: [builder.snapshot()] })
  builder.clear()
  append(last)
  expect(bounds.of(1)).toEqual(boundsOf(type, [first]))
})
