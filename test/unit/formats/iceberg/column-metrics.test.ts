import { expect, test } from 'vitest'
import { dataFileMetrics } from '../../../../src/formats/iceberg/column-metrics.ts'
import type { ColumnMetrics } from '../../../../src/formats/iceberg/column-metrics.ts'
import { metricsModes } from '../../../../src/formats/iceberg/metrics-config.ts'
import type { NestedField, PrimitiveType } from '../../../../src/formats/iceberg/schema.ts'
import { serializeSingleValue } from '../../../../src/formats/iceberg/single-value.ts'
import type { PresentValue } from '../../../../src/formats/iceberg/single-value.ts'

const field = (id: number, name: string, type: NestedField['type']): NestedField => ({ id, name, required: false, type })
const nested = {
  fields: [
    field(1, 'place', {
      type: 'struct',
      fields: [field(10, 'city', 'string'), field(11, 'inner', { type: 'struct', fields: [field(12, 'code', 'int')] })],
    }),
    field(2, 'tags', { type: 'list', 'element-id': 20, 'element-required': true, element: 'string' }),
    field(3, 'headers', { type: 'map', 'key-id': 30, key: 'string', 'value-id': 31, 'value-required': false, value: 'binary' }),
    field(4, 'id', 'long'),
    field(5, 'rows', {
      type: 'list',
      'element-id': 50,
      'element-required': true,
      element: { type: 'struct', fields: [field(51, 'deep', 'long')] },
    }),
  ],
}
const standard = { kind: 'truncate', length: 16 }

test('without properties every column has truncate(16), and none inside lists and maps', () => {
  expect(metricsModes(nested, {})).toEqual(
    new Map([
      [4, standard],
      [10, standard],
      [12, standard],
    ]),
  )
})

test('properties name the default and single columns by their path', () => {
  const modes = metricsModes(nested, {
    'write.metadata.metrics.default': 'counts',
    'write.metadata.metrics.column.id': 'FULL',
    'write.metadata.metrics.column.place.city': 'truncate(8)',
    'write.metadata.metrics.column.place.inner.code': 'none',
  })
  expect(modes).toEqual(
    new Map([
      [4, { kind: 'full' }],
      [10, { kind: 'truncate', length: 8 }],
      [12, { kind: 'none' }],
    ] as const),
  )
})

test('a mode that can not be read counts as the default', () => {
  const properties = { 'write.metadata.metrics.default': 'truncate(0)', 'write.metadata.metrics.column.id': 'everything' }
  expect([...metricsModes(nested, properties).values()]).toEqual([standard, standard, standard])
  expect(metricsModes(nested, { ...properties, 'write.metadata.metrics.default': 'none' }).get(4)).toEqual({ kind: 'none' })
})

const many = { fields: Array.from({ length: 120 }, (_, i) => field(i + 1, `c${i + 1}`, 'long')) }

test('past the first 100 columns there are no statistics, save for exempt columns', () => {
  const modes = metricsModes(many, {}, new Set([118]))
  expect([100, 101, 118].map((id) => modes.get(id)?.kind)).toEqual(['truncate', 'none', 'truncate'])
})

test('the limit of 100 columns is a property, and falls where the table names a default', () => {
  expect(metricsModes(many, { 'write.metadata.metrics.max-inferred-column-defaults': '2' }).get(3)?.kind).toBe('none')
  expect(metricsModes(many, { 'write.metadata.metrics.default': 'full' }).get(120)?.kind).toBe('full')
  expect(metricsModes(many, { 'write.metadata.metrics.column.c120': 'counts' }).get(120)?.kind).toBe('counts')
})

test('the primitives of a struct are counted before what is nested in its other fields', () => {
  const modes = metricsModes(nested, { 'write.metadata.metrics.max-inferred-column-defaults': '1' })
  expect([4, 10].map((id) => modes.get(id)?.kind)).toEqual(['truncate', 'none'])
})

test('what is in lists and maps is counted where it stands, though it has no statistics', () => {
  const limited = (limit: number) => {
    const modes = metricsModes(
      { fields: [...nested.fields, field(6, 'last', { type: 'struct', fields: [field(60, 'text', 'string')] })] },
      { 'write.metadata.metrics.max-inferred-column-defaults': String(limit) },
    )
    return [...modes].filter(([, mode]) => mode.kind === 'truncate').map(([id]) => id)
  }
  // 4, then 10 and 12 of the first struct; 20, 30, 31 and 51 have none.
  expect([1, 3, 7, 8].map(limited)).toEqual([[4], [4, 10, 12], [4, 10, 12], [4, 10, 12, 60]])
})

