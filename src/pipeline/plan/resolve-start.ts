import { lastOffsetOf } from '../../formats/kafka/batch-header.ts'
import { RecordFrames } from '../../formats/kafka/record-frames.ts'
import { decodeRecords } from '../../formats/kafka/records.ts'
import { frameSegment } from '../../formats/kfs/segment.ts'
import type { SegmentRef } from '../../model/segment.ts'

/**
 * One past the last offset of a segment, by its batches; its base offset where it has none that can be read. `isWhole`: whether that is
 * its end, and not where its bytes are damaged.
 */
export function segmentEnd(
  segment: SegmentRef,
  bytes: Uint8Array,
  maxBatchBytes: number,
): { readonly end: bigint; readonly isWhole: boolean } {
  const { batches, fault } = frameSegment(bytes, segment, { maxBatchBytes })
  const end = batches.reduce((most, batch) => (lastOffsetOf(batch) >= most ? lastOffsetOf(batch) + 1n : most), segment.baseOffset)
  return { end, isWhole: fault === null }
}

/**
 * The offset of a segment's first record whose timestamp is `timeMs` or later; null where it has none. What can not be read might have
 * one: then it is the segment's base offset, so that reading stops there and nothing is left out.
 */
export function firstOffsetAt(segment: SegmentRef, bytes: Uint8Array, timeMs: number, maxBatchBytes: number): bigint | null {
  const frames = new RecordFrames()
  const { batches, fault } = frameSegment(bytes, segment, { maxBatchBytes })
  if (fault !== null) return segment.baseOffset
  for (const batch of batches) {
    if (batch.maxTimestampMs < BigInt(timeMs)) continue
    if (decodeRecords(bytes, batch, { maxBatchBytes }, frames) !== null) return segment.baseOffset
    for (let i = 0; i < frames.count; i++) {
      const offset = batch.baseOffset + BigInt(frames.offsetDelta[i])
      if (Number(frames.timestampMs[i]) >= timeMs && offset >= segment.baseOffset) return offset
    }
  }
  return null
}

/**
 * Where reading by time must begin to look: a segment written before `timeMs` holds no record of that time or later, unless clocks
 * disagree, so the first one written at it or after is looked into first. Stores tell whole seconds. −1 where all are older.
 */
export function firstSegmentAt(segments: readonly SegmentRef[], timeMs: number): number {
  return segments.findIndex((segment) => segment.lastModifiedMs + 999 >= timeMs)
}
