import { type OffsetRange, type OffsetRanges, normalizeRanges, subtractRanges, unionRanges } from './offset-range.ts'
import { decidedRanges, decidedSets, noProgress, type Progress, withDecided } from './progress.ts'
import type { TopicPartition } from './topic-partition.ts'

/** What results decided of a topic-partition, and what of it was skipped by the user's choice. */
export interface DecidedWithSkips {
  readonly at: TopicPartition
  readonly ranges: OffsetRanges
  readonly skips: readonly { readonly range: OffsetRange }[]
}

/** Ranges that a table keeps at most, beyond the one that each topic-partition may have. Each is 10 to 40 bytes of every manifest list of ours. */
export const maxSkippedRanges = 1000

/**
 * What a table knows to have been skipped, once `parts` are decided: what became a row is it no more. Where there would be more ranges than
 * are kept, the nearest are joined, so that it may say more than was skipped, never less.
 */
export function skippedWith(skipped: Progress, source: string, parts: Iterable<DecidedWithSkips>): Progress {
  let known = skipped
  for (const { at, ranges, skips } of parts) {
    const own = decidedRanges(known, source, at)
    if (own.length === 0 && skips.length === 0) continue
    const left = subtractRanges(own, ranges)
    known = withRanges(known, source, at, unionRanges(left, normalizeRanges(skips.map(({ range }) => range))))
  }
  return known === skipped ? skipped : joined(known, maxSkippedRanges)
}

function withRanges(known: Progress, source: string, at: TopicPartition, ranges: OffsetRanges): Progress {
  const topics = known.get(source)
  const without = new Map(topics?.get(at.topic))
  without.delete(at.partition)
  const others = new Map(known).set(source, new Map(topics).set(at.topic, without))
  return ranges.length === 0 ? others : withDecided(others, source, at, ranges)
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
