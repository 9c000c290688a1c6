import { inflateLz4 } from './lz4-frame.ts'
import { inflateSnappy } from './snappy.ts'
import { inflateGzip, inflateZstd } from './zlib.ts'

/** How the records of a batch are compressed: bits 0 to 2 of its attributes, in this order. */
export const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Codec = (typeof codecs)[number]

const inflaters: Readonly<Record<Exclude<Codec, 'none'>, (bytes: Uint8Array, maxBytes: number) => Uint8Array>> = {
  gzip: inflateGzip,
  snappy: inflateSnappy,
  lz4: inflateLz4,
  zstd: inflateZstd,
}

/** Inflates the records of a batch. Throws a CodecError where they are damaged or would take more than `maxBytes`. */
export function inflate(codec: Exclude<Codec, 'none'>, bytes: Uint8Array, maxBytes: number): Uint8Array {
  return inflaters[codec](bytes, maxBytes)
}
