import { noOffsets, normalizeRanges, type OffsetRange, type OffsetRanges, subtractRanges, unionRanges } from './offset-range.ts'
import type { TopicPartition } from './topic-partition.ts'

/**
 * What has been decided, for each source, topic and partition: materialized as a row, skipped, or a control record.
 *
 * Invariant: progress only grows from snapshot to snapshot of one history, and it is written by the very commit that adds the
 * rows. Whatever else is lost (queue, workers, this process), the table and its progress can not disagree.
 */
export type Progress = ReadonlyMap<string, SourceProgress>
export type SourceProgress = ReadonlyMap<string, ReadonlyMap<number, OffsetRanges>>

export const noProgress: Progress = new Map()

/** The decided offsets of one topic-partition; empty where nothing was decided. */
export function decidedRanges(progress: Progress, source: string, at: TopicPartition): OffsetRanges {
  return progress.get(source)?.get(at.topic)?.get(at.partition) ?? noOffsets
}

/** Progress in which `ranges` are decided too. */
export function withDecided(progress: Progress, source: string, at: TopicPartition, ranges: OffsetRanges): Progress {
  const ofSource = progress.get(source) ?? new Map<string, ReadonlyMap<number, OffsetRanges>>()
  const ofTopic = ofSource.get(at.topic) ?? new Map<number, OffsetRanges>()
  const union = unionRanges(ofTopic.get(at.partition) ?? noOffsets, ranges)
  return new Map(progress).set(source, new Map(ofSource).set(at.topic, new Map(ofTopic).set(at.partition, union)))
}

/** Everything that is in `a` or in `b`. */
export function unionProgress(a: Progress, b: Progress): Progress {
  return decidedSets(b).reduce((union, { source, at, ranges }) => withDecided(union, source, at, ranges), a)
}

/** One decided set, with its place. */
export interface DecidedSet {
  readonly source: string
  readonly at: TopicPartition
  readonly ranges: OffsetRanges
}

/** Every set of the progress, ordered by source, topic and partition. */
export function decidedSets(progress: Progress): DecidedSet[] {
  const sets: DecidedSet[] = []
  for (const source of [...progress.keys()].sort()) {
    const topics = progress.get(source)!
    for (const topic of [...topics.keys()].sort()) {
      const partitions = topics.get(topic)!
      for (const partition of [...partitions.keys()].sort((a, b) => a - b)) {
        sets.push({ source, at: { topic, partition }, ranges: partitions.get(partition)! })
      }
    }
  }
  return sets
}

/** What `progress` has decided and `other` has not. Empty: `other` knows at least as much. */
export function progressBeyond(progress: Progress, other: Progress): DecidedSet[] {
  return decidedSets(progress)
    .map((set) => ({ ...set, ranges: subtractRanges(set.ranges, decidedRanges(other, set.source, set.at)) }))
    .filter((set) => set.ranges.length > 0)
}

/**
 * Progress from sets as they were read from outside. Throws a RangeError where a range ends before it starts,
 * a number is negative or a partition is no int32.
 */
export function progressOf(sets: Iterable<{ source: string; at: TopicPartition; ranges: readonly OffsetRange[] }>): Progress {
  let progress = noProgress
  for (const { source, at, ranges } of sets) {
    if (!Number.isInteger(at.partition) || at.partition < 0 || at.partition > 0x7fffffff) {
      throw new RangeError(`partition ${at.partition} of topic ${at.topic} is no Kafka partition id`)
    }
    for (const [start] of ranges) {
      if (start < 0n) throw new RangeError(`offset range of ${at.topic}/${at.partition} starts at ${start}, below 0`)
    }
    progress = withDecided(progress, source, at, normalizeRanges(ranges))
  }
  return progress
}
