import type { Task } from '../../model/task.ts'
import { type TopicPartition, topicPartitionName } from '../../model/topic-partition.ts'

/** A task that was handed out, and when: what shows whether its result still fits. */
export interface Planned {
  readonly task: Task
  /** Tasks are numbered as they are handed out, which is in offset order within each topic-partition. */
  readonly order: number
  /** The generation of each of its topic-partitions then. */
  readonly generations: ReadonlyMap<string, number>
}

/**
 * Which of a table's tasks still follow what stands before them. A task remembers the generation of each of its topic-partitions;
 * to begin one again makes a new generation, in which results of older ones have no place.
 */
export class Lineage {
  readonly #generations = new Map<string, number>()
  /** Where each topic-partition's part ended before its last segment: the task in which it did. Tasks planned behind it do not follow it. */
  readonly #ends = new Map<string, number>()
  #order = 0

  /** Numbers a task that is handed out now. */
  plan(task: Task): Planned {
    const generations = new Map(task.parts.map(({ at }) => [topicPartitionName(at), this.#generation(topicPartitionName(at))]))
    return { task, order: ++this.#order, generations }
  }

  /** A part of `planned` ended before its last segment. */
  endAt(at: TopicPartition, { order }: Planned): void {
    const name = topicPartitionName(at)
    this.#ends.set(name, Math.min(order, this.#ends.get(name) ?? Infinity))
  }

  begin(at: TopicPartition): void {
    const name = topicPartitionName(at)
    this.#generations.set(name, this.#generation(name) + 1)
    this.#ends.delete(name)
  }

  isStale(planned: Planned): boolean {
    return planned.task.parts.some(({ at }) => !this.holds(planned, at))
  }

  /** Whether what was planned of a topic-partition still follows what stands before it. */
  holds({ order, generations }: Planned, at: TopicPartition): boolean {
    const name = topicPartitionName(at)
    return generations.get(name) === this.#generation(name) && order <= (this.#ends.get(name) ?? Infinity)
  }

  #generation(name: string): number {
    return this.#generations.get(name) ?? 0
  }
}
