import { thrift, type ThriftStruct, type ThriftValue } from '../thrift-compact.ts'
import type { EncodedChunk } from './column-chunk.ts'
import { chunkStatistics } from './column-statistics.ts'
import { encodings, pageTypes } from './page-header.ts'
import { physicalType, physicalTypes } from './physical-type.ts'
import type { EncodedRowGroup } from './row-group-writer.ts'

/** Thrift's compact protocol, type of a list's elements. */
const listOf = { i32: 5, binary: 8 } as const
/** The largest number of a row group that the footer's 16 bits hold. */
const maxOrdinal = 0x7fff

/** parquet.thrift, `RowGroup`. `start`: where its bytes begin in the file; `ordinal`: how many row groups are before it. */
export function rowGroupMetadata({ codec, columns, rowCount }: EncodedRowGroup, start: bigint, ordinal: number): ThriftStruct {
  let offset = start
  const chunks = columns.map((chunk) => {
    const metadata = columnMetadata(chunk, codec.code, offset)
    offset += BigInt(chunk.compressedBytes)
    return thrift.struct([
      [2, thrift.i64(0n)],
      [3, metadata],
    ])
  })
  const plainBytes = columns.reduce((sum, chunk) => sum + chunk.plainBytes, 0)
  const fields: [number, ThriftValue][] = [
    [1, thrift.structs(chunks)],
    [2, thrift.i64(BigInt(plainBytes))],
    [3, thrift.i64(BigInt(rowCount))],
    [5, thrift.i64(start)],
    [6, thrift.i64(offset - start)],
  ]
  if (ordinal <= maxOrdinal) fields.push([7, { type: 'i16', value: BigInt(ordinal) }])
  return thrift.struct(fields)
}

/** parquet.thrift, `ColumnMetaData`. */
function columnMetadata(chunk: EncodedChunk, codec: number, offset: bigint): ThriftStruct {
  const { leaf, plainPages, indexedPages } = chunk
  const pages: [type: number, encoding: number, count: number][] = []
  if (indexedPages > 0) {
    pages.push([pageTypes.dictionary, encodings.plain, 1], [pageTypes.data, encodings.rleDictionary, indexedPages])
  }
  if (plainPages > 0) pages.push([pageTypes.data, encodings.plain, plainPages])
  const used = new Set([encodings.rle, ...pages.map(([, encoding]) => encoding)])
  const fields: [number, ThriftValue][] = [
    [1, thrift.i32(physicalTypes[physicalType(leaf.type).physical])],
    [2, { type: 'list', elementType: listOf.i32, value: [...used].map(thrift.i32) }],
    [3, { type: 'list', elementType: listOf.binary, value: leaf.path.map(thrift.text) }],
    [4, thrift.i32(codec)],
    [5, thrift.i64(BigInt(chunk.valueCount))],
    [6, thrift.i64(BigInt(chunk.plainBytes))],
    [7, thrift.i64(BigInt(chunk.compressedBytes))],
    [9, thrift.i64(offset + BigInt(chunk.dictionaryPageBytes))],
    [12, chunkStatistics(leaf.type, chunk.nullCount, chunk.range)],
    [13, thrift.structs(pages.map((page) => thrift.struct(page.map((value, i) => [i + 1, thrift.i32(value)] as const))))],
  ]
  if (indexedPages > 0) fields.push([11, thrift.i64(offset)])
  return thrift.struct(fields)
}
