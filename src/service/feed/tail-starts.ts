import { maxOffset } from '../../model/offset-range.ts'
import type { SegmentRef } from '../../model/segment.ts'
import { type TopicPartition, topicPartitionName } from '../../model/topic-partition.ts'
import type { TableState } from '../../pipeline/commit/table-state.ts'
import { acceptSegments } from '../../pipeline/plan/accept-segments.ts'
import { listSegments } from '../../pipeline/plan/list-segments.ts'
import { firstOffsetAt, firstSegmentAt, segmentEnd } from '../../pipeline/plan/resolve-start.ts'
import { ObjectChanged, ObjectNotFound, type ObjectStore } from '../../seams/object-store.ts'
import type { StartAt } from '../../spec/document.ts'
import type { StartMark } from './committer.ts'

export interface StartOptions {
  readonly sourceId: string
  readonly prefix: string
  readonly startAt: StartAt
  readonly graceMs: number
  readonly maxBatchBytes: number
}

export interface StartSeams {
  readonly source: ObjectStore
  /** Whether a topic-partition was not there yet when it was first looked what there is; absent: that is not known. */
  readonly isLate?: (at: TopicPartition) => boolean
}

/** Finds where the tails of a table begin, as `startAt` has it. */
export class TailStarts {
  readonly #options: StartOptions
  readonly #seams: StartSeams
  /** Topic-partitions whose start was looked for: whether there was any segment then. */
  readonly #hadSegments = new Map<string, boolean>()

  constructor(options: StartOptions, seams: StartSeams) {
    this.#options = options
    this.#seams = seams
  }

  /** Whether it is still to be decided where a topic-partition's tail begins. */
  isWanted(at: TopicPartition, { progress }: TableState): boolean {
    const { startAt, sourceId } = this.#options
    const begun = progress.get(sourceId)?.get(at.topic)
    if (startAt === 'earliest' || begun?.has(at.partition) === true) return false
    return startAt !== 'latest' || !this.#cameLater(at, begun !== undefined)
  }

  /**
   * Whether a topic-partition had nothing when it was first looked, or came after others of its topic had begun: of such a one all is new, and
   * `latest` would leave out what was written until it was found.
   */
  #cameLater(at: TopicPartition, topicBegan: boolean): boolean {
    const hadSegments = this.#hadSegments.get(topicPartitionName(at))
    return hadSegments === undefined ? topicBegan || this.#seams.isLate?.(at) === true : !hadSegments
  }

  /** What `startAt` means for a topic-partition without progress: an empty range at its first offset; or when to ask again. */
  async resolve(at: TopicPartition): Promise<StartMark | { readonly startsInMs: number } | null> {
    const { prefix, startAt, graceMs, maxBatchBytes } = this.#options
    const listing = await listSegments(this.#seams.source, prefix, at, null, { maxBytes: Infinity, maxObjects: Infinity })
    const { segments, readyAtMs } = acceptSegments(listing.objects, listing.listedAtMs, graceMs)
    const newest = segments.at(-1)
    const name = topicPartitionName(at)
    if (!this.#hadSegments.has(name)) this.#hadSegments.set(name, newest !== undefined || readyAtMs !== null)
    if (newest === undefined || startAt === 'earliest') return readyAtMs === null ? null : { startsInMs: readyAtMs - listing.listedAtMs }
    try {
      if (startAt !== 'latest') {
        for (let i = firstSegmentAt(segments, startAt.timeMs); i >= 0 && i < segments.length; i++) {
          const offset = firstOffsetAt(segments[i], await this.#bytesOf(segments[i]), startAt.timeMs, maxBatchBytes)
          if (offset !== null) return startMark(at, offset, segments[i - 1])
        }
      }
      const { end, isWhole } = segmentEnd(newest, await this.#bytesOf(newest), maxBatchBytes)
      const before = segments.at(-2)
      if (isWhole || before === undefined) return startMark(at, end, isWhole ? newest : before)
      // Where a damaged one ends is not known: reading begins in it, behind what the one before has, and stops there or skips it, as everywhere.
      return startMark(at, maxOffset(end, segmentEnd(before, await this.#bytesOf(before), maxBatchBytes).end), before)
    } catch (error) {
      if (error instanceof ObjectChanged || error instanceof ObjectNotFound) return null
      throw error
    }
  }

  #bytesOf(segment: SegmentRef): Promise<Uint8Array> {
    return this.#seams.source.get(segment.key, { ifMatch: segment.etag })
  }
}

/** The tail begins at `offset`, behind `before`: what else lies below was left out by choice, and is never planned as tail. */
function startMark(at: TopicPartition, offset: bigint, before: SegmentRef | undefined): StartMark {
  if (before === undefined) return { at, ranges: [[offset, offset]] }
  const { baseOffset, size, etag, lastModifiedMs } = before
  return { at, ranges: [[offset, offset]], frontier: { baseOffset, size, etag, lastModifiedMs, maxTimestampMs: null } }
}
