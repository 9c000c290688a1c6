import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { inflateLz4Block } from '../../kafka/codecs/lz4-block.ts'
import { inflateSnappy } from '../../kafka/codecs/snappy.ts'
import { slackBytes } from './bit-view.ts'

/** parquet.thrift, `CompressionCodec`: inflates a page to exactly `length` bytes. */
const inflaters: Readonly<Record<number, (bytes: Uint8Array, length: number) => Uint8Array>> = {
  0: (bytes) => bytes,
  1: (bytes, length) => inflateSnappy(bytes, length),
  2: (bytes, length) => gunzipSync(bytes, zlibOptions(length)),
  4: (bytes, length) => brotliDecompressSync(bytes, zlibOptions(length)),
  6: (bytes, length) => zstdDecompressSync(bytes, zlibOptions(length)),
  7: (bytes, length) => {
    const target = new Uint8Array(length + slackBytes)
    return target.subarray(0, inflateLz4Block(bytes, 0, bytes.length, target, 0, 0, length))
  },
}
const names = ['uncompressed', 'snappy', 'gzip', 'LZO', 'brotli', 'LZ4 in the frames of Hadoop', 'zstd', 'LZ4']

/** Inflates a page. Throws an Error where the codec is not covered, or the bytes do not come to `length`. */
export function inflatePage(codec: number, bytes: Uint8Array, length: number): Uint8Array {
  const inflate = inflaters[codec]
  if (inflate === undefined) throw new Error(`its pages are compressed with ${names[codec] ?? `codec ${codec}`}, which is not read here`)
  if (length === 0) return bytes.subarray(0, 0)
  const inflated = inflate(bytes, length)
  if (inflated.length !== length) throw new Error(`a page of ${length} bytes inflates to ${inflated.length}`)
  return inflated
}

/** One output buffer that holds all: that is twice as fast as Node's default for small pages. */
function zlibOptions(length: number): { chunkSize: number; maxOutputLength: number } {
  return { chunkSize: Math.max(64, length + slackBytes), maxOutputLength: length + slackBytes }
}
