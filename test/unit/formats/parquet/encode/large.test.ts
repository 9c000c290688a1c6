import { parquetMetadata } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import type { IcebergType } from '../../../../../src/formats/iceberg/schema.ts'
import { RowGroupWriter } from '../../../../../src/formats/parquet/encode/row-group-writer.ts'
import { readThriftStruct, type ThriftStruct } from '../../../../../src/formats/parquet/thrift-compact.ts'
import { byHyparquet, byParquetWasm, hyparquetValue } from '../read-back.ts'
import { batchOf, defaults, encodeFile, optional } from './files.ts'

type ValueAt = (i: number) => unknown

const utf8 = (text: string) => new TextEncoder().encode(text)
/** A number that no other below 2^32 becomes. */
const scattered = (i: number) => Math.imul(i + 1, 0x9e3779b1) >>> 0
const structOf = (...types: IcebergType[]): IcebergType => ({
  type: 'struct',
  fields: types.map((type, i) => ({ id: 10 + i, name: `f${i}`, required: false, type })),
})
const listOf = (element: IcebergType): IcebergType => ({ type: 'list', 'element-id': 9, 'element-required': false, element })

/** Of each type the value that a number stands for. */
const kinds: readonly (readonly [string, IcebergType, ValueAt])[] = [
  ['int', 'int', (n) => n | 0],
  ['long', 'long', (n) => BigInt(n) * 0x1_0000_0001n - 2n ** 63n],
  ['longs that differ in their high halves', 'long', (n) => BigInt.asIntN(64, BigInt(n) << 32n)],
  ['float', 'float', (n) => [NaN, -0, 0][n] ?? Math.fround(n)],
  ['double', 'double', (n) => [NaN, -0, 0][n] ?? n / 3],
  ['short text', 'string', (n) => utf8(n.toString(36))],
  ['text of up to sixteen bytes', 'string', (n) => utf8(`${n % 7}-${n}`.padEnd(9 + (n % 8), '.'))],
  ['texts that differ in the middle', 'string', (n) => utf8(`the beginning ${n} the end`.padEnd(40 + (n % 5), ' the end'))],
  ['texts that differ in zeros at their end', 'string', (n) => utf8(`${n >> 2}`.padEnd(`${n >> 2}`.length + (n & 3), '\0'))],
  ['long text', 'string', (n) => utf8(`${n} `.repeat(60))],
  ['uuid', 'uuid', (n) => Uint8Array.from(Buffer.from(n.toString(16).padStart(32, '0'), 'hex'))],
  ['decimal of 38 digits', 'decimal(38, 10)', (n) => BigInt(n) * 10n ** 25n - 10n ** 30n],
  ['decimal of 18 digits', 'decimal(18, 2)', (n) => BigInt(n) - 1000n],
  ['list', listOf('string'), (n) => Array.from({ length: n % 4 }, (_, k) => (k === 2 ? null : utf8(`${n - k}`)))],
  [
    'list of structs',
    listOf(structOf('int', 'string')),
    (n) => Array.from({ length: n % 3 }, (_, k) => [(n - k) | 0, k === 1 ? null : utf8(`${n}`)]),
  ],
]

/** How the values of a column chunk go on, by row; −1 is a null. */
const courses: readonly (readonly [string, (i: number) => number])[] = [
  ['few different values', (i) => scattered(i) % 10],
  ['few different values and nulls', (i) => (scattered(i) % 12) - 2],
  ['only different values', scattered],
  ['few different values at first, then only different ones', (i) => (i < 17_000 ? scattered(i) % 50 : scattered(i))],
  ['nulls at first, then few different values', (i) => (i < 18_000 ? -1 : scattered(i) % 10)],
  ['nulls alone', () => -1],
  ['one value', () => 5],
]

describe.each(kinds)('a column of %s', (_name, type, valueAt) => {
  test.each(courses)('of %s is read as it was', async (_course, numberAt) => {
    const fields = optional(type)
    const rows = Array.from({ length: 20_000 }, (_, i) => [numberAt(i) < 0 ? null : valueAt(numberAt(i))])
    const batches = [rows.slice(0, 5000), rows.slice(5000, 5001), rows.slice(5001)].map((some) => batchOf(fields, some))
    const { bytes, file } = encodeFile(fields, [batches], { ...defaults, pageSizeBytes: 100_000, dictionarySizeBytes: 20_000 })
    const values = rows.map(([value]) => value)
    expect(same(byParquetWasm(bytes)[0], values)).toBe(true)
    const shown = values.map((value) => hyparquetValue(type, value))
    expect(same((await byHyparquet(bytes, fields))[0], shown)).toBe(true)
    if (typeof type === 'string') {
      expect(file.leaves.get(1)!.nullCount).toBe(BigInt(values.filter((value) => value === null).length))
      expect(file.leaves.get(1)!.nanCount).toBe(BigInt(values.filter((value) => Number.isNaN(value)).length))
    }
  })
})

