import { WorkError } from '../../model/failure.ts'
import { elapsedMs } from '../../model/elapsed.ts'
import { type TopicPartition, topicPartitionName } from '../../model/topic-partition.ts'
import type { Clock } from '../../seams/clock.ts'
import type { HighWatermarks } from '../../seams/high-watermarks.ts'
import type { Journal } from '../../seams/journal.ts'
import type { ObjectStore } from '../../seams/object-store.ts'
import { discoverPartitions, withTold } from '../../pipeline/plan/discover-partitions.ts'

export interface DiscoverySeams {
  readonly source: ObjectStore
  readonly clock: Clock
  readonly journal: Journal
  readonly watermarks?: HighWatermarks
}

/** How long what was discovered holds before topics and partitions are listed again, ms. */
const listedMs = 60_000
/** The same while watermarks tell what comes; they are a hint, and listing is the truth. */
const toldMs = 600_000

/** The topic-partitions that a document's topics have, listed at most once a minute by all who ask. */
export class Discovery {
  readonly #prefix: string
  readonly #patterns: readonly string[]
  readonly #seams: DiscoverySeams
  #listed: { readonly partitions: readonly TopicPartition[]; readonly atMs: number } | null = null
  #listing: Promise<readonly TopicPartition[]> | null = null
  /** What was listed, with what the watermarks tell besides. */
  #all: {
    readonly listed: readonly TopicPartition[]
    readonly told: readonly TopicPartition[]
    readonly all: readonly TopicPartition[]
  } | null = null
  #first: ReadonlySet<string> | null = null

  constructor(prefix: string, patterns: readonly string[], seams: DiscoverySeams) {
    this.#prefix = prefix
    this.#patterns = patterns
    this.#seams = seams
  }

  /** Ordered by topic and partition; the same array as long as nothing came and nothing was listed. Throws what the store throws at first. */
  async partitions(): Promise<readonly TopicPartition[]> {
    const told = this.#seams.watermarks?.known() ?? null
    const listed = await this.#partitionsListed(told === null ? listedMs : toldMs)
    this.#first ??= new Set(listed.map(topicPartitionName))
    if (told === null) return listed
    if (this.#all?.listed !== listed || this.#all.told !== told) {
      this.#all = { listed, told, all: withTold(listed, told, this.#patterns) }
    }
    return this.#all.all
  }

  /** Whether a topic-partition was not there yet when all were listed first. */
  isLate(at: TopicPartition): boolean {
    return this.#first !== null && !this.#first.has(topicPartitionName(at))
  }

  /** Sleeps, but not longer than until the watermarks tell of a topic-partition that was not there. */
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    const { watermarks, clock } = this.#seams
    if (watermarks === undefined) return clock.sleep(ms, signal)
    const known = new Set((this.#all?.all ?? this.#listed?.partitions ?? []).map(topicPartitionName))
    const woken = new AbortController()
    const wake = () => woken.abort()
    signal.addEventListener('abort', wake, { once: true })
    if (signal.aborted) wake()
    const unsubscribe = watermarks.onChange((at) => {
      if (!known.has(topicPartitionName(at)) && withTold([], [at], this.#patterns).length > 0) wake()
    })
    await clock.sleep(ms, woken.signal)
    unsubscribe()
    signal.removeEventListener('abort', wake)
  }

  async #partitionsListed(holdsMs: number): Promise<readonly TopicPartition[]> {
    const { clock, journal, source } = this.#seams
    if (this.#listed !== null && elapsedMs(clock.now(), this.#listed.atMs) < holdsMs) return this.#listed.partitions
    this.#listing ??= discoverPartitions(source, this.#prefix, this.#patterns).then(
      (partitions) => {
        this.#listed = { partitions, atMs: clock.now() }
        this.#listing = null
        return partitions
      },
      (error: unknown) => {
        this.#listing = null
        const known = this.#listed
        if (known === null || !(error instanceof WorkError)) throw error
        // What was found before still is there to be worked on; what is new is found when the source can be listed again.
        journal.warn('topics can not be listed, tried again', { error })
        this.#listed = { ...known, atMs: clock.now() }
        return known.partitions
      },
    )
    return this.#listing
  }
}
