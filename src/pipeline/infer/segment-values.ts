import { dataViewOf } from '../../formats/bytes/data-view.ts'
import { type BatchHeader, lastOffsetOf, lengthFieldEnd } from '../../formats/kafka/batch-header.ts'
import { readBatch } from '../../formats/kafka/old-messages.ts'
import { RecordFrames } from '../../formats/kafka/record-frames.ts'
import { decodeRecords } from '../../formats/kafka/records.ts'
import { headerBytes } from '../../formats/kfs/layout.ts'
import { frameSegment } from '../../formats/kfs/segment.ts'
import type { SegmentRef } from '../../model/segment.ts'

/** How many values are taken from a segment. */
export interface ValueQuota {
  readonly maxValues: number
  /** Of all values together; the first one is taken if it has up to `maxFirstBytes`. */
  readonly maxBytes: number
  readonly maxFirstBytes: number
  /** A compressed batch may inflate to this many bytes. */
  readonly maxBatchBytes: number
}

/** What a segment gave. */
export interface SegmentValues {
  /** Copies, in offset order. */
  readonly values: readonly Uint8Array[]
  readonly nulls: number
  /** Whether these are all that the segment has. */
  readonly isComplete: boolean
}

/**
 * The first values of a segment of which the first bytes were read, or all. Batches that the end of the bytes cuts off, damaged ones
 * and what follows them are left out. Control batches have no values.
 */
export function segmentValues(segment: SegmentRef, bytes: Uint8Array, quota: ValueQuota): SegmentValues {
  const isWhole = bytes.length === segment.size
  const { batches, fault } = isWhole ? frameSegment(bytes, segment, quota) : { batches: leadingBatches(bytes, segment, quota), fault: null }
  const frames = new RecordFrames()
  const values: Uint8Array[] = []
  let size = 0
  let nulls = 0
  for (const batch of batches) {
    if (batch.isControl) continue
    const unsound = decodeRecords(bytes, batch, quota, frames)
    for (let i = 0; i < frames.count; i++) {
      const length = frames.valueLength[i]
      if (length < 0) {
        nulls++
        continue
      }
      const fits = values.length === 0 ? length <= quota.maxFirstBytes : size + length <= quota.maxBytes
      if (values.length === quota.maxValues || !fits) return { values, nulls, isComplete: false }
      values.push(frames.bytes.slice(frames.valueStart[i], frames.valueStart[i] + length))
      size += length
    }
    if (unsound !== null) return { values, nulls, isComplete: false }
  }
  return { values, nulls, isComplete: isWhole && fault === null }
}

/** The sound batches at the beginning of a segment whose end was not read. */
function leadingBatches(bytes: Uint8Array, { baseOffset }: SegmentRef, quota: ValueQuota): BatchHeader[] {
  const view = dataViewOf(bytes)
  const batches: BatchHeader[] = []
  let nextOffset = baseOffset
  for (let position = headerBytes; position < bytes.length;) {
    const batch = readBatch(bytes, view, position, bytes.length, nextOffset, quota)
    if ('kind' in batch) break
    batches.push(batch)
    position += batch.length
    nextOffset = lastOffsetOf(batch) + 1n
  }
  return batches
}

/** Where a segment's first batch ends, by what its header says; 0 where the bytes do not reach so far. */
export function firstBatchEnd(bytes: Uint8Array): number {
  const lengthAt = headerBytes + lengthFieldEnd - 4
  return bytes.length < lengthAt + 4 ? 0 : headerBytes + lengthFieldEnd + dataViewOf(bytes).getInt32(lengthAt)
}
