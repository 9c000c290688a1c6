import { type TopicPartition, topicPartitionName } from '../../../src/model/topic-partition.ts'
import type { HighWatermarks } from '../../../src/seams/high-watermarks.ts'

/** Watermarks that a test tells, loses and finds again. */
export interface ToldWatermarks extends HighWatermarks {
  tell(at: TopicPartition, next: bigint): void
  lose(): void
  find(): void
  listeners(): number
}

export function toldWatermarks(): ToldWatermarks {
  const offsets = new Map<string, { at: TopicPartition; next: bigint }>()
  const listeners = new Set<(at: TopicPartition) => void>()
  let known: readonly TopicPartition[] = []
  let isLive = true
  return {
    nextOffset: (at) => (isLive ? offsets.get(topicPartitionName(at))?.next : undefined),
    known: () => (isLive ? known : null),
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close: async () => undefined,
    tell(at, next) {
      if (!offsets.has(topicPartitionName(at))) known = [...known, at]
      offsets.set(topicPartitionName(at), { at, next })
      for (const listener of listeners) listener(at)
    },
    lose: () => (isLive = false),
    find: () => (isLive = true),
    listeners: () => listeners.size,
  }
}
