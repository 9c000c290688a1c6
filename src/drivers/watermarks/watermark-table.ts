import { type TopicPartition, topicPartitionName } from '../../model/topic-partition.ts'
import type { KeyChange, KeyValue } from './etcd-gateway.ts'

/*
 *   key   = "/kafscale/topics/" topic "/partitions/" partition "/next_offset"
 *   value = decimal int64, 0 or more
 */
export const watermarkPrefix = '/kafscale/topics/'
const watermarkKey = /^\/kafscale\/topics\/([^/]+)\/partitions\/(0|[1-9]\d{0,9})\/next_offset$/

/** Garbage is told of this many topic-partitions. */
const mostTold = 1000

/** The watermarks as etcd tells them, key by key. Keys that are no watermark's are none of our business. */
export class WatermarkTable {
  readonly #offsets = new Map<string, { readonly at: TopicPartition; readonly next: bigint }>()
  readonly #listeners = new Set<(at: TopicPartition) => void>()
  readonly #onGarbage: (key: string) => void
  readonly #told = new Set<string>()
  #known: readonly TopicPartition[] | null = null

  /** `onGarbage` is told, once for each key, of a value that is no offset; that topic-partition has no watermark then. */
  constructor(onGarbage: (key: string) => void) {
    this.#onGarbage = onGarbage
  }

  get size(): number {
    return this.#offsets.size
  }

  nextOffset(at: TopicPartition): bigint | undefined {
    return this.#offsets.get(topicPartitionName(at))?.next
  }

  /** Topic-partitions with a watermark above 0. */
  known(): readonly TopicPartition[] {
    this.#known ??= [...this.#offsets.values()].filter(({ next }) => next > 0n).map(({ at }) => at)
    return this.#known
  }

  onChange(listener: (at: TopicPartition) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** All there is, in place of what was known. */
  replaceAll(pairs: readonly KeyValue[]): void {
    const gone = new Map([...this.#offsets].map(([name, { at }]) => [name, at]))
    for (const pair of pairs) {
      const at = topicPartitionIn(pair.key)
      if (at !== null) gone.delete(topicPartitionName(at))
      this.take(pair)
    }
    for (const at of gone.values()) this.#set(at, null)
  }

  take({ key, value }: KeyChange): void {
    const at = topicPartitionIn(key)
    if (at === null) return
    const next = value === null ? null : offsetIn(value)
    if (next === null && value !== null && this.#told.size < mostTold && !this.#told.has(key)) {
      this.#told.add(key)
      this.#onGarbage(key)
    }
    this.#set(at, next)
  }

  #set(at: TopicPartition, next: bigint | null): void {
    const name = topicPartitionName(at)
    const before = this.#offsets.get(name)?.next ?? null
    if (next === before) return
    if (next === null) this.#offsets.delete(name)
    else this.#offsets.set(name, { at, next })
    if ((next ?? 0n) > 0n !== (before ?? 0n) > 0n) this.#known = null
    for (const listener of this.#listeners) listener(at)
  }
}

function topicPartitionIn(key: string): TopicPartition | null {
  const match = watermarkKey.exec(key)
  return match === null || Number(match[2]) > 0x7fffffff ? null : { topic: match[1], partition: Number(match[2]) }
}

function offsetIn(text: string): bigint | null {
  if (!/^\d{1,19}$/.test(text)) return null
  const offset = BigInt(text)
  return offset > 0x7fffffffffffffffn ? null : offset
}
