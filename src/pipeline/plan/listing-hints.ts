import { elapsedMs } from '../../model/elapsed.ts'
import { type TopicPartition, topicPartitionName } from '../../model/topic-partition.ts'
import type { Clock } from '../../seams/clock.ts'
import type { HighWatermarks } from '../../seams/high-watermarks.ts'

/** However quiet a topic-partition is said to be, it is listed after this long: what is said may be stale. */
const auditMs = 600_000

/**
 * Which topic-partitions need no LIST now: those that were listed to their end not long ago, and whose high watermark has not moved
 * since, or just to the end of what is decided. Where none is told, all are listed.
 */
export class ListingHints {
  readonly #watermarks: HighWatermarks
  readonly #clock: Clock
  readonly #listed = new Map<string, { readonly next: bigint; readonly atMs: number }>()

  constructor(watermarks: HighWatermarks, clock: Clock) {
    this.#watermarks = watermarks
    this.#clock = clock
  }

  /** To be asked before a listing begins: what is written while it goes by then shows as a change. */
  nextOffset(at: TopicPartition): bigint | undefined {
    return this.#watermarks.nextOffset(at)
  }

  /** `decidedEnd`: one past the highest decided offset. A watermark below it lags or went back, and tells nothing. */
  isQuiet(at: TopicPartition, decidedEnd: bigint): boolean {
    const listed = this.#listed.get(topicPartitionName(at))
    const next = this.nextOffset(at)
    if (listed === undefined || next === undefined || elapsedMs(this.#clock.now(), listed.atMs) >= auditMs) return false
    return next >= decidedEnd && (next === listed.next || next === decidedEnd)
  }

  /** A listing reached the end, and nothing in it has to wait. `next`: the high watermark before it. */
  listed(at: TopicPartition, next: bigint | undefined): void {
    if (next !== undefined) this.#listed.set(topicPartitionName(at), { next, atMs: this.#clock.now() })
  }

  /** The topic-partition is listed the next time. */
  forget(at: TopicPartition): void {
    this.#listed.delete(topicPartitionName(at))
  }
}
