import { describe, expect, test } from 'vitest'
import type { ColumnBatch } from '../../../../src/formats/arrow/vector.ts'
import { type ColumnMetrics, dataFileMetrics } from '../../../../src/formats/iceberg/column-metrics.ts'
import type { DataFile } from '../../../../src/formats/iceberg/data-file.ts'
import { assignFreshIds } from '../../../../src/formats/iceberg/field-ids.ts'
import { metricsModes } from '../../../../src/formats/iceberg/metrics-config.ts'
import type { IcebergType, NestedField, PrimitiveType } from '../../../../src/formats/iceberg/schema.ts'
import type { ParquetCodec } from '../../../../src/formats/parquet/row-group.ts'
import type { RowBatch } from '../../../../src/pipeline/flow.ts'
import { writeDataFiles } from '../../../../src/pipeline/write/data-file-writer.ts'
import { fillingOf } from '../../formats/arrow/fill.ts'
import { edgesOf, everyPrimitive } from '../../formats/iceberg/any-type.ts'
import { byHyparquet, byParquetWasm, hyparquetValue } from '../../formats/parquet/read-back.ts'
import { memoryIo } from './memory-io.ts'
import { naiveMetrics } from './naive-metrics.ts'

/** How a primitive type stands in the table, and the row's value for a value of it. */
const places: readonly (readonly [name: string, type: (type: PrimitiveType) => IcebergType, value: (value: unknown) => unknown])[] = [
  ['top', (type) => type, (value) => value],
  ['struct', (type) => structOf(type), (value) => [value]],
  ['deep', (type) => structOf(structOf(type)), (value) => [[value]]],
  ['list', (type) => listOf(type), (value) => [value, null]],
  ['map', (type) => mapOf(type), (value) => [[utf8('key'), value]]],
  ['structs', (type) => listOf(structOf(type)), (value) => [[value], null]],
]

const fields: readonly NestedField[] = assignFreshIds({
  type: 'struct',
  'schema-id': 0,
  fields: everyPrimitive.flatMap((type) =>
    places.map(([name, typeIn]) => ({ id: 0, name: `${name} ${type}`, required: false, type: typeIn(type) })),
  ),
}).schema.fields

/** The edges of all types side by side, then rows that are null at each level: in all, in the structs, at the top. */
const rows: readonly (readonly unknown[])[] = [
  ...Array.from({ length: Math.max(...everyPrimitive.map((type) => edgesOf(type).length)) }, (_, i) =>
    everyPrimitive.flatMap((type) => places.map(([, , valueIn]) => valueIn(edgesOf(type)[i % edgesOf(type).length]))),
  ),
  everyPrimitive.flatMap(() => places.map(([, , valueIn]) => valueIn(null))),
  everyPrimitive.flatMap(() => places.map(([name]) => (name === 'top' ? null : name === 'struct' || name === 'deep' ? [null] : []))),
  everyPrimitive.flatMap(() => places.map(() => null)),
]

async function write(
  properties: Record<string, string>,
  rowsPerGroup: number,
  codec: ParquetCodec = 'zstd',
): Promise<{ file: DataFile; bytes: Buffer }> {
  const { io, files } = memoryIo()
  const [file, ...others] = await writeDataFiles(rowGroups(rowsPerGroup), io, {
    codec,
    pageSizeBytes: 1 << 20,
    dictionarySizeBytes: 1 << 20,
    fields,
    metricsModes: metricsModes({ fields }, properties),
    rowGroupBytes: 1,
    targetFileSizeBytes: 1 << 30,
    newLocation: () => 's3://w/x.parquet',
  })
  expect(others).toEqual([])
  return { file, bytes: files.get(file.filePath)! }
}

async function* rowGroups(rowsPerGroup: number): AsyncGenerator<RowBatch, void, undefined> {
  const fillings = fields.map(({ type }) => fillingOf(type))
  for (let from = 0; from < rows.length; from += rowsPerGroup) {
    const group = rows.slice(from, from + rowsPerGroup)
    for (const { builder } of fillings) builder.clear()
    for (const row of group) for (const [i, { append }] of fillings.entries()) append(row[i])
    const columns: ColumnBatch = { length: group.length, columns: fillings.map(({ builder }) => builder.snapshot()) }
    yield { columns, sources: [] }
  }
}

const encoders: readonly ParquetCodec[] = ['zstd', 'snappy']
const groupSizes = [1, 4, rows.length]

// Our own encoder covers zstd; parquet-wasm has the rest.
describe.each(encoders.flatMap((codec) => groupSizes.map((rowsPerGroup) => ({ codec, rowsPerGroup }))))(
  'a file of every type in every place, $codec, in row groups of $rowsPerGroup rows',
  ({ codec, rowsPerGroup }) => {
    test('is read equal by two readers', async () => {
      const { bytes } = await write({}, rowsPerGroup, codec)
      const columns = fields.map((_, i) => rows.map((row) => row[i]))
      expect(byParquetWasm(bytes)).toEqual(columns)
      expect(await byHyparquet(bytes, fields)).toEqual(fields.map(({ type }, i) => columns[i].map((value) => hyparquetValue(type, value))))
    })

    test.each(['full', 'truncate(3)', 'counts', 'none'])(
      'has the metrics that a comparison value by value finds, in mode %s',
      async (mode) => {
        const properties = { 'write.metadata.metrics.default': mode }
        const { file } = await write(properties, rowsPerGroup, codec)
        const expected = dataFileMetrics({ fields }, metricsModes({ fields }, properties), withSizes(naiveMetrics(fields, rows), file))
        expect(metricsOf(file)).toEqual(expected)
      },
    )
  },
)

test('metrics are there for every primitive at the top and in structs, and for nothing in a list or map', async () => {
  const { file } = await write({ 'write.metadata.metrics.default': 'full' }, 4)
  const leaves = [...naiveMetrics(fields, rows).keys()]
  expect(leaves).toHaveLength(everyPrimitive.length * 3)
  expect(new Set(file.valueCounts!.keys())).toEqual(new Set(leaves))
  expect(new Set(file.lowerBounds!.keys())).toEqual(new Set(leaves))
  expect(file.nanValueCounts!.size).toBe(2 * 3)
})

/** Sizes on disk are the writer's to tell. */
function withSizes(metrics: ReadonlyMap<number, ColumnMetrics>, file: DataFile): Map<number, ColumnMetrics> {
  return new Map([...metrics].map(([id, found]) => [id, { ...found, columnSize: file.columnSizes!.get(id) }]))
}

function metricsOf({ columnSizes, valueCounts, nullValueCounts, nanValueCounts, lowerBounds, upperBounds }: DataFile) {
  return { columnSizes, valueCounts, nullValueCounts, nanValueCounts, lowerBounds, upperBounds }
}

function structOf(type: IcebergType): IcebergType {
  return { type: 'struct', fields: [{ id: 0, name: 'x', required: false, type }] }
}

function listOf(element: IcebergType): IcebergType {
  return { type: 'list', 'element-id': 0, 'element-required': false, element }
}

function mapOf(value: IcebergType): IcebergType {
  return { type: 'map', 'key-id': 0, key: 'string', 'value-id': 0, 'value-required': false, value }
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
