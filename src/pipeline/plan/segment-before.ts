import { parseSegmentFileName, partitionPrefix } from '../../formats/kfs/segment-key.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { ObjectStore } from '../../seams/object-store.ts'
import { listFolder } from './list-folder.ts'

/** How far before an offset it is looked at first. */
const firstStep = 4096n

/**
 * Base offset of the last segment that begins at `offset` or before it; null where there is none. Listings only go forward: it is looked
 * ever further back until one is met, each time with one page or a few.
 */
export async function segmentBefore(
  store: Pick<ObjectStore, 'list'>,
  prefix: string,
  at: TopicPartition,
  offset: bigint,
): Promise<bigint | null> {
  let end = offset + 1n
  for (let step = firstStep; ; step *= 8n) {
    const from = offset > step ? offset - step : null
    const found = await lastIn(store, prefix, at, from, end)
    if (found !== null || from === null) return found
    end = from
  }
}

/** Base offset of the last segment in `[from, end)`. */
async function lastIn(
  store: Pick<ObjectStore, 'list'>,
  prefix: string,
  at: TopicPartition,
  from: bigint | null,
  end: bigint,
): Promise<bigint | null> {
  let last: bigint | null = null
  const folder = partitionPrefix(prefix, at)
  for await (const { objects } of listFolder(store, prefix, at, from)) {
    for (const { key } of objects) {
      const name = parseSegmentFileName(key.slice(folder.length))
      if (name?.extension !== 'kfs') continue
      if (name.baseOffset >= end) return last
      last = name.baseOffset
    }
  }
  return last
}
