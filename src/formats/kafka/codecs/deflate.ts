import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { Codec } from './inflate.ts'

/** LZ4 frame: version 1, independent blocks of 4 MiB at most, no checksums, no content size; the last byte is the header's checksum. */
const lz4FrameHeader = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73]
const lz4BlockBytes = 4 * 1024 * 1024

const deflaters: Readonly<Record<Exclude<Codec, 'none'>, (bytes: Uint8Array) => Uint8Array>> = {
  gzip: (bytes) => gzipSync(bytes),
  snappy: snappyLiteral,
  lz4: lz4Stored,
  zstd: (bytes) => zstdCompressSync(bytes),
}

/** Compresses the records of a batch. Snappy and LZ4 frame the bytes and do not make them smaller. */
export function deflate(codec: Exclude<Codec, 'none'>, bytes: Uint8Array): Uint8Array {
  return deflaters[codec](bytes)
}

/** The length as a varint, then one literal with its length in four bytes. */
function snappyLiteral(bytes: Uint8Array): Uint8Array {
  const head: number[] = []
  let rest = bytes.length
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) head.push((rest & 0x7f) | 0x80)
  head.push(rest)
  if (bytes.length > 0) {
    const last = bytes.length - 1
    head.push(63 << 2, last & 0xff, (last >>> 8) & 0xff, (last >>> 16) & 0xff, last >>> 24)
  }
  return Buffer.concat([Uint8Array.from(head), bytes])
}

/** Blocks that say by their highest bit that they are not compressed. */
function lz4Stored(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.from(lz4FrameHeader)]
  for (let start = 0; start < bytes.length; start += lz4BlockBytes) {
    const block = bytes.subarray(start, start + lz4BlockBytes)
    parts.push(littleEndian((block.length | 0x80000000) >>> 0), block)
  }
  return Buffer.concat([...parts, littleEndian(0)])
}

function littleEndian(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24)
}
