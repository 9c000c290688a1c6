import type { TopicPartition } from '../../model/topic-partition.ts'
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

async function foldersIn(store: ObjectStore, prefix: string): Promise<string[]> {
  const names: string[] = []
  for await (const page of store.list({ prefix, delimiter: '/' }))
    names.push(...page.prefixes.map((folder) => folder.slice(prefix.length, -1)))
  return names
}
