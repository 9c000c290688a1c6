import { type Backfill, openBackfills } from './backfill.ts'
import { endOf, noOffsets, type OffsetRanges, subtractRanges } from './offset-range.ts'
import { decidedRanges, decidedSets, type Progress, progressOf, withDecided } from './progress.ts'
import type { Requests } from './requests.ts'
import type { TopicPartition } from './topic-partition.ts'

/** What tells where tails begin. */
interface Begun {
  readonly progress: Progress
  /**
   * Of each topic-partition of which history below its start is decided: what lies below the start, all of it. It was left out by choice for good,
   * and is decided only as history that somebody asks for, and until a backfill of it is done. Where there is none, the first decided offset is the start.
   */
  readonly leftOut: Progress
}

/** The first offset of a topic-partition that is its tail's; 0 before anything is decided. */
export function startOf({ progress, leftOut }: Begun, source: string, at: TopicPartition): bigint {
  return endOf(decidedRanges(leftOut, source, at)) ?? decidedRanges(progress, source, at)[0]?.[0] ?? 0n
}

/** What is left out once `history` is decided on top of `begun`: where some of it lies below a start, the start is noted. */
export function leftOutWith(
  { progress, leftOut }: Begun,
  source: string,
  history: Iterable<{ readonly at: TopicPartition; readonly ranges: OffsetRanges }>,
): Progress {
  let noted = leftOut
  for (const { at, ranges } of history) {
    const start = decidedRanges(progress, source, at)[0]?.[0]
    const isNoted = decidedRanges(noted, source, at).length > 0
    if (!isNoted && start !== undefined && ranges.length > 0 && ranges[0][0] < start) noted = withDecided(noted, source, at, [[0n, start]])
  }
  return noted
}

/**
 * What is left out once a backfill is done: nothing that it asked for, so that what of it comes only then is a hole, and the tail goes back for
 * what gets such offsets since the segment at its start is written again, shorter. `[0, 0)` says that nothing is, though the log begins later.
 */
export function leftOutAfter(
  { progress, leftOut }: Begun,
  source: string,
  { topic, ranges }: Pick<Backfill, 'topic' | 'ranges'>,
): Progress {
  const sets = [...ranges].flatMap(([partition, asked]) => {
    const at = { topic, partition }
    const start = startOf({ progress, leftOut }, source, at)
    if (asked.length === 0 || asked[0][0] >= start) return []
    const noted = decidedRanges(leftOut, source, at)
    const left = subtractRanges(noted.length > 0 ? noted : [[0n, start]], asked)
    const isWhole = decidedRanges(progress, source, at)[0]?.[0] === 0n
    return [{ source, at, ranges: left.length > 0 || isWhole ? left : ([[0n, 0n]] as const) }]
  })
  const stays = decidedSets(leftOut).filter(
    (set) => set.source !== source || set.at.topic !== topic || !sets.some(({ at }) => at.partition === set.at.partition),
  )
  return progressOf([...stays, ...sets.filter((set) => set.ranges.length > 0)])
}

/** What lies below the start of a topic-partition and nobody has asked for: it is no hole, though history around it may be decided. */
export function neverAsked(
  { progress, leftOut, requests }: Begun & { readonly requests: Requests },
  source: string,
  at: TopicPartition,
): OffsetRanges {
  return openBackfills(requests.backfills, progress, source)
    .filter(({ topic }) => topic === at.topic)
    .reduce((left, { ranges }) => subtractRanges(left, ranges.get(at.partition) ?? []), decidedRanges(leftOut, source, at))
}

/**
 * What lies below the first decided offset and is not left out: backfills that are done asked for it. The source had nothing there then; what has
 * come since is a hole, and what it still has not is none, since every log begins somewhere.
 */
export function askedBelow({ progress, leftOut }: Begun, source: string, at: TopicPartition): OffsetRanges {
  const left = decidedRanges(leftOut, source, at)
  return left.length === 0 ? noOffsets : subtractRanges([[0n, decidedRanges(progress, source, at)[0]?.[0] ?? 0n]], left)
}
