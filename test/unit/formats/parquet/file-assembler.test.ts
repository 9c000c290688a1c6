import fc from 'fast-check'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { zstdDecompressSync } from 'node:zlib'
import { readParquet } from 'parquet-wasm'
import { tableFromIPC } from 'apache-arrow'
import { describe, expect, test } from 'vitest'
import { BytesBuilder } from '../../../../src/formats/arrow/builders/bytes.ts'
import { Int64Builder } from '../../../../src/formats/arrow/builders/numbers.ts'
import type { ColumnBatch } from '../../../../src/formats/arrow/vector.ts'
import type { NestedField } from '../../../../src/formats/iceberg/schema.ts'
import { ParquetFileAssembler } from '../../../../src/formats/parquet/file-assembler.ts'
import { chunkFacts, keyValuesOf, movedRowGroups, readFooter } from '../../../../src/formats/parquet/footer.ts'
import { type ParquetCodec, RowGroupEncoder } from '../../../../src/formats/parquet/row-group.ts'
import { thrift, type ThriftStruct, type ThriftValue } from '../../../../src/formats/parquet/thrift-compact.ts'

const fields: NestedField[] = [
  { id: 11, name: 'n', required: true, type: 'long' },
  { id: 12, name: 'text', required: false, type: 'string' },
]
type Row = { n: bigint; text: string | null }

function columnsOf(rows: readonly Row[]): ColumnBatch {
  const [n, text] = [new Int64Builder(), new BytesBuilder()]
  for (const row of rows) {
    n.append(row.n)
    if (row.text === null) text.appendNull()
    else text.append(Buffer.from(row.text), 0, Buffer.byteLength(row.text))
  }
  return { length: rows.length, columns: [n.snapshot(), text.snapshot()] }
}

function encoder(codec: ParquetCodec = 'zstd'): RowGroupEncoder {
  return new RowGroupEncoder({ fields }, { codec, pageSizeBytes: 1 << 20, dictionarySizeBytes: 1 << 20 })
}

function assemble(groups: readonly Row[][], codec?: ParquetCodec, keyValues = new Map([['k', 'v']])) {
  const assembler = new ParquetFileAssembler({ fields })
  const chunks = [assembler.start(), ...groups.map((rows) => assembler.add(encoder(codec).encode(columnsOf(rows)), rows.length))]
  const { tail, file } = assembler.finish(keyValues)
  return { bytes: Uint8Array.from(Buffer.concat([...chunks, tail])), file }
}

async function byHyparquet(bytes: Uint8Array): Promise<Row[]> {
  return (await parquetReadObjects({
    file: bytes.buffer as ArrayBuffer,
    compressors: { ZSTD: (page) => zstdDecompressSync(page) },
  })) as Row[]
}

function byParquetWasm(bytes: Uint8Array): Row[] {
  return tableFromIPC(readParquet(bytes).intoIPCStream())
    .toArray()
    .map((row) => ({ n: row.n as bigint, text: row.text as string | null }))
}

const groupsOf = (sizes: readonly number[]): Row[][] => {
  let n = 0n
  return sizes.map((size) => Array.from({ length: size }, () => ({ n: n++, text: n % 5n === 0n ? null : `text ${n % 3n}` })))
}

