import { zstdDecompressSync } from 'node:zlib'
import { parquetReadObjects } from 'hyparquet'

/** The first `limit` rows of a Parquet file, as objects by column name: for showing a table to a person, not for work. */
export async function readRows(file: Uint8Array, limit: number): Promise<Record<string, unknown>[]> {
  const buffer = file.buffer.slice(file.byteOffset, file.byteOffset + file.length) as ArrayBuffer
  return parquetReadObjects({ file: buffer, rowEnd: limit, utf8: false, compressors: { ZSTD: (bytes) => zstdDecompressSync(bytes) } })
}