test('pages of many levels, runs and literals in them, are read as they were', () => {
  const fields = optional('long')
  const numberAt = (i: number) => (Math.floor(i / 1000) % 3 === 0 ? 7 : scattered(i) % 300)
  const rows = Array.from({ length: 150_000 }, (_, i) => [i % 11 === 0 ? null : BigInt(numberAt(i))])
  const batches = Array.from({ length: 15 }, (_, k) => batchOf(fields, rows.slice(k * 10_000, (k + 1) * 10_000)))
  const { bytes } = encodeFile(fields, [batches])
  expect(
    same(
      byParquetWasm(bytes)[0],
      rows.map(([value]) => value),
    ),
  ).toBe(true)
})

describe('a dictionary', () => {
  const encodingsOf = (type: IcebergType, valueAt: ValueAt, rows: number, dictionarySizeBytes = 1024 * 1024) => {
    const fields = optional(type)
    const batch = batchOf(
      fields,
      Array.from({ length: rows }, (_, i) => [valueAt(i)]),
    )
    const { bytes } = encodeFile(fields, [[batch]], { ...defaults, dictionarySizeBytes })
    const { encodings, encoding_stats, dictionary_page_offset } = parquetMetadata(bytes.buffer).row_groups[0].columns[0].meta_data!
    const pages = encoding_stats!.map(({ page_type, encoding, count }) => `${count} ${page_type} ${encoding}`)
    return { encodings: encodings.toSorted(), pages, hasDictionary: dictionary_page_offset !== undefined }
  }

  test('is kept where values recur', () => {
    expect(encodingsOf('string', (i) => utf8(`${i % 10}`), 20_000)).toEqual({
      encodings: ['PLAIN', 'RLE', 'RLE_DICTIONARY'],
      pages: ['1 DICTIONARY_PAGE PLAIN', '2 DATA_PAGE RLE_DICTIONARY'],
      hasDictionary: true,
    })
  })

  test.each([
    ['long', (i: number) => BigInt(i)],
    ['string', (i: number) => utf8(`${i}`)],
  ] as const)('is not there where no %s recurs, in a large chunk as in a small one', (type, valueAt) => {
    const plain = (pages: number) => ({ encodings: ['PLAIN', 'RLE'], pages: [`${pages} DATA_PAGE PLAIN`], hasDictionary: false })
    expect(encodingsOf(type, valueAt, 40_000)).toEqual(plain(3))
    expect(encodingsOf(type, valueAt, 5)).toEqual(plain(1))
  })

  test('is given up where it grows too large: pages before stay as they are', () => {
    const valueAt = (i: number) => utf8(`${i < 17_000 ? i % 10 : i}`)
    expect(encodingsOf('string', valueAt, 40_000, 5000).pages).toEqual([
      '1 DICTIONARY_PAGE PLAIN',
      '1 DATA_PAGE RLE_DICTIONARY',
      '2 DATA_PAGE PLAIN',
    ])
  })

  test('is never larger than its bound', () => {
    const fields = optional('string')
    const writer = new RowGroupWriter(fields, { codec: 'uncompressed', pageSizeBytes: 1000, dictionarySizeBytes: 5000 })
    writer.append(
      batchOf(
        fields,
        Array.from({ length: 20_000 }, (_, i) => [utf8(`${Math.floor(i / 10)}`)]),
      ),
    )
    const [chunk] = writer.finish().columns
    expect(chunk.indexedPages).toBeGreaterThan(0)
    expect(chunk.parts[1].length).toBeLessThanOrEqual(5000)
    expect(chunk.parts[1].length).toBeGreaterThan(3000)
  })

  test('is tried again in the next row group where it was given up', () => {
    const fields = optional('long')
    const batch = (valueAt: (i: number) => bigint) =>
      batchOf(
        fields,
        Array.from({ length: 3000 }, (_, i) => [valueAt(i)]),
      )
    const writer = new RowGroupWriter(fields, defaults)
    const indexedPages = [(i: number) => BigInt(i), () => 7n, (i: number) => BigInt(i), (i: number) => BigInt(i % 3)].map((valueAt) => {
      writer.append(batch(valueAt))
      return writer.finish().columns[0].indexedPages
    })
    expect(indexedPages).toEqual([0, 1, 0, 1])
  })

  test('spares pages: one of indexes holds more of them than one of values', () => {
    const valueAt = (i: number) => utf8(`${i % 10}`.padEnd(50))
    expect(encodingsOf('string', valueAt, 80 * 1024).pages).toEqual(['1 DICTIONARY_PAGE PLAIN', '2 DATA_PAGE RLE_DICTIONARY'])
  })

  test('tells texts apart that differ in zeros at their end, wherever their hashes meet', () => {
    const fields = optional('binary')
    const groups = Array.from({ length: 20 }, (_, group) =>
      Array.from({ length: 2400 }, (__, i) => {
        const bytes = new Uint8Array(3 + (i % 3))
        new DataView(bytes.buffer).setUint16(0, group * 1000 + ((i % 1200) - (i % 3)) / 3)
        return [bytes]
      }),
    )
    const { bytes } = encodeFile(
      fields,
      groups.map((rows) => [batchOf(fields, rows)]),
    )
    expect(same(byParquetWasm(bytes)[0], groups.flat(2))).toBe(true)
  })

  // Each value is there twice, so that a dictionary is worth it, and all have one hash: x ^ y · factor, or x · factor ^ y · other.
  const inverse = (factor: number) => {
    let found = factor
    for (let i = 0; i < 5; i++) found = Math.imul(found, 2 - Math.imul(factor, found))
    return found
  }
  test.each<[IcebergType, (y: number) => unknown]>([
    ['long', (y) => (BigInt(y) << 32n) | BigInt(Math.imul(y, 0x85ebca77) >>> 0)],
    [
      'binary',
      (y) => {
        const bytes = new DataView(new ArrayBuffer(8))
        bytes.setInt32(0, Math.imul(Math.imul(y, 0xc2b2ae3d), inverse(0x85ebca77)) - 8, true)
        bytes.setInt32(4, y, true)
        return new Uint8Array(bytes.buffer)
      },
    ],
  ])('of %j is given up where values were chosen to collide', (type, valueAt) => {
    expect(encodingsOf(type, (i) => valueAt(i >> 1), 4000).hasDictionary).toBe(false)
    expect(encodingsOf(type, (i) => valueAt((i >> 1) % 60), 4000).hasDictionary).toBe(true)
  })
})

