import { parseJson } from '../../formats/json/exact.ts'
import { expectInteger, expectInt64, expectList, expectObject, expectString } from '../../formats/json/expect.ts'
import { normalizeRanges, type OffsetRange, type OffsetRanges, unionRanges } from '../../model/offset-range.ts'
import type { SegmentRef } from '../../model/segment.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { BatchSpan, DecidedSpan } from '../flow.ts'

/** Key of a data file's Parquet metadata under which its sources stand. */
export const sourcesKey = 'kafscale.processor.sources'

/** Where the rows that a file has of one span lie in more runs than these, the span is listed whole. */
const maxRuns = 16

/** Collects which offsets of which segments a data file holds: what an audit compares with the bucket. */
export class FileSources {
  readonly #segments = new Map<string, { segment: Pick<SegmentRef, 'key' | 'etag'>; at: TopicPartition; ranges: OffsetRanges }>()

  /** About how long the text is by now, bytes. */
  byteLength = 0

  add(span: DecidedSpan): void {
    this.#add(span.segment, span.at, span.ranges)
  }

  /** Takes in what another file's metadata says. Throws as `decodeSources` does. */
  addEncoded(text: string): void {
    for (const { key, etag, at, ranges } of decodeSources(text)) this.#add({ key, etag }, at, ranges)
  }

  /** A segment that was written anew between two files stands there twice. */
  #add(segment: Pick<SegmentRef, 'key' | 'etag'>, at: TopicPartition, ranges: OffsetRanges): void {
    const identity = `${segment.etag} ${segment.key}`
    const known = this.#segments.get(identity)
    if (known === undefined) {
      this.#segments.set(identity, { segment, at, ranges })
      this.byteLength += segment.key.length + segment.etag.length + at.topic.length + 80 + 24 * ranges.length
    } else {
      this.byteLength += 24 * ranges.length
      known.ranges = unionRanges(known.ranges, ranges)
    }
  }

  /**
   * Adds what some rows of a batch come from, where the others are in other files: of each span the offsets of these rows alone, or all
   * where all its rows are here. Where rows of many partitions alternate, that would be a range for each row: then all of the span's
   * ranges are listed, and an audit sees by their number that the rows must be looked at.
   *
   * @param rows their numbers, ascending. @param offsets of all rows of the batch.
   */
  addRows(spans: readonly BatchSpan[], rows: Uint32Array, offsets: BigInt64Array): void {
    let [next, end] = [0, 0]
    for (const span of spans) {
      const from = next
      end += span.rows
      while (next < rows.length && rows[next] < end) next++
      if (next === from) continue
      const ranges = next - from === span.rows ? null : rangesOf(rows.subarray(from, next), offsets)
      this.add(ranges === null ? span : { ...span, ranges })
    }
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

/** Offsets of rows as ranges; null where those are many. */
function rangesOf(rows: Uint32Array, offsets: BigInt64Array): OffsetRanges | null {
  const ranges: [bigint, bigint][] = []
  for (const row of rows) {
    const offset = offsets[row]
    const last = ranges.at(-1)
    if (last !== undefined && last[1] === offset) last[1]++
    else if (ranges.length === maxRuns) return null
    else ranges.push([offset, offset + 1n])
  }
  return ranges
}

/** One segment of a data file's sources, as its metadata has it. */
export interface FileSource {
  readonly key: string
  readonly etag: string
  readonly at: TopicPartition
  /**
   * Offsets that the file decides of this segment; those without a row (control records, skipped ones) included, and in a partitioned
   * table perhaps some whose rows are in another file of the same snapshot.
   */
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
