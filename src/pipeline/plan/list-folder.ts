import { partitionQuery } from '../../formats/kfs/segment-key.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { ListPage, ObjectStore } from '../../seams/object-store.ts'

/**
 * Pages of what lies in a topic-partition's own folder, from the segment at `fromBaseOffset` on (null: from its beginning): segments, their
 * indexes, and whatever else. What somebody keeps in folders below is not the partition's. Throws what the store throws.
 */
export async function* listFolder(
  store: Pick<ObjectStore, 'list'>,
  prefix: string,
  at: TopicPartition,
  fromBaseOffset: bigint | null,
): AsyncGenerator<Pick<ListPage, 'objects' | 'dateMs'>, void, undefined> {
  const query = partitionQuery(prefix, at, fromBaseOffset)
  for await (const { objects, dateMs } of store.list(query)) {
    yield { objects: objects.filter(({ key }) => !key.includes('/', query.prefix.length)), dateMs }
  }
}
