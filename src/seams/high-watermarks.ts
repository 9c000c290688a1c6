import type { TopicPartition } from '../model/topic-partition.ts'

/**
 * The high watermarks that the broker tells of its topic-partitions: the offset that its next record gets. A hint that there is work, and
 * nothing more: it may lag, go backwards or be lost, and listing the source stays the truth. Driver: etcd.
 */
export interface HighWatermarks {
  /** What was told last; undefined where nothing was, or where nobody tells now. */
  nextOffset(at: TopicPartition): bigint | undefined
  /** Every topic-partition with a watermark above 0; null where nobody tells now. The same array until one comes or goes. */
  known(): readonly TopicPartition[] | null
  /** Calls `listener` with each topic-partition whose watermark has changed; the function that is returned ends that. */
  onChange(listener: (at: TopicPartition) => void): () => void
  close(): Promise<void>
}
