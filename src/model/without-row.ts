import { normalizeRanges, type OffsetRange, type OffsetRanges, subtractRanges, unionRanges } from './offset-range.ts'
import { decidedRanges, decidedSets, noProgress, type Progress, progressOf, withDecided } from './progress.ts'
import type { TopicPartition } from './topic-partition.ts'

/** What results decided of a topic-partition, and what of it became no row for one of the reasons. */
export interface DecidedWithoutRow {
  readonly at: TopicPartition
  readonly ranges: OffsetRanges
  readonly without: OffsetRanges
}

/** Ranges that a table keeps at most, beyond the one that each topic-partition may have. Each is 10 to 40 bytes of every manifest list of ours. */
export const maxRangesWithoutRow = 1000

/**
 * What a table knows to have no row for one reason, that it was skipped or is a control record, once `parts` are decided: what became a row
 * is it no more. Where there would be more ranges than are kept, the nearest are joined, so that it may say more than there is, never less.
 */
export function withoutRowWith(before: Progress, source: string, parts: Iterable<DecidedWithoutRow>): Progress {
  let known = before
  for (const { at, ranges, without } of parts) {
    const own = decidedRanges(known, source, at)
    if (own.length === 0 && without.length === 0) continue
    const left = subtractRanges(own, ranges)
    known = withRanges(known, source, at, unionRanges(left, without))
  }
  return known === before ? before : joined(known, maxRangesWithoutRow)
}

/** What a table knows to have no row, by the reason; null: not all that wrote it told what they skipped. */
export interface WithoutRow {
  readonly skipped: Progress | null
  readonly control: Progress
}

/** The same, once `parts` are decided (`withoutRowWith`). */
export function withoutRowsWith(
  { skipped, control }: WithoutRow,
  source: string,
  parts: readonly (Omit<DecidedWithoutRow, 'without'> & Record<keyof WithoutRow, OffsetRanges>)[],
): WithoutRow {
  const known = (before: Progress, reason: keyof WithoutRow) =>
    withoutRowWith(
      before,
      source,
      parts.map((part) => ({ ...part, without: part[reason] })),
    )
  return { skipped: skipped === null ? null : known(skipped, 'skipped'), control: known(control, 'control') }
}

function withRanges(known: Progress, source: string, at: TopicPartition, ranges: OffsetRanges): Progress {
  const topics = known.get(source)
  const without = new Map(topics?.get(at.topic))
  without.delete(at.partition)
  const others = new Map(known).set(source, new Map(topics).set(at.topic, without))
  return ranges.length === 0 ? others : withDecided(others, source, at, ranges)
}

/** As many of a topic-partition's ranges as a table would keep of it at most: where there are more, the nearest are joined. */
export function fewRanges(at: TopicPartition, ranges: Iterable<OffsetRange>): OffsetRanges {
  const one = progressOf([{ source: '', at, ranges: normalizeRanges(ranges) }])
  return decidedRanges(joined(one, maxRangesWithoutRow), '', at)
}

/** Joins the nearest neighbours until half of `max` spaces between ranges are left, so that this is not done at each commit. */
function joined(known: Progress, max: number): Progress {
  const sets = decidedSets(known)
  const spaces = sets.flatMap(({ ranges }, set) => ranges.slice(1).map(([start], i) => ({ set, i, width: start - ranges[i][1] })))
  if (spaces.length <= max) return known
  const narrow = spaces.sort((a, b) => (a.width < b.width ? -1 : a.width > b.width ? 1 : 0)).slice(0, spaces.length - Math.floor(max / 2))
  const closed = sets.map(() => new Set<number>())
  for (const { set, i } of narrow) closed[set].add(i)
  return sets.reduce((all, { source, at, ranges }, set) => {
    const wide: [bigint, bigint][] = []
    for (const [i, [start, end]] of ranges.entries()) {
      const last = wide.at(-1)
      if (last !== undefined && closed[set].has(i - 1)) last[1] = end
      else wide.push([start, end])
    }
    return withDecided(all, source, at, wide)
  }, noProgress)
}
