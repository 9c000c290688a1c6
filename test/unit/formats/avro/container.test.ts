import { deflateRawSync, zstdCompressSync } from 'node:zlib'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readContainer } from '../../../../src/formats/avro/container-reader.ts'
import { writeContainer } from '../../../../src/formats/avro/container-writer.ts'
import type { AvroRecord, AvroSchema, AvroValue } from '../../../../src/formats/avro/schema.ts'

const syncMarker = Uint8Array.from({ length: 16 }, (_, i) => 0xa0 + i)

const everything: AvroRecord = {
  type: 'record',
  name: 'everything',
  fields: [
    { name: 'flag', type: { type: 'boolean' }, 'field-id': 1 },
    { name: 'small', type: { type: 'int', logicalType: 'date' } },
    { name: 'large', type: { type: 'long' } },
    { name: 'single', type: { type: 'float' } },
    { name: 'double', type: { type: 'double' } },
    { name: 'text', type: { type: 'string' } },
    { name: 'raw', type: { type: 'bytes' } },
    { name: 'four', type: { type: 'fixed', name: 'four', size: 4 } },
    { name: 'again', type: { type: 'fixed', name: 'four', size: 4 } },
    { name: 'colour', type: { type: 'enum', name: 'colour', symbols: ['red', 'green'] } },
    { name: 'maybe', type: { type: 'union', branches: [{ type: 'null' }, { type: 'long' }] } },
    { name: 'last', type: { type: 'union', branches: [{ type: 'string' }, { type: 'null' }] } },
    { name: 'list', type: { type: 'array', items: { type: 'int' }, 'element-id': 7 } },
    { name: 'map', type: { type: 'map', values: { type: 'bytes' }, 'key-id': 8, 'value-id': 9 } },
    { name: 'empty', type: { type: 'record', name: 'nothing', fields: [] } },
  ],
}

const bytes = (constraints: fc.IntArrayConstraints): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array(constraints).map((data) => Uint8Array.from(data))
const text = fc.string({ unit: 'binary' })
const record: fc.Arbitrary<AvroValue[]> = fc.tuple(
  fc.boolean(),
  fc.integer(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.float(),
  fc.double(),
  text,
  bytes({}),
  bytes({ minLength: 4, maxLength: 4 }),
  bytes({ minLength: 4, maxLength: 4 }),
  fc.constantFrom('red', 'green'),
  fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  fc.option(text),
  fc.array(fc.integer()),
  fc.array(fc.tuple(text, bytes({}))).map((entries) => new Map(entries)),
  fc.constant([]),
)

function write(schema: AvroSchema, records: readonly AvroValue[], metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  return writeContainer({ schema, metadata, records, syncMarker })
}

test('whatever records are written are read again', () => {
  fc.assert(
    fc.property(fc.array(record), (records) => {
      const container = readContainer(write(everything, records, { key: 'välue' }))
      expect(container.records).toEqual(records)
      expect(container.schema).toEqual(everything)
      expect(new TextDecoder().decode(container.metadata.get('key'))).toBe('välue')
    }),
  )
})

test('a file is magic, metadata, sync marker and blocks, as the specification lays them out', () => {
  const written = write({ type: 'long' }, [-3n])
  const schema = new TextEncoder().encode('"long"')
  const header = [...ascii('Obj'), 1, 4, 22, ...ascii('avro.schema'), 12, ...schema, 20, ...ascii('avro.codec'), 14, ...ascii('deflate'), 0]
  const block = deflateRawSync(Uint8Array.of(5))
  expect([...written]).toEqual([...header, ...syncMarker, 2, block.length * 2, ...block, ...syncMarker])
})

function ascii(of: string): number[] {
  return [...new TextEncoder().encode(of)]
}

function file(codec: string, blocks: readonly (readonly number[])[], schema = '"long"'): Uint8Array {
  const metadata = [
    4,
    22,
    ...ascii('avro.schema'),
    schema.length * 2,
    ...ascii(schema),
    20,
    ...ascii('avro.codec'),
    codec.length * 2,
    ...ascii(codec),
    0,
  ]
  return Uint8Array.from([...ascii('Obj'), 1, ...metadata, ...syncMarker, ...blocks.flatMap((block) => [...block, ...syncMarker])])
}

test('uncompressed blocks are read', () => {
  expect(
    readContainer(
      file('null', [
        [4, 4, 1, 2],
        [2, 2, 3],
      ]),
    ).records,
  ).toEqual([-1n, 1n, -2n])
})

test('bytes after the last record of a block are refused', () => {
  expect(() => readContainer(file('null', [[2, 4, 1, 2]]))).toThrow(
    /block 0 \(at byte \d+\), byte 1: 1 bytes are left after the last record/,
  )
})

test('zstandard blocks are read', () => {
  const stored = zstdCompressSync(Uint8Array.of(2, 4))
  expect(readContainer(file('zstandard', [[4, stored.length * 2, ...stored]])).records).toEqual([1n, 2n])
})

test('blocks of an array may announce their size and a negative count', () => {
  const array = file('null', [[2, 12, 3, 4, 2, 4, 2, 6]], '{"type":"array","items":"long"}')
  expect(() => readContainer(array)).toThrow(/block 0/)
  expect(readContainer(file('null', [[2, 14, 3, 4, 2, 4, 2, 6, 0]], '{"type":"array","items":"long"}')).records).toEqual([[1n, 2n, 3n]])
})

test('many records are split into several blocks', () => {
  const records = Array.from({ length: 40_000 }, (_, i) => BigInt(i) * 1_000_003n)
  const written = write({ type: 'long' }, records)
  const marker = Buffer.from(syncMarker)
  let blocks = -1
  for (let at = -1; (at = Buffer.from(written).indexOf(marker, at + 1)) >= 0;) blocks++
  expect(blocks).toBeGreaterThan(1)
  expect(readContainer(written).records).toEqual(records)
})

test('a byte order mark inside a string stays', () => {
  expect(readContainer(write({ type: 'string' }, ['\uFEFFa'])).records).toEqual(['\uFEFFa'])
})

test.each<[string, AvroSchema, AvroValue, RegExp]>([
  ['a long that is a number', { type: 'long' }, 1, /record 0: expected a 64-bit integer as a bigint, found the number 1/],
  ['a long beyond 64 bits', { type: 'long' }, 2n ** 63n, /64-bit/],
  ['an int beyond 32 bits', { type: 'int' }, 2 ** 31, /32-bit/],
  ['a fixed of another size', { type: 'fixed', name: 'f', size: 4 }, new Uint8Array(3), /expected 4 bytes, found 3 bytes/],
  ['null without a union', { type: 'string' }, null, /expected a string, found null/],
  ['a lone surrogate', { type: 'string' }, '\ud800', /lone surrogate/],
  ['an unknown symbol', { type: 'enum', name: 'e', symbols: ['a'] }, 'b', /symbol of e/],
  ['too few fields', everything, [true], /15 fields of everything, found 1 values/],
])('a record that does not fit its schema is refused: %s', (_name, schema, value, message) => {
  expect(() => write(schema, [value])).toThrow(message)
})

test('the field that does not fit is named by its path', () => {
  const inner: AvroRecord = { type: 'record', name: 'inner', fields: [{ name: 'size', type: { type: 'long' } }] }
  const outer: AvroRecord = { type: 'record', name: 'outer', fields: [{ name: 'file', type: inner }] }
  expect(() => write(outer, [[[1n]], [['x']]])).toThrow('avro record 1: file.size: expected a 64-bit integer as a bigint, found a string')
})
