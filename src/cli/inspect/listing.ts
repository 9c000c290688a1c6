import { parseSegmentFileName } from '../../formats/kfs/segment-key.ts'
import type { SegmentRef } from '../../model/segment.ts'
import type { ObjectInfo, ObjectStore } from '../../seams/object-store.ts'

/** One topic-partition, as the listing shows it. */
export interface ListedPartition {
  /** What stands before the topic in the keys; empty or ends in a slash. */
  readonly prefix: string
  readonly topic: string
  readonly partition: number
  /** Segments with their index, ascending. */
  readonly segments: SegmentRef[]
  /** Sum of the segments' sizes, those without index among them. */
  bytes: number
  /** Keys of segments that have no index beside them. */
  readonly withoutIndex: string[]
  /** Keys of indexes that have no segment beside them. */
  readonly orphanIndexes: string[]
}

/** What lies under a prefix. */
export interface Listing {
  /** By prefix, topic and partition. */
  readonly partitions: readonly ListedPartition[]
  /** Objects that are no segment and no index: legal, and none of a processor's business. */
  readonly foreign: { readonly count: number; readonly bytes: number; readonly sample: readonly string[] }
}

const sampledObjects = 10
const directoryName = /^(|.*\/)([^/]+)\/(\d{1,10})\/$/s

/** Lists everything under `prefix`. `onPage` hears how many objects were seen so far. */
export async function listPrefix(store: ObjectStore, prefix: string, onPage: (objects: number) => Promise<void>): Promise<Listing> {
  const partitions = new Map<string, ListedPartition>()
  const foreign = { count: 0, bytes: 0, sample: [] as string[] }
  let waiting: Waiting | null = null
  let seen = 0
  for await (const { objects } of store.list({ prefix })) {
    for (const object of objects) {
      const found = recognize(object, partitions)
      if (found === null) {
        foreign.count++
        foreign.bytes += object.size
        if (foreign.sample.length < sampledObjects) foreign.sample.push(object.key)
        continue
      }
      if (found.extension === 'kfs') found.partition.bytes += object.size
      // In a listing an index stands right before its segment.
      if (waiting !== null && waiting.partition === found.partition && waiting.baseOffset === found.baseOffset) {
        found.partition.segments.push({ ...object, baseOffset: found.baseOffset, settled: true })
        waiting = null
      } else {
        settle(waiting)
        waiting = found
      }
    }
    await onPage((seen += objects.length))
  }
  settle(waiting)
  const sorted = [...partitions.values()].sort(
    (a, b) => compareText(a.prefix, b.prefix) || compareText(a.topic, b.topic) || a.partition - b.partition,
  )
  return { partitions: sorted, foreign }
}

interface Waiting {
  readonly partition: ListedPartition
  readonly baseOffset: bigint
  readonly extension: 'kfs' | 'index'
  readonly key: string
}

function recognize({ key }: ObjectInfo, partitions: Map<string, ListedPartition>): Waiting | null {
  const slash = key.lastIndexOf('/') + 1
  const name = parseSegmentFileName(key.slice(slash))
  const directory = key.slice(0, slash)
  let partition = partitions.get(directory)
  if (name === null) return null
  if (partition === undefined) {
    const match = directoryName.exec(directory)
    if (match === null || Number(match[3]) > 0x7fffffff || String(Number(match[3])) !== match[3]) return null
    partition = {
      prefix: match[1],
      topic: match[2],
      partition: Number(match[3]),
      segments: [],
      bytes: 0,
      withoutIndex: [],
      orphanIndexes: [],
    }
    partitions.set(directory, partition)
  }
  return { partition, ...name, key }
}

/** One that was listed alone. */
function settle(alone: Waiting | null): void {
  if (alone?.extension === 'kfs') alone.partition.withoutIndex.push(alone.key)
  if (alone?.extension === 'index') alone.partition.orphanIndexes.push(alone.key)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
