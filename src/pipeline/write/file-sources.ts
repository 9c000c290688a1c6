import { type OffsetRanges, unionRanges } from '../../model/offset-range.ts'
import type { SegmentRef } from '../../model/segment.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { DecidedSpan } from '../flow.ts'

/** Key of a data file's Parquet metadata under which its sources stand. */
export const sourcesKey = 'kafscale.processor.sources'

/** Collects which offsets of which segments a data file holds: what an audit compares with the bucket. */
export class FileSources {
  readonly #segments = new Map<string, { segment: SegmentRef; at: TopicPartition; ranges: OffsetRanges }>()

  add(span: DecidedSpan): void {
    const known = this.#segments.get(span.segment.key)
    if (known === undefined) this.#segments.set(span.segment.key, { ...span })
    else known.ranges = unionRanges(known.ranges, span.ranges)
  }

  /** JSON: `[{"key", "etag", "topic", "partition", "ranges": [[start, end), …]}, …]`; offsets as decimal numbers. */
  encode(): string {
    const entries = [...this.#segments.values()].map(({ segment, at, ranges }) => {
      const pairs = ranges.map(([start, end]) => `[${start},${end}]`).join(',')
      const fields = { key: segment.key, etag: segment.etag, topic: at.topic, partition: at.partition }
      return `${JSON.stringify(fields).slice(0, -1)},"ranges":[${pairs}]}`
    })
    return `[${entries.join(',')}]`
  }
}
