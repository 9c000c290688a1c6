import { type BatchFields, type NewRecord, writeBatch } from '../../../src/formats/kafka/write.ts'
import { segmentKey } from '../../../src/formats/kfs/segment-key.ts'
import { writeSegment } from '../../../src/formats/kfs/write.ts'
import { crc32c } from '../../../src/formats/bytes/crc32c.ts'
import type { SegmentRef } from '../../../src/model/segment.ts'
import type { TaskPart } from '../../../src/model/task.ts'

export const at = { topic: 'orders', partition: 0 } as const

/** When everything in these tests was written, unless a test says otherwise. */
export const writtenMs = Date.UTC(2026, 0, 1)

/** A segment with what a listing shows of it. */
export interface Written {
  readonly ref: SegmentRef
  readonly bytes: Uint8Array
}

/** A record whose value is the text; all else is as plain as can be. */
export function record(value: string | Uint8Array | null, fields: Partial<NewRecord> = {}): NewRecord {
  return {
    timestampMs: BigInt(writtenMs),
    key: null,
    headers: [],
    value: typeof value === 'string' ? Buffer.from(value) : value,
    ...fields,
  }
}

/** A batch of these records, or of so many whose values tell their offsets. */
export function batch(baseOffset: bigint, records: readonly NewRecord[] | number, fields: Partial<BatchFields> = {}): Uint8Array {
  const made = typeof records === 'number' ? Array.from({ length: records }, (_, i) => record(`v${baseOffset + BigInt(i)}`)) : records
  return writeBatch({ baseOffset, codec: 'none', records: made, ...fields })
}

/** A segment of these batches. `mark` tells apart two segments with one base offset. */
export function segment(baseOffset: bigint, batches: readonly Uint8Array[], mark = 'e'): Written {
  const bytes = writeSegment({ baseOffset, batches, createdMs: writtenMs }).segment
  return { ref: refOf(baseOffset, bytes.length, mark), bytes }
}

/** What a listing shows of a segment. */
export function refOf(baseOffset: bigint, size = 100, etag = 'e'): SegmentRef {
  return {
    key: segmentKey('', at, baseOffset, 'kfs'),
    baseOffset,
    size,
    etag: `${etag}${baseOffset}`,
    lastModifiedMs: writtenMs,
    settled: true,
  }
}

/** The segment with `change` made to its bytes, and the body's CRC computed again. */
export function damaged({ ref, bytes }: Written, change: (view: DataView) => void): Written {
  const copy = Uint8Array.from(bytes)
  const view = new DataView(copy.buffer)
  change(view)
  view.setUint32(copy.length - 16, crc32c(copy.subarray(32, copy.length - 16)))
  return { ref, bytes: copy }
}

export function partOf(segments: readonly Written[], more: Partial<TaskPart> = {}): TaskPart {
  return { at, follows: null, segments: segments.map(({ ref }) => ref), decided: [], startOffset: 0n, nextBaseOffset: null, ...more }
}

/** A segment around batches that need not be sound: only its frame is. */
export function framed(baseOffset: bigint, batches: readonly Uint8Array[]): { segment: Uint8Array; index: Uint8Array } {
  const { segment: empty, index } = writeSegment({ baseOffset, batches: [], createdMs: writtenMs })
  const body = Buffer.concat(batches)
  const whole = Uint8Array.from(Buffer.concat([empty.subarray(0, 32), body, empty.subarray(32)]))
  new DataView(whole.buffer).setUint32(32 + body.length, crc32c(body))
  return { segment: whole, index }
}
