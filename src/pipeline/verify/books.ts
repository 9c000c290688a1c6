import type { OffsetRange } from '../../model/offset-range.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { PackedRanges } from './packed-ranges.ts'
import { RowRuns } from './row-runs.ts'

/** What a file says of a segment that it was written from. */
export interface SegmentClaim {
  readonly etag: string
  readonly start: bigint
  /** Exclusive. */
  readonly end: bigint
}

/** Offsets that a file does not hold as it says, and the snapshot that added the file. */
export interface AlteredRange {
  readonly range: OffsetRange
  readonly snapshot: bigint | null
}

/** Rows that were in a file and are no longer in the table. */
export interface Removal {
  readonly ranges: PackedRanges
  /** The sequence number with which the file came. */
  readonly sequence: bigint
  /** The snapshot that removed the rows. */
  readonly snapshot: bigint | null
}

/** What the files of a table say of one topic-partition. */
export class PartitionBook {
  readonly at: TopicPartition
  readonly runs = new RowRuns()
  /** By the segment's base offset. */
  readonly segments = new Map<bigint, SegmentClaim[]>()
  readonly altered: AlteredRange[] = []
  readonly removals: Removal[] = []

  constructor(at: TopicPartition) {
    this.at = at
  }

  /** Notes that a file was written from a segment; what it says of the same bytes is put together. */
  claim(baseOffset: bigint, etag: string, [start, end]: OffsetRange): void {
    const claims = this.segments.get(baseOffset)
    const known = claims?.findIndex((claim) => claim.etag === etag) ?? -1
    if (claims === undefined) this.segments.set(baseOffset, [{ etag, start, end }])
    else if (known < 0) claims.push({ etag, start, end })
    else {
      const claim = claims[known]
      claims[known] = { etag, start: start < claim.start ? start : claim.start, end: end > claim.end ? end : claim.end }
    }
  }
}

/** The books of all topic-partitions that a table has rows of. */
export class Books {
  readonly #books = new Map<string, Map<number, PartitionBook>>()

  of(at: TopicPartition): PartitionBook {
    let partitions = this.#books.get(at.topic)
    if (partitions === undefined) this.#books.set(at.topic, (partitions = new Map<number, PartitionBook>()))
    let book = partitions.get(at.partition)
    if (book === undefined) partitions.set(at.partition, (book = new PartitionBook({ topic: at.topic, partition: at.partition })))
    return book
  }

  *all(): Generator<PartitionBook, void, undefined> {
    for (const partitions of this.#books.values()) yield* partitions.values()
  }
}
