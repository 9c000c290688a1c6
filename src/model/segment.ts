/** A segment as a listing shows it: enough to read it in one request and to notice when somebody wrote it again. */
export interface SegmentRef {
  readonly key: string
  /** From the key; the bytes must agree. */
  readonly baseOffset: bigint
  readonly size: number
  readonly etag: string
  readonly lastModifiedMs: number
  /**
   * Whether it had been there for the grace age when the listing began. Only before a settled segment is missing data a gap: before
   * a younger one it may be an object that was written while the listing went by.
   */
  readonly settled: boolean
  /**
   * Set where the newest segment is taken before its grace age, because the high watermark tells that it was written for good: what it
   * told. A segment that reaches beyond it is still being written, by somebody else perhaps, and has to wait.
   */
  readonly writtenTo?: bigint
}

/**
 * The last segment that a topic-partition's tail has decided whole: where the next listing starts, and what shows that a
 * decided segment was written again or that the log was restarted. A hint for finding work; what is decided is progress alone.
 */
export interface Frontier {
  readonly baseOffset: bigint
  readonly size: number
  readonly etag: string
  readonly lastModifiedMs: number
  /** The highest record timestamp (ms) decided so far; null where no record had one. */
  readonly maxTimestampMs: number | null
}

/** Frontiers by source, topic and partition. */
export type Frontiers = ReadonlyMap<string, ReadonlyMap<string, ReadonlyMap<number, Frontier>>>

export function frontierOf(frontiers: Frontiers, source: string, at: { topic: string; partition: number }): Frontier | null {
  return frontiers.get(source)?.get(at.topic)?.get(at.partition) ?? null
}

export function withFrontier(
  frontiers: Frontiers,
  source: string,
  at: { topic: string; partition: number },
  frontier: Frontier,
): Frontiers {
  const topics = frontiers.get(source) ?? new Map<string, ReadonlyMap<number, Frontier>>()
  const partitions = topics.get(at.topic) ?? new Map<number, Frontier>()
  return new Map(frontiers).set(source, new Map(topics).set(at.topic, new Map(partitions).set(at.partition, frontier)))
}
