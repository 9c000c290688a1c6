import type { TopicPartition } from '../../model/topic-partition.ts'
import type { ObjectStore } from '../../seams/object-store.ts'
import { acceptSegments } from './accept-segments.ts'
import { listSegments } from './list-segments.ts'
import { type Cursor, segmentAtCursor } from './plan-tail.ts'

/** Why a topic-partition stops whose log began anew. */
export const restartedReason =
  'the log was restarted: its first segment is newer than the last one that was materialized. Its offsets mean other records now; ' +
  'if that is so, run with --source-restarted'

/**
 * Whether a log began anew: what stands first in the bucket is newer than what stood at the cursor. To be asked where the segment at the
 * cursor is gone or has other bytes; one LIST.
 */
export async function isRestarted(store: ObjectStore, prefix: string, at: TopicPartition, cursor: Cursor): Promise<boolean> {
  const { objects, listedAtMs } = await listSegments(store, prefix, at, null, { maxBytes: 0, maxObjects: 1 })
  const first = acceptSegments(objects, listedAtMs, 0).segments[0]
  return first !== undefined && first.baseOffset < cursor.baseOffset && first.lastModifiedMs > cursor.lastModifiedMs
}

/** The same where it is not known what stands at the cursor now: one LIST, or two. */
export async function hasBegunAnew(store: ObjectStore, prefix: string, at: TopicPartition, cursor: Cursor): Promise<boolean> {
  const { objects } = await listSegments(store, prefix, at, cursor.baseOffset, { maxBytes: 0, maxObjects: 1 })
  return segmentAtCursor(cursor, objects) !== 'same' && isRestarted(store, prefix, at, cursor)
}
