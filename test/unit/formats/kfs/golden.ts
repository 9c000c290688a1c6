import { readFileSync } from 'node:fs'
import type { BatchHeader } from '../../../../src/formats/kafka/batch-header.ts'
import type { RecordFrames } from '../../../../src/formats/kafka/record-frames.ts'

const root = new URL('../../../golden/', import.meta.url)

export interface GoldenObject {
  readonly key: string
  readonly topic: string
  readonly partition: number
  readonly base_offset: number
  readonly last_offset: number
  readonly record_count: number
  readonly created_ms: number
  readonly size: number
  readonly index_key: string
  readonly index_interval: number
  readonly index_entries: readonly (readonly [number, number])[]
  readonly batches: readonly Readonly<Record<string, number | string | boolean>>[]
}

export interface PlainRecord {
  readonly offset: number
  readonly timestampMs: number
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly { readonly key: string; readonly value: string | null }[]
}

export const goldenObjects = (JSON.parse(readFileSync(new URL('manifest.json', root), 'utf8')) as { objects: GoldenObject[] }).objects

export function goldenBytes(key: string): Uint8Array {
  return readFileSync(new URL(`bucket/${key}`, root))
}

/** The lines of expected.jsonl in this project's words; keys, values and header values in base64. */
export function goldenExpected(topic: string, partition: number): (PlainRecord & { isLogAppendTime: boolean })[] {
  const text = readFileSync(new URL(`expected/${topic}/${partition}/expected.jsonl`, root), 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const record = JSON.parse(line)
      return {
        offset: record.offset,
        timestampMs: record.timestamp,
        isLogAppendTime: record.timestamp_type === 1,
        key: record.key_b64,
        value: record.value_b64,
        headers: record.headers.map((header: { k: string; v: string | null }) => ({ key: header.k, value: header.v })),
      }
    })
}

/** What `decodeRecords` put into `frames`, as objects. */
export function plainRecords(batch: BatchHeader, frames: RecordFrames): PlainRecord[] {
  const base64 = (start: number, length: number): string | null =>
    length === -1 ? null : Buffer.from(frames.bytes.subarray(start, start + length)).toString('base64')
  return Array.from({ length: frames.count }, (_, i) => ({
    offset: Number(batch.baseOffset) + frames.offsetDelta[i],
    timestampMs: Number(frames.timestampMs[i]),
    key: base64(frames.keyStart[i], frames.keyLength[i]),
    value: base64(frames.valueStart[i], frames.valueLength[i]),
    headers: Array.from({ length: frames.firstHeader[i + 1] - frames.firstHeader[i] }, (_unused, j) => {
      const h = frames.firstHeader[i] + j
      const key = frames.bytes.subarray(frames.headerKeyStart[h], frames.headerKeyStart[h] + frames.headerKeyLength[h])
      return { key: Buffer.from(key).toString('utf8'), value: base64(frames.headerValueStart[h], frames.headerValueLength[h]) }
    }),
  }))
}
