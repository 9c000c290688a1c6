import { readFirstBatchTime, timeHeaderBytes } from '../../formats/kfs/first-batch-time.ts'
import type { SegmentRef } from '../../model/segment.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { ObjectStore } from '../../seams/object-store.ts'
import { acceptSegments } from './accept-segments.ts'
import { listFolder } from './list-folder.ts'
import { firstOffsetAt, segmentEnd } from './resolve-start.ts'

/** Where a time is in a topic-partition. */
export interface TimePlace {
  readonly offset: bigint
  /** Where the first segment that there is begins: of what lies before it nothing tells the time. */
  readonly first: bigint
}

/**
 * The offset of the first record of `timeMs` or later, as Kafka's ListOffsets has it, as far as times go up with offsets: one past the
 * last record where all are older; null where the topic-partition has no segment. A search over the times of the segments' first
 * batches, some dozen bytes each, and then one or two segments are read.
 * Throws what the store throws, also where a segment is gone between listing and reading.
 */
export async function offsetAtTime(
  store: Pick<ObjectStore, 'list' | 'get'>,
  prefix: string,
  at: TopicPartition,
  timeMs: number,
  maxBatchBytes: number,
): Promise<TimePlace | null> {
  const segments = await segmentsOf(store, prefix, at)
  if (segments.length === 0) return null
  const first = segments[0].baseOffset
  let [low, high] = [0, segments.length]
  // The first segment whose first batch has a time of `timeMs` or later: the record is in it or in the one before.
  while (low < high) {
    const middle = (low + high) >>> 1
    const time = await timeOf(store, segments[middle])
    if (time >= timeMs) high = middle
    else low = middle + 1
  }
  for (const segment of segments.slice(Math.max(0, low - 1), low + 1)) {
    const offset = firstOffsetAt(segment, await bytesOf(store, segment), timeMs, maxBatchBytes)
    if (offset !== null) return { offset, first }
  }
  if (low < segments.length) return { offset: segments[low].baseOffset, first }
  const newest = segments[segments.length - 1]
  return { offset: segmentEnd(newest, await bytesOf(store, newest), maxBatchBytes).end, first }
}

/** What little of each segment the search needs. */
async function segmentsOf(store: Pick<ObjectStore, 'list'>, prefix: string, at: TopicPartition): Promise<SegmentRef[]> {
  const segments: SegmentRef[] = []
  for await (const { objects, dateMs } of listFolder(store, prefix, at, null)) {
    // A pair that lies on two pages is left out: its neighbours lead to the same place.
    segments.push(...acceptSegments(objects, dateMs, 0).segments)
  }
  return segments
}

/** The time of the first batch; that of the object where the batch has none. */
async function timeOf(store: Pick<ObjectStore, 'get'>, segment: SegmentRef): Promise<number> {
  const bytes = await store.get(segment.key, { ifMatch: segment.etag, range: { start: 0, end: timeHeaderBytes } })
  return readFirstBatchTime(bytes) ?? segment.lastModifiedMs
}

function bytesOf(store: Pick<ObjectStore, 'get'>, segment: SegmentRef): Promise<Uint8Array> {
  return store.get(segment.key, { ifMatch: segment.etag })
}
