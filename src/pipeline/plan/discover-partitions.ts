import { type TopicPartition, topicPartitionName } from '../../model/topic-partition.ts'
import type { ObjectStore } from '../../seams/object-store.ts'
import { isGlob, matchTopics } from '../../spec/topic-glob.ts'

/**
 * The topic-partitions that the patterns name, found by listing with a delimiter: topics only where a pattern is a glob, then
 * each topic's partitions. Folders whose name is no partition number (`lfs/`) are foreign. Ordered by topic and partition.
 */
export async function discoverPartitions(store: ObjectStore, prefix: string, patterns: readonly string[]): Promise<TopicPartition[]> {
  const topics = new Set(patterns.filter((pattern) => !isGlob(pattern)))
  const globs = patterns.filter((pattern) => isGlob(pattern))
  if (globs.length > 0) for (const topic of matchTopics(globs, await foldersIn(store, prefix))) topics.add(topic)
  const found: TopicPartition[] = []
  for (const topic of [...topics].sort()) {
    const partitions = (await foldersIn(store, `${prefix}${topic}/`)).filter(
      (name) => /^(0|[1-9]\d{0,9})$/.test(name) && Number(name) <= 0x7fffffff,
    )
    found.push(
      ...partitions
        .map(Number)
        .sort((a, b) => a - b)
        .map((partition) => ({ topic, partition })),
    )
  }
  return found
}

/** What was found, and those of the topic-partitions told by somebody else that the patterns name. Ordered by topic and partition. */
export function withTold(
  found: readonly TopicPartition[],
  told: readonly TopicPartition[],
  patterns: readonly string[],
): readonly TopicPartition[] {
  const topics = new Set(matchTopics(patterns, new Set(told.map(({ topic }) => topic))))
  const known = new Set(found.map(topicPartitionName))
  const more = told.filter((at) => topics.has(at.topic) && !known.has(topicPartitionName(at)))
  if (more.length === 0) return found
  return [...found, ...more].sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
}

async function foldersIn(store: ObjectStore, prefix: string): Promise<string[]> {
  const names: string[] = []
  for await (const page of store.list({ prefix, delimiter: '/' }))
    names.push(...page.prefixes.map((folder) => folder.slice(prefix.length, -1)))
  return names
}
