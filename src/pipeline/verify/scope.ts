import type { OffsetRange } from '../../model/offset-range.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'

/** What is looked at of the tables. */
export interface Scope {
  /** Null: every topic. */
  readonly topic: string | null
  /** Null: every partition. */
  readonly partitions: readonly number[] | null
  /** The first offset; null: from the beginning. */
  readonly from: bigint | null
  /** One past the last offset; null: to the end. */
  readonly to: bigint | null
}

export const everything: Scope = { topic: null, partitions: null, from: null, to: null }

const lastOffset = 0x7fffffffffffffffn

/** The offsets of a topic-partition that are looked at. */
export interface Window {
  readonly at: TopicPartition
  readonly range: OffsetRange
}

/** Whether the scope leaves nothing out. */
export function isEverything({ topic, partitions, from, to }: Scope): boolean {
  return topic === null && partitions === null && from === null && to === null
}

/** What a scope means for topic-partitions. */
export function windowsOf({ topic, partitions, from, to }: Scope, all: readonly TopicPartition[]): Window[] {
  const range: OffsetRange = [from ?? 0n, to ?? lastOffset]
  const covered = all.filter((at) => (topic ?? at.topic) === at.topic && partitions?.includes(at.partition) !== false)
  return covered.map((at) => ({ at, range }))
}
