import type { TopicPartition } from './topic-partition.ts'

/** A task that was given up after several tries. */
export interface SetAsideTask {
  /** With its namespace: `analytics.orders`. */
  readonly table: string
  /** What it was to read, from which offset on; none where a newer version of this program has asked for it. */
  readonly parts: readonly (TopicPartition & { readonly offset: bigint; readonly isHistory: boolean })[]
  readonly reason: string
}