describe('a file assembled of row groups', () => {
  test('is read equal by two readers, whatever its row groups', async () => {
    const row = fc.record<Row>({
      n: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      text: fc.option(fc.string({ unit: 'binary', maxLength: 8 })),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(row, { minLength: 1, maxLength: 10 }), { minLength: 1, maxLength: 4 }), async (groups) => {
        const { bytes } = assemble(groups)
        expect(await byHyparquet(bytes)).toEqual(groups.flat())
        expect(byParquetWasm(bytes)).toEqual(groups.flat())
      }),
      { numRuns: 10 },
    )
  })

  test.each(['uncompressed', 'snappy', 'gzip', 'zstd', 'brotli', 'lz4'] as const)('is read equal under %s', (codec) => {
    const groups = groupsOf([100, 1, 50])
    expect(byParquetWasm(assemble(groups, codec).bytes)).toEqual(groups.flat())
  })

  test('tells its exact size, rows, split offsets and totals by field id', () => {
    const { bytes, file } = assemble(groupsOf([10, 20, 5]))
    const metadata = parquetMetadata(bytes.buffer)
    expect(file.size).toBe(BigInt(bytes.length))
    expect([file.rowCount, metadata.num_rows]).toEqual([35n, 35n])
    expect(metadata.row_groups.map((group) => group.file_offset)).toEqual(file.splitOffsets)
    expect(file.splitOffsets[0]).toBe(4n)
    expect(metadata.row_groups.map((group) => group.ordinal)).toEqual([0, 1, 2])
    const compressed = (leaf: number) =>
      metadata.row_groups.reduce((sum, group) => sum + group.columns[leaf].meta_data!.total_compressed_size, 0n)
    expect(file.leaves).toEqual(
      new Map([
        [11, { valueCount: 35n, nullCount: 0n, compressedBytes: compressed(0) }],
        [12, { valueCount: 35n, nullCount: 7n, compressedBytes: compressed(1) }],
      ]),
    )
  })

  test('carries field ids and the given metadata, and no Arrow schema that would speak over the Parquet types', () => {
    const metadata = parquetMetadata(assemble(groupsOf([3])).bytes.buffer)
    expect(metadata.schema.slice(1).map(({ name, field_id }) => [name, field_id])).toEqual([
      ['n', 11],
      ['text', 12],
    ])
    expect(metadata.key_value_metadata).toEqual([{ key: 'k', value: 'v' }])
    expect(keyValuesOf(readFooter(assemble(groupsOf([3]), 'zstd', new Map([['ä', '✓']])).bytes))).toEqual(new Map([['ä', '✓']]))
  })

  test('without row groups is refused: it would have no schema', () => {
    expect(() => new ParquetFileAssembler({ fields }).finish(new Map())).toThrow(
      new RangeError('parquet: a file without row groups has no schema'),
    )
  })
})

test('a chunk that does not say how many nulls it has is refused, not counted as 0', () => {
  const footer = readFooter(encoder().encode(columnsOf(groupsOf([3])[0])))
  const [fileMetaDataRowGroups, rowGroupColumns, columnChunkMetaData, columnMetaDataStatistics] = [4, 1, 3, 12]
  const tree = edited(footer.tree, [fileMetaDataRowGroups, rowGroupColumns, columnChunkMetaData], (meta) => {
    const kept = new Map(meta.fields)
    kept.delete(columnMetaDataStatistics)
    return thrift.struct(kept)
  })
  expect(() => chunkFacts({ ...footer, tree })).toThrow(new RangeError('parquet: a column chunk does not say how many nulls it has'))
})

/** A struct with all structs changed that a path of field ids leads to. */
function edited(struct: ThriftStruct, [id, ...rest]: readonly number[], change: (found: ThriftStruct) => ThriftStruct): ThriftStruct {
  const inner = (value: ThriftValue) => (rest.length === 0 ? change(value as ThriftStruct) : edited(value as ThriftStruct, rest, change))
  const value = struct.fields.get(id)!
  const changed = value.type === 'list' ? thrift.structs(value.value.map(inner)) : inner(value)
  return thrift.struct([...struct.fields, [id, changed]])
}

describe('hostile footers', () => {
  const sound = assemble(groupsOf([4, 3])).bytes

  test.each([
    ['nothing', new Uint8Array(0)],
    ['a magic alone', Buffer.from('PAR1')],
    ['other bytes', Buffer.alloc(100, 7)],
    ['a file that ends early', sound.subarray(0, sound.length - 1)],
    ['a footer longer than its file', Uint8Array.from([...Buffer.from('PAR1'), 0xff, 0xff, 0xff, 0x7f, ...Buffer.from('PAR1')])],
  ])('%s is a RangeError', (_what, bytes) => {
    expect(() => readFooter(bytes)).toThrow(RangeError)
  })

  test('a footer with changed bytes is a RangeError or is read', () => {
    const footerStart = sound.length - 8 - new DataView(sound.buffer).getUint32(sound.length - 8, true)
    fc.assert(
      fc.property(fc.integer({ min: footerStart, max: sound.length - 1 }), fc.nat(255), (at, byte) => {
        try {
          const footer = readFooter(sound.with(at, byte))
          movedRowGroups(footer, 100n, 0)
          chunkFacts(footer)
          keyValuesOf(footer)
        } catch (error) {
          expect((error as Error).name).toBe('RangeError')
        }
      }),
      { numRuns: 2000 },
    )
  })
})
