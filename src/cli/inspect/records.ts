import { isUtf8 } from '../../formats/bytes/utf8.ts'
import type { BatchHeader } from '../../formats/kafka/batch-header.ts'
import type { RecordFrames } from '../../formats/kafka/record-frames.ts'
import { displayWidth, printable } from '../printable.ts'

/** A record as it is listed; null is Kafka's null. */
export interface ListedRecord {
  readonly offset: bigint
  /** ms since 1970; −1 where there is none. */
  readonly timestampMs: bigint
  readonly timestampType: BatchHeader['timestampType']
  readonly isControl: boolean
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly { readonly key: Uint8Array; readonly value: Uint8Array | null }[]
}

/** The first `limit` records of a batch that was decoded into `frames`. */
export function listRecords(batch: BatchHeader, frames: RecordFrames, limit: number): ListedRecord[] {
  const slice = (start: number, length: number) => frames.bytes.subarray(start, start + length)
  const nullable = (start: number, length: number) => (length < 0 ? null : slice(start, length))
  return Array.from({ length: Math.min(limit, frames.count) }, (_, i) => ({
    offset: batch.baseOffset + BigInt(frames.offsetDelta[i]),
    timestampMs: frames.timestampMs[i],
    timestampType: batch.timestampType,
    isControl: batch.isControl,
    key: nullable(frames.keyStart[i], frames.keyLength[i]),
    value: nullable(frames.valueStart[i], frames.valueLength[i]),
    headers: Array.from({ length: frames.firstHeader[i + 1] - frames.firstHeader[i] }, (_unused, n) => {
      const h = frames.firstHeader[i] + n
      return {
        key: slice(frames.headerKeyStart[h], frames.headerKeyLength[h]),
        value: nullable(frames.headerValueStart[h], frames.headerValueLength[h]),
      }
    }),
  }))
}

/** A record with every byte, for programs: bytes in base64; a header's key as text where it is UTF-8. */
export function recordJson(record: ListedRecord): unknown {
  return {
    ...record,
    key: base64(record.key),
    value: base64(record.value),
    headers: record.headers.map(({ key, value }) => ({
      ...(isUtf8(key, 0, key.length) ? { key: Buffer.from(key).toString('utf8') } : { keyBase64: base64(key) }),
      value: base64(value),
    })),
  }
}

/** Bytes in at most `width` columns: in quotes where they are UTF-8 without control characters, else in base64; cut where they are longer. */
export function preview(bytes: Uint8Array | null, width: number): string {
  if (bytes === null) return 'null'
  const size = ` … ${bytes.length} bytes`
  if (!isText(bytes)) {
    const text = `base64 ${Buffer.from(bytes.subarray(0, width)).toString('base64')}`
    return text.length <= width ? text : text.slice(0, Math.max(8, width - size.length)) + size
  }
  // A character has four bytes at most, and may be cut at the end here.
  const text = Buffer.from(bytes.subarray(0, width * 4)).toString('utf8')
  const whole = `"${printable(text)}"`
  if (bytes.length <= width * 4 && whole.length <= width) return whole
  let shown = ''
  for (const character of text) {
    const next = shown + printable(character)
    if (displayWidth(next) > Math.max(8, width - size.length - 2)) break
    shown = next
  }
  return `"${shown}"${size}`
}

/** What a control record says (Kafka protocol, control records: its key is version and type, int16 each). */
export function controlText(key: Uint8Array | null): string {
  const type = key !== null && key.length >= 4 ? (key[2] << 8) | key[3] : -1
  return `control record: ${type === 0 ? 'abort' : type === 1 ? 'commit' : 'unknown'}`
}

function isText(bytes: Uint8Array): boolean {
  return isUtf8(bytes, 0, bytes.length) && bytes.every((byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d)
}

function base64(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('base64')
}
