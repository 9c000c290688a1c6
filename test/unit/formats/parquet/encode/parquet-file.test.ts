import { parquetMetadata } from 'hyparquet'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { BytesVector, ListVector, StructVector, Vector } from '../../../../../src/formats/arrow/vector.ts'
import type { IcebergType, NestedField } from '../../../../../src/formats/iceberg/schema.ts'
import { pageCodec } from '../../../../../src/formats/parquet/encode/codec.ts'
import { RowGroupWriter } from '../../../../../src/formats/parquet/encode/row-group-writer.ts'
import { keyValuesOf, readFooter } from '../../../../../src/formats/parquet/footer.ts'
import { readThriftStruct } from '../../../../../src/formats/parquet/thrift-compact.ts'
import { vectorOf } from '../../arrow/fill.ts'
import { byParquetWasm } from '../read-back.ts'
import { batchOf, defaults, encodeFile, optional, type Row } from './files.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const fields: readonly NestedField[] = [
  { id: 11, name: 'n', required: true, type: 'long' },
  { id: 12, name: 'text', required: false, type: 'string' },
]
const rowsFrom = (from: number, to: number): Row[] =>
  Array.from({ length: to - from }, (_, k) => [BigInt(from + k), (from + k) % 5 === 0 ? null : utf8(`text ${(from + k) % 3}`)])

describe('a file of several row groups', () => {
  const groups = [[rowsFrom(0, 10), rowsFrom(10, 30)], [rowsFrom(30, 31)], [[]], [[], rowsFrom(31, 40)]]
  const { bytes, file } = encodeFile(
    fields,
    groups.map((batches) => batches.map((rows) => batchOf(fields, rows))),
  )
  const metadata = parquetMetadata(bytes.buffer)

  test('tells its exact size, rows, split offsets and totals by field id', () => {
    expect(file.size).toBe(BigInt(bytes.length))
    expect([file.rowCount, metadata.num_rows]).toEqual([40n, 40n])
    expect(metadata.row_groups.map((group) => [group.file_offset, group.num_rows, group.ordinal])).toEqual([
      [file.splitOffsets[0], 30n, 0],
      [file.splitOffsets[1], 1n, 1],
      [file.splitOffsets[2], 9n, 2],
    ])
    expect(file.splitOffsets[0]).toBe(4n)
    const compressed = (leaf: number) =>
      metadata.row_groups.reduce((sum, group) => sum + group.columns[leaf].meta_data!.total_compressed_size, 0n)
    expect(
      [...file.leaves].map(([id, { compressedBytes, valueCount, nullCount }]) => [id, compressedBytes, valueCount, nullCount]),
    ).toEqual([
      [11, compressed(0), 40n, 0n],
      [12, compressed(1), 40n, 8n],
    ])
  })

  const pageTypeAt = (offset: bigint) => (readThriftStruct(bytes.subarray(Number(offset))).fields.get(1) as { value: bigint }).value

  test('has its chunks one behind another, each beginning with its first page', () => {
    let end = 4n
    for (const group of metadata.row_groups) {
      let plain = 0n
      for (const { meta_data } of group.columns) {
        const { dictionary_page_offset, data_page_offset, total_compressed_size, total_uncompressed_size } = meta_data!
        expect(dictionary_page_offset ?? data_page_offset).toBe(end)
        expect(pageTypeAt(data_page_offset)).toBe(0n)
        if (dictionary_page_offset !== undefined) expect(pageTypeAt(dictionary_page_offset)).toBe(2n)
        end += total_compressed_size
        plain += total_uncompressed_size
      }
      expect([group.total_byte_size, group.total_compressed_size]).toEqual([plain, end - group.file_offset!])
    }
    expect(end).toBe(BigInt(readFooter(bytes).body.end))
  })

  test('carries the given metadata, and no Arrow schema that would speak over the Parquet types', () => {
    expect(keyValuesOf(readFooter(bytes))).toEqual(new Map([['k', 'v']]))
    expect(metadata.created_by).toBe('iceberg-processor')
  })
})

test('a file without rows has its schema and no row group', () => {
  const { bytes, file } = encodeFile(fields, [[batchOf(fields, [])]])
  const metadata = parquetMetadata(bytes.buffer)
  expect([metadata.num_rows, metadata.row_groups, metadata.schema.length]).toEqual([0n, [], 3])
  expect([file.rowCount, file.splitOffsets, file.leaves.size]).toEqual([0n, [], 0])
})

