import { type OffsetRanges } from '../../model/offset-range.ts'
import type { TaskPart } from '../../model/task.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { ObjectStore } from '../../seams/object-store.ts'
import { listSegments } from '../../pipeline/plan/list-segments.ts'
import { type HistoryPosition, historyStart, planHistory } from '../../pipeline/plan/plan-history.ts'
import type { Cursor } from '../../pipeline/plan/plan-tail.ts'
import { hasBegunAnew } from '../../pipeline/plan/restarted-log.ts'
import { segmentBefore } from '../../pipeline/plan/segment-before.ts'

export interface HistorySource {
  readonly store: ObjectStore
  readonly prefix: string
  readonly graceMs: number
}

/** Why a topic-partition stops where a cursor passed by a segment that is too young. */
export function tooYoungReason(baseOffset: bigint): string {
  return `the segment at offset ${baseOffset} is younger than source.graceSeconds, so that it may still be written again; once it is older, the backfill goes on`
}

/** The most objects of one topic-partition that a step looks at: bounds its memory (about 300 bytes each). */
const maxObjectsPerStep = 40_000

/**
 * Segments of a block between two places where a topic-partition is cut when it is read from the newest to the oldest: of large ones fewer, but
 * so many that the two or three requests that a block takes beside its segments are few.
 */
const maxBlockSegments = 2000
const minBlockSegments = 100
const blockBytes = 1024 ** 3

/**
 * Goes through the history of one topic-partition, a listing of some size at each step. From the oldest on it is one block; from the
 * newest on, blocks, each in the order of its segments.
 */
export class HistoryCursor {
  readonly at: TopicPartition
  readonly #wanted: OffsetRanges
  readonly #newestFirst: boolean
  readonly #frontier: Cursor | null
  readonly #source: HistorySource
  #isRestarted = false
  #tooYoung: bigint | null = null
  /** What is still to be gone through, the next block last; null: not looked at yet. */
  #blocks: OffsetRanges[] | null = null
  #position: HistoryPosition | null = null
  /** Keys of segments without an index that were passed by. */
  readonly withoutIndex: string[] = []

  /** `frontier`: where the tail stands; null: that is not known. */
  constructor(at: TopicPartition, wanted: OffsetRanges, newestFirst: boolean, frontier: Cursor | null, source: HistorySource) {
    this.at = at
    this.#wanted = wanted
    this.#newestFirst = newestFirst
    this.#frontier = frontier
    this.#source = source
  }

  /** Whether nothing is left to be planned. */
  get isOver(): boolean {
    return this.#isRestarted || this.#wanted.length === 0 || this.#blocks?.length === 0
  }

  /** Whether the log began anew, so that its offsets mean other records than those that are wanted. */
  get isRestarted(): boolean {
    return this.#isRestarted
  }

  /** Base offset of a segment that was passed by, with what follows it, since it is too young to be read; null: none. */
  get tooYoung(): bigint | null {
    return this.#tooYoung
  }

  /** The next runs of segments, of about `maxBytes`; perhaps none, although more follow. Throws what the store throws; then nothing has changed. */
  async step(maxBytes: number): Promise<readonly TaskPart[]> {
    if (this.isOver) return []
    const { store, prefix, graceMs } = this.#source
    this.#blocks ??= this.#newestFirst ? await this.#cut() : [this.#wanted]
    const wanted = this.#blocks.at(-1)!
    const position = this.#position ?? (await this.#positionBefore(wanted[0][0]))
    const bounds = { maxBytes, maxObjects: maxObjectsPerStep }
    const listing = await listSegments(store, prefix, this.at, position.from, bounds)
    const { runs, next, withoutIndex, tooYoung } = planHistory(this.at, position, wanted, listing, graceMs)
    // Only now: what was listed of the log before is gone when it begins anew.
    if (runs.length > 0 && this.#frontier !== null && (await hasBegunAnew(store, prefix, this.at, this.#frontier))) {
      this.#isRestarted = true
      return []
    }
    this.withoutIndex.push(...withoutIndex)
    this.#tooYoung ??= tooYoung
    this.#position = next
    if (next === null) this.#blocks.pop()
    return runs
  }

  /** Where listing begins, so that the segment before the one with `offset` is seen too. */
  async #positionBefore(offset: bigint): Promise<HistoryPosition> {
    const { store, prefix } = this.#source
    const own = await segmentBefore(store, prefix, this.at, offset)
    const before = own === null || own === 0n ? null : await segmentBefore(store, prefix, this.at, own - 1n)
    return { ...historyStart, from: before ?? own }
  }

  /** Cuts what is wanted where blocks of segments begin; oldest first. */
  async #cut(): Promise<OffsetRanges[]> {
    const { store, prefix, graceMs } = this.#source
    const blocks: OffsetRanges[] = []
    let left = this.#wanted
    let position: HistoryPosition | null = await this.#positionBefore(left[0][0])
    let [count, bytes] = [0, 0]
    while (position !== null) {
      const listing = await listSegments(store, prefix, this.at, position.from, { maxBytes: Infinity, maxObjects: maxObjectsPerStep })
      const { runs, next } = planHistory(this.at, position, left, listing, graceMs)
      for (const { segments } of runs) {
        for (const { baseOffset, size } of segments) {
          count++
          bytes += size
          if (count < minBlockSegments || (count < maxBlockSegments && bytes < blockBytes)) continue
          ;[count, bytes] = [0, 0]
          const block = clip(left, null, baseOffset)
          if (block.length > 0) blocks.push(block)
          left = clip(left, baseOffset, null)
        }
      }
      position = next
    }
    return left.length === 0 ? blocks : [...blocks, left]
  }
}

/** The offsets of `ranges` in `[from, to)`. */
function clip(ranges: OffsetRanges, from: bigint | null, to: bigint | null): OffsetRanges {
  return ranges.flatMap(([start, end]) => {
    const [low, high] = [from !== null && from > start ? from : start, to !== null && to < end ? to : end]
    return low < high ? [[low, high] as const] : []
  })
}
