import { parseSegmentFileName, partitionPrefix } from '../../formats/kfs/segment-key.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { ObjectInfo, ObjectStore } from '../../seams/object-store.ts'
import { listFolder } from './list-folder.ts'

export interface Listing {
  /** What lies in the partition's own folder: segments, their indexes, and whatever else. */
  readonly objects: readonly ObjectInfo[]
  /** The store's clock when the listing began, ms. */
  readonly listedAtMs: number
  /** Whether the listing reached the end of the partition; else there is more behind the last object. */
  readonly complete: boolean
}

/**
 * Lists a topic-partition from the segment at `fromBaseOffset` on (null: from its beginning) until one of the bounds is met, but never
 * less than one complete segment beyond that one: a listing that ended at what it began with would be the same the next time.
 */
export async function listSegments(
  store: ObjectStore,
  prefix: string,
  at: TopicPartition,
  fromBaseOffset: bigint | null,
  bounds: { readonly maxBytes: number; readonly maxObjects: number },
): Promise<Listing> {
  const folder = partitionPrefix(prefix, at)
  const objects: ObjectInfo[] = []
  const indexed = new Set<bigint>()
  let bytes = 0
  let found = false
  let listedAtMs: number | null = null
  for await (const page of listFolder(store, prefix, at, fromBaseOffset)) {
    listedAtMs ??= page.dateMs
    objects.push(...page.objects)
    for (const { key, size } of page.objects) {
      if (found) {
        bytes += size
        continue
      }
      const name = parseSegmentFileName(key.slice(folder.length))
      if (name !== null && name.baseOffset === fromBaseOffset) continue
      bytes += size
      if (name?.extension === 'index') indexed.add(name.baseOffset)
      else if (name !== null) found = indexed.has(name.baseOffset)
    }
    if (found && (bytes >= bounds.maxBytes || objects.length >= bounds.maxObjects)) return { objects, listedAtMs, complete: false }
  }
  return { objects, listedAtMs: listedAtMs ?? 0, complete: true }
}
