import type { Bound } from '../../model/bound.ts'
import type { OffsetRange } from '../../model/offset-range.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'

/** What is looked at of the tables. */
export interface Scope {
  /** Null: every topic. */
  readonly topic: string | null
  /** Null: every partition. */
  readonly partitions: readonly number[] | null
  readonly from: Bound
  /** Exclusive. */
  readonly to: Bound
}

export const everything: Scope = { topic: null, partitions: null, from: null, to: null }

/** The offsets of a topic-partition that are looked at. */
export interface Window {
  readonly at: TopicPartition
  readonly range: OffsetRange
}

/** Whether the scope leaves nothing out. */
export function isEverything({ topic, partitions, from, to }: Scope): boolean {
  return topic === null && partitions === null && from === null && to === null
}

/** Those of topic-partitions that the scope is about. */
export function coveredBy({ topic, partitions }: Scope, all: readonly TopicPartition[]): TopicPartition[] {
  return all.filter((at) => (topic ?? at.topic) === at.topic && partitions?.includes(at.partition) !== false)
}
