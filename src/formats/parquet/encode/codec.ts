import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib'
import type { ParquetCodec } from '../row-group.ts'

/** A codec that pages are compressed with. */
export interface PageCodec {
  /** parquet.thrift, `CompressionCodec`. */
  readonly code: number
  /** `expected`: about how many bytes will come out. The answer is the caller's: it shares nothing with `page`. */
  compress(page: Uint8Array, expected: number): Uint8Array
}

/** The codecs that Node compresses with synchronously. */
const codecs: Partial<Record<ParquetCodec, PageCodec>> = {
  uncompressed: { code: 0, compress: (page) => page.slice() },
  gzip: { code: 2, compress: (page, expected) => gzipSync(page, { chunkSize: chunkSize(expected) }) },
  brotli: {
    code: 4,
    compress: (page, expected) =>
      brotliCompressSync(page, {
        chunkSize: chunkSize(expected),
        params: { [constants.BROTLI_PARAM_QUALITY]: 1, [constants.BROTLI_PARAM_SIZE_HINT]: page.length },
      }),
  },
  zstd: {
    code: 6,
    compress: (page, expected) =>
      zstdCompressSync(page, { chunkSize: chunkSize(expected), params: { [constants.ZSTD_c_compressionLevel]: 1 } }),
  },
}

/** The codec of a `write.parquet.compression-codec`; undefined for one that is not covered here (snappy, lz4). */
export function pageCodec(name: ParquetCodec): PageCodec | undefined {
  return codecs[name]
}

/** Options of pages with zstd in the place of a codec that is not covered here: every reader has it. */
export function withPageCodec<T extends { readonly codec: ParquetCodec }>(options: T): T {
  return pageCodec(options.codec) === undefined ? { ...options, codec: 'zstd' } : options
}

/** Node's answers keep all of the buffers that they were written to: those should be about as large as what is written. */
function chunkSize(expected: number): number {
  return Math.max(512, expected + (expected >> 3))
}
