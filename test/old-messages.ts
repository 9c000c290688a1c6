import { crc32, gzipSync } from 'node:zlib'

/** A message of the formats 0 and 1, encoded by a program of its own: what reads them has another. */
export interface OldMessage {
  readonly offset: number | bigint
  readonly value: Uint8Array | string | null
  readonly key?: Uint8Array | string | null
  /** Ms; of magic 1. */
  readonly timestampMs?: number
  /** Codec in bits 0 to 2, timestamp type in bit 3. */
  readonly attributes?: number
}

/** One entry of a message set. */
export function oldMessage(magic: 0 | 1, { offset, value, key = null, timestampMs = -1, attributes = 0 }: OldMessage): Buffer {
  const time = Buffer.alloc(magic === 1 ? 8 : 0)
  if (magic === 1) time.writeBigInt64BE(BigInt(timestampMs))
  const body = Buffer.concat([Buffer.from([magic, attributes]), time, field(key), field(value)])
  const head = Buffer.alloc(16)
  head.writeBigInt64BE(BigInt(offset))
  head.writeInt32BE(body.length + 4, 8)
  head.writeUInt32BE(crc32(body), 12)
  return Buffer.concat([head, body])
}

/** A wrapper around entries, gzip. */
export function oldWrapper(magic: 0 | 1, wrapper: Omit<OldMessage, 'value'>, entries: readonly Uint8Array[]): Buffer {
  const attributes = (wrapper.attributes ?? 0) | 1
  return oldMessage(magic, { ...wrapper, attributes, value: gzipSync(Buffer.concat(entries)) })
}

function field(bytes: Uint8Array | string | null): Buffer {
  const content = bytes === null ? Buffer.alloc(0) : Buffer.from(bytes)
  const length = Buffer.alloc(4)
  length.writeInt32BE(bytes === null ? -1 : content.length)
  return Buffer.concat([length, content])
}
