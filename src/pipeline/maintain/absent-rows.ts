import { intersectRanges, normalizeRanges, type OffsetRange, type OffsetRanges, unionRanges } from '../../model/offset-range.ts'
import { decidedRanges, type Progress, withDecided } from '../../model/progress.ts'
import { topicPartitionName, type TopicPartition } from '../../model/topic-partition.ts'

/** Offsets of one topic-partition. */
export interface PartitionOffsets {
  readonly at: TopicPartition
  readonly ranges: OffsetRanges
}

/** The rows that leave the table with a data file, by its path. */
export type AbsentRows = ReadonlyMap<string, readonly PartitionOffsets[]>

/** Ranges of one topic-partition that are kept apart: what is accepted stands in the table's metadata, and each commit writes it. */
const maxRanges = 1000

/**
 * `accepted`, and what of the rows of these files is decided: nobody is to look for them any more. Of several logs in one table, for each. Where that is very many ranges, the smallest holes
 * between them, of control records nearly always, are accepted too.
 */
export function acceptRows(accepted: Progress, decided: Progress, absent: AbsentRows, paths: Iterable<string>): Progress {
  const rows = [...paths].flatMap((path) => absent.get(path) ?? [])
  let all = accepted
  for (const own of Map.groupBy(rows, ({ at }) => topicPartitionName(at)).values()) {
    const [{ at }] = own
    const ranges = normalizeRanges(own.flatMap((one) => one.ranges))
    for (const source of decided.keys()) {
      const more = intersectRanges(decidedRanges(decided, source, at), ranges)
      if (more.length === 0) continue
      const union = unionRanges(decidedRanges(all, source, at), more)
      all = withDecided(all, source, at, atMost(union, maxRanges))
    }
  }
  return all
}

/** Ranges that hold these and are at most so many: the smallest holes are closed. */
function atMost(ranges: OffsetRanges, most: number): OffsetRanges {
  const holes = ranges.slice(1).map(([start], i): OffsetRange => [ranges[i][1], start])
  const bySize = holes.toSorted(([a, b], [c, d]) => (b - a < d - c ? -1 : b - a > d - c ? 1 : 0))
  return normalizeRanges([...ranges, ...bySize.slice(0, Math.max(0, ranges.length - most))])
}
