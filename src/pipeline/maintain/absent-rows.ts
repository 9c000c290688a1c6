import { intersectRanges, type OffsetRanges } from '../../model/offset-range.ts'
import { decidedRanges, type Progress, withDecided } from '../../model/progress.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'

/** Offsets of one topic-partition. */
export interface PartitionOffsets {
  readonly at: TopicPartition
  readonly ranges: OffsetRanges
}

/** The rows that leave the table with a data file, by its path. */
export type AbsentRows = ReadonlyMap<string, readonly PartitionOffsets[]>

/** `accepted`, and what of the rows of these files is decided: nobody is to look for them any more. Of several logs in one table, for each. */
export function acceptRows(accepted: Progress, decided: Progress, absent: AbsentRows, paths: Iterable<string>): Progress {
  let all = accepted
  for (const path of paths) {
    for (const { at, ranges } of absent.get(path) ?? []) {
      for (const source of decided.keys()) {
        const own = intersectRanges(decidedRanges(decided, source, at), ranges)
        if (own.length > 0) all = withDecided(all, source, at, own)
      }
    }
  }
  return all
}