describe('codecs', () => {
  test.each(['uncompressed', 'gzip', 'zstd', 'brotli'] as const)('%s is read as it was written', (codec) => {
    const { bytes } = encodeFile(fields, [[batchOf(fields, rowsFrom(0, 2000))]], { ...defaults, codec })
    expect(byParquetWasm(bytes)).toEqual([0, 1].map((i) => rowsFrom(0, 2000).map((row) => row[i])))
    expect(parquetMetadata(bytes.buffer).row_groups[0].columns[0].meta_data!.codec).toBe(codec.toUpperCase())
  })

  test.each([
    ['gzip', gunzipSync],
    ['zstd', zstdDecompressSync],
    ['brotli', brotliDecompressSync],
  ] as const)('%s compresses whole pages, whatever size is expected', (codec, decompress) => {
    const page = Uint8Array.from({ length: 100_000 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24)
    for (const expected of [0, 1000, 200_000]) {
      expect(Buffer.compare(decompress(pageCodec(codec)!.compress(page, expected)), page)).toBe(0)
    }
  })

  test.each(['snappy', 'lz4'] as const)('%s is not covered', (codec) => {
    expect(pageCodec(codec)).toBeUndefined()
    expect(() => new RowGroupWriter(fields, { ...defaults, codec })).toThrow(
      new RangeError(`pages can not be compressed with ${codec} here`),
    )
  })
})

describe('a row group writer', () => {
  test('keeps nothing of a batch that was appended', () => {
    const batch = batchOf(fields, rowsFrom(0, 50))
    const writer = new RowGroupWriter(fields, defaults)
    writer.append(batch)
    const [numbers, texts] = batch.columns as [{ values: BigInt64Array }, { data: Uint8Array }] & readonly Vector[]
    numbers.values.fill(-1n)
    texts.data.fill(0)
    const { bytes } = encodeFile(fields, [[batchOf(fields, rowsFrom(0, 50))]])
    const body = Buffer.concat(writer.finish().columns.flatMap(({ parts }) => parts))
    expect(
      Buffer.from(bytes)
        .subarray(4, 4 + body.length)
        .equals(body),
    ).toBe(true)
  })

  test('counts the rows and bytes of the row group in progress', () => {
    const writer = new RowGroupWriter(fields, { ...defaults, codec: 'uncompressed', dictionarySizeBytes: 1 })
    expect([writer.rowCount, writer.byteLength]).toEqual([0, 0])
    writer.append(batchOf(fields, rowsFrom(0, 20_000)))
    writer.append(batchOf(fields, rowsFrom(20_000, 20_100)))
    expect(writer.rowCount).toBe(20_100)
    const size = writer.finish().columns.reduce((sum, { compressedBytes }) => sum + compressedBytes, 0)
    const again = new RowGroupWriter(fields, { ...defaults, codec: 'uncompressed', dictionarySizeBytes: 1 })
    again.append(batchOf(fields, rowsFrom(0, 20_100)))
    expect(Math.abs(again.byteLength - size)).toBeLessThan(3000)
    expect([writer.rowCount, writer.byteLength]).toEqual([0, 0])
  })
})

describe('a batch that does not fit its schema is refused', () => {
  const listOf = (element: IcebergType): IcebergType => ({ type: 'list', 'element-id': 2, 'element-required': true, element })
  const mapOf = (key: 'string', value: IcebergType): IcebergType => ({
    type: 'map',
    'key-id': 2,
    key,
    'value-id': 3,
    'value-required': false,
    value,
  })
  const structOf = (...types: IcebergType[]): IcebergType => ({
    type: 'struct',
    fields: types.map((type, i) => ({ id: 2 + i, name: `f${i}`, required: true, type })),
  })
  const ints = (...values: (number | null)[]) => vectorOf('int', values)
  const append = (type: IcebergType, column: Vector, required = false) =>
    new RowGroupWriter([{ id: 1, name: 'x', required, type }], defaults).append({ length: column.length, columns: [column] })
  const without = <V extends Vector>(vector: V, changed: Partial<V>): V => ({ ...vector, ...changed })

  test.each<[string, () => void, string]>([
    ['a null that is required', () => append('int', ints(1, null), true), 'column x is required and holds a null'],
    ['a null member', () => append(structOf('int'), vectorOf(structOf('int'), [[null]])), 'column x.f0 is required and holds a null'],
    ['a null element', () => append(listOf('int'), vectorOf(listOf('int'), [[null]])), 'column x.element is required and holds a null'],
    [
      'a null key',
      () => append(mapOf('string', 'int'), vectorOf(mapOf('string', 'int'), [[[null, 1]]])),
      'column x.key is required and holds a null',
    ],
    ['another width', () => append('long', ints(1)), 'column x: expected a vector of BigInt64Array, found one of layout fixed'],
    ['another layout', () => append('string', ints(1)), 'column x: expected a vector of layout bytes, found one of fixed'],
    ['another length', () => append('uuid', vectorOf('fixed[5]', [])), 'column x: expected values of 16 bytes, found 5'],
    [
      'a decimal for a long',
      () => append('long', vectorOf('decimal(9, 2)', [1n])),
      'column x: expected a vector of BigInt64Array, found one of layout decimal',
    ],
    [
      'a long for a decimal',
      () => append('decimal(18, 2)', vectorOf('long', [1n])),
      'column x: expected a vector of decimals, found one of layout fixed',
    ],
    [
      'a decimal for a uuid',
      () => append('uuid', vectorOf('decimal(38, 2)', [1n])),
      'column x: expected a vector of layout fixed-bytes, found one of decimal',
    ],
    ['a short validity', () => append('int', without(ints(1, null), { length: 9 })), 'column x: its validity is shorter than its slots'],
    ['no booleans', () => append('boolean', ints(1)), 'column x: expected a vector of booleans, found one of layout fixed'],
    ['no list', () => append(listOf('int'), ints(1)), 'column x: its vector does not have the layout list of its type, but fixed'],
    ['no map', () => append(mapOf('string', 'int'), ints(1)), 'column x: its vector does not have the layout map of its type, but fixed'],
    [
      'another struct',
      () => append(structOf('int', 'int'), vectorOf(structOf('int'), [[1]])),
      'column x: its vector does not have the layout struct of its type, but struct of 1',
    ],
    ['too few numbers', () => append('int', without(ints(1), { length: 2 })), 'column x: its values are fewer than its slots'],
    [
      'too few booleans',
      () => append('boolean', without(vectorOf('boolean', [true]), { length: 9 })),
      'column x: its values are fewer than its slots',
    ],
    [
      'too few bytes',
      () => append('string', without(vectorOf('string', [utf8('a')]) as BytesVector, { data: new Uint8Array(0) })),
      'column x: its offsets lead past its bytes',
    ],
    [
      'too few elements',
      () => append(listOf('int'), without(vectorOf(listOf('int'), [[1, 2]]) as ListVector, { element: ints(1) })),
      'column x: its offsets lead past its elements',
    ],
    [
      'too few members',
      () => append(structOf('int'), without(vectorOf(structOf('int'), [[1], [2]]) as StructVector, { children: [ints(1)] })),
      'column x: a child has fewer slots than the struct',
    ],
    [
      'a decimal past 9 digits',
      () => append('decimal(9, 2)', vectorOf('decimal(9, 2)', [2n ** 31n])),
      'column x: a decimal does not fit 32 bits',
    ],
    [
      'a decimal past 18 digits',
      () => append('decimal(18, 2)', vectorOf('decimal(18, 2)', [-(2n ** 63n) - 1n])),
      'column x: a decimal does not fit 64 bits',
    ],
    [
      'a decimal past its digits',
      () => append('decimal(19, 2)', vectorOf('decimal(19, 2)', [2n ** 71n])),
      'column x: a decimal does not fit 9 bytes',
    ],
  ])('%s', (_what, run, message) => {
    expect(run).toThrow(new RangeError(message))
  })

  test('columns that are missing or shorter than the batch', () => {
    const writer = new RowGroupWriter(fields, defaults)
    expect(() => writer.append({ length: 0, columns: [] })).toThrow(new RangeError('a batch has 0 columns, its schema 2'))
    expect(() => writer.append({ length: 2, columns: [vectorOf('long', [1n]), vectorOf('string', [null, null])] })).toThrow(
      new RangeError('column 1 of a batch of 2 rows has 1 slots'),
    )
  })

  test('a null below a struct that is null is none, whether it is required or not', () => {
    const type = structOf('int')
    const { bytes } = encodeFile(optional(type), [[batchOf(optional(type), [[[1]], [null]], 'loose')]])
    expect(byParquetWasm(bytes)).toEqual([[[1], null]])
  })
})