describe('a page', () => {
  test.each<[IcebergType, ValueAt]>([
    ['long', (i) => BigInt(scattered(i))],
    ['string', (i) => (i % 3 === 0 ? null : utf8('x'.repeat(scattered(i) % 300)))],
    ['boolean', (i) => i % 3 === 0],
    [listOf('long'), (i) => Array.from({ length: scattered(i) % 40 }, (_, k) => BigInt(scattered(k + i)))],
    ['string', (i) => utf8(`${i % 700}`)],
  ])('of %j is not larger than its bound', (type, valueAt) => {
    const fields = optional(type)
    for (const pageSizeBytes of [500, 5000, 50_000]) {
      const writer = new RowGroupWriter(fields, { codec: 'uncompressed', pageSizeBytes, dictionarySizeBytes: 100_000 })
      const rows = Array.from({ length: 12_000 }, (_, i) => [valueAt(i)])
      writer.append(batchOf(fields, rows.slice(0, 7000)))
      writer.append(batchOf(fields, rows.slice(7000)))
      const [{ parts, dictionaryPageBytes }] = writer.finish().columns
      const pages = parts.filter((_, i) => i % 2 === 1).slice(dictionaryPageBytes > 0 ? 1 : 0)
      expect(Math.max(...pages.map(({ length }) => length))).toBeLessThanOrEqual(pageSizeBytes)
      expect(Math.max(...pages.map(({ length }) => length))).toBeGreaterThan(pageSizeBytes === 50_000 ? 0 : pageSizeBytes / 10)
    }
  })

  test('begins with a row', () => {
    const fields = optional(listOf('int'))
    const writer = new RowGroupWriter(fields, { ...defaults, pageSizeBytes: 10_000, dictionarySizeBytes: 1 })
    writer.append(
      batchOf(
        fields,
        Array.from({ length: 3000 }, (_, i) => [[i, i + 1, null, i, 5, 6, 7]]),
      ),
    )
    const [{ parts, valueCount }] = writer.finish().columns
    const counts = parts.filter((_, i) => i % 2 === 0).map(valuesIn)
    expect(counts.length).toBeGreaterThan(3)
    expect(counts.filter((count) => count % 7 !== 0)).toEqual([])
    expect(counts.reduce((sum, count) => sum + count)).toBe(valueCount)
  })

  test('holds a row of very many elements', () => {
    const fields = optional(listOf('long'))
    const rows = [[[1n]], [Array.from({ length: 200_000 }, (_, i) => (scattered(i) % 3 === 0 ? null : BigInt(scattered(i))))], [null]]
    const { bytes } = encodeFile(fields, [[batchOf(fields, rows)]])
    expect(
      same(
        byParquetWasm(bytes)[0],
        rows.map(([value]) => value),
      ),
    ).toBe(true)
  })

  test('holds a row that is larger than its bound', () => {
    const fields = optional('string')
    const rows = [[utf8('a')], [utf8('b'.repeat(3000))], [utf8('c')]]
    const { bytes } = encodeFile(fields, [[batchOf(fields, rows)]], { ...defaults, pageSizeBytes: 100 })
    expect(byParquetWasm(bytes)).toEqual([rows.map(([value]) => value)])
  })
})

/** From a data page's header. */
function valuesIn(header: Uint8Array): number {
  const data = readThriftStruct(header).fields.get(5) as ThriftStruct
  return Number((data.fields.get(1) as { value: bigint }).value)
}

/** Whether values are equal: `toEqual` takes its time with so many. */
function same(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, i) => textOf(value) === textOf(b[i]))
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(textOf).join()}]`
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  return Object.is(value, -0) ? '-0' : `${typeof value} ${String(value)}`
}
