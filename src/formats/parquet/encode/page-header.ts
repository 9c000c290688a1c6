import { thrift, type ThriftStruct, type ThriftValue, writeThriftStruct } from '../thrift-compact.ts'

/** parquet.thrift, `Encoding`. */
export const encodings = { plain: 0, rle: 3, rleDictionary: 8 } as const
/** parquet.thrift, `PageType`. */
export const pageTypes = { data: 0, dictionary: 2 } as const

/** Bytes of a page before and after compression. */
export interface PageSizes {
  readonly plain: number
  readonly compressed: number
}

/** The header of a data page (version 1). `values`: nulls included. */
export function dataPageHeader(sizes: PageSizes, values: number, encoding: number): Uint8Array {
  const levels = thrift.i32(encodings.rle)
  const header: [number, ThriftValue][] = [
    [1, thrift.i32(values)],
    [2, thrift.i32(encoding)],
    [3, levels],
    [4, levels],
  ]
  return pageHeader(pageTypes.data, sizes, [5, thrift.struct(header)])
}

export function dictionaryPageHeader(sizes: PageSizes, entries: number): Uint8Array {
  const header: [number, ThriftValue][] = [
    [1, thrift.i32(entries)],
    [2, thrift.i32(encodings.plain)],
  ]
  return pageHeader(pageTypes.dictionary, sizes, [7, thrift.struct(header)])
}

function pageHeader(type: number, { plain, compressed }: PageSizes, own: readonly [number, ThriftStruct]): Uint8Array {
  return writeThriftStruct(thrift.struct([[1, thrift.i32(type)], [2, thrift.i32(plain)], [3, thrift.i32(compressed)], own]))
}