function metricsOf(type: PrimitiveType, lower: PresentValue, upper: PresentValue, mode = 'truncate(16)') {
  const schema = { fields: [field(1, 'a', type)] }
  const column: ColumnMetrics = {
    valueCount: 10n,
    nullCount: 2n,
    nanCount: 1n,
    columnSize: 99n,
    lower: serializeSingleValue(type, lower),
    upper: serializeSingleValue(type, upper),
  }
  return dataFileMetrics(schema, metricsModes(schema, { 'write.metadata.metrics.default': mode }), new Map([[1, column]]))
}

test('counts and sizes are carried, and bounds cut by the mode', () => {
  const metrics = metricsOf('string', 'aaa', 'zzzzzz', 'truncate(2)')
  expect(metrics.columnSizes).toEqual(new Map([[1, 99n]]))
  expect(metrics.valueCounts).toEqual(new Map([[1, 10n]]))
  expect(metrics.nullValueCounts).toEqual(new Map([[1, 2n]]))
  expect(metrics.nanValueCounts).toEqual(new Map([[1, 1n]]))
  expect(metrics.lowerBounds).toEqual(new Map([[1, serializeSingleValue('string', 'aa')]]))
  expect(metrics.upperBounds).toEqual(new Map([[1, serializeSingleValue('string', 'z{')]]))
})

test('full keeps whole bounds, counts has none, none has nothing', () => {
  const long = 'x'.repeat(100)
  expect(metricsOf('string', long, long, 'full').upperBounds.get(1)).toEqual(serializeSingleValue('string', long))
  const counts = metricsOf('string', long, long, 'counts')
  expect([counts.valueCounts.size, counts.lowerBounds.size, counts.upperBounds.size]).toEqual([1, 0, 0])
  expect(Object.values(metricsOf('string', long, long, 'none')).map((map) => map.size)).toEqual([0, 0, 0, 0, 0, 0])
})

test('an upper bound that can not be shortened is left out, the lower one stays', () => {
  const metrics = metricsOf('binary', new Uint8Array(20), new Uint8Array(20).fill(0xff))
  expect([metrics.lowerBounds.size, metrics.upperBounds.size]).toEqual([1, 0])
})

test('only strings and binaries are cut', () => {
  const value = new Uint8Array(20).fill(3)
  expect(metricsOf('fixed[20]', value, value).upperBounds.get(1)).toEqual(value)
  expect(metricsOf('decimal(38, 0)', -(10n ** 37n), 10n ** 37n, 'truncate(2)').upperBounds.get(1)).toEqual(
    serializeSingleValue('decimal(38, 0)', 10n ** 37n),
  )
})

test.each<PrimitiveType>(['float', 'double'])('a zero bound of a %s is −0.0 below and +0.0 above, and NaN is no bound', (type) => {
  const zero = metricsOf(type, 0, -0)
  expect(zero.lowerBounds.get(1)).toEqual(serializeSingleValue(type, -0))
  expect(zero.upperBounds.get(1)).toEqual(serializeSingleValue(type, 0))
  const nan = metricsOf(type, NaN, NaN)
  expect([nan.lowerBounds.size, nan.upperBounds.size]).toEqual([0, 0])
  expect(metricsOf(type, -1.5, 2.5).lowerBounds.get(1)).toEqual(serializeSingleValue(type, -1.5))
})

test('columns inside lists and maps have nothing in the manifest even where their metrics are known', () => {
  const column: ColumnMetrics = { valueCount: 1n, nullCount: 0n, columnSize: 5n, lower: new Uint8Array(), upper: new Uint8Array() }
  const columns = new Map([20, 30, 31, 51, 4].map((id) => [id, id === 4 ? { valueCount: 1n, nullCount: 1n } : column]))
  const metrics = dataFileMetrics(nested, metricsModes(nested, {}), columns)
  expect([...metrics.valueCounts.keys()]).toEqual([4])
  expect([metrics.columnSizes.size, metrics.lowerBounds.size]).toEqual([0, 0])
})
