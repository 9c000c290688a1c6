/** One partition of one Kafka topic. */
export interface TopicPartition {
  readonly topic: string
  /** Kafka partition id, 0 or more (int32). */
  readonly partition: number
}

/** `topic/partition`: how a topic-partition is written in logs, task ids and bucket keys. */
export function topicPartitionName(at: TopicPartition): string {
  return `${at.topic}/${at.partition}`
}
