import { parseJson } from '../../formats/json/exact.ts'
import { expectInteger, expectInt64, expectList, expectObject, expectString } from '../../formats/json/expect.ts'
import { normalizeRanges, type OffsetRange, type OffsetRanges, unionRanges } from '../../model/offset-range.ts'
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

/** One segment of a data file's sources, as its metadata has it. */
export interface FileSource {
  readonly key: string
  readonly etag: string
  readonly at: TopicPartition
  /** Offsets that the file decides of this segment; those without a row (control records, skipped ones) included. */
  readonly ranges: OffsetRanges
}

/** Reads what `FileSources` wrote. Throws an Error that names the place. */
export function decodeSources(text: string): FileSource[] {
  return expectList(parseJson(text, sourcesKey), sourcesKey).map((entry, i): FileSource => {
    const place = `${sourcesKey}[${i}]`
    const { key, etag, topic, partition, ranges } = expectObject(entry, place)
    const pairs = expectList(ranges, place).map((pair): OffsetRange => {
      const [start, end] = expectList(pair, place)
      return [expectInt64(start, place), expectInt64(end, place)]
    })
    return {
      key: expectString(key, place),
      etag: expectString(etag, place),
      at: { topic: expectString(topic, place), partition: expectInteger(partition, place) },
      ranges: normalizeRanges(pairs),
    }
  })
}
