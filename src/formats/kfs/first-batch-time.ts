import { dataViewOf } from '../bytes/data-view.ts'
import { headerBytes } from './layout.ts'

/** So many bytes at a segment's beginning tell the time of its first batch. */
export const timeHeaderBytes = headerBytes + 43

/** The end of the year 9999: what lies behind it is no time. */
const latestMs = 253_402_300_799_999n

/**
 * The highest timestamp of a segment's first record batch, ms, from the segment's first `timeHeaderBytes`; null where the batch has none
 * (−1) or an absurd one, is of a format without times, or the bytes are too few. Of messages of version 1 it is the time of the first, or of the set that it wraps. Under no checksum: good for finding a place, and for nothing else.
 */
export function readFirstBatchTime(start: Uint8Array): number | null {
  if (start.length < timeHeaderBytes) return null
  const view = dataViewOf(start)
  const magic = view.getInt8(headerBytes + 16)
  if (magic !== 1 && magic !== 2) return null
  const maxTimestampMs = view.getBigInt64(headerBytes + (magic === 1 ? 18 : 35))
  return maxTimestampMs < 0n || maxTimestampMs > latestMs ? null : Number(maxTimestampMs)
}
