import { isEnded } from './backfill.ts'
import { endOf, type OffsetRanges, subtractRanges } from './offset-range.ts'
import { decidedRanges, decidedSets, type Progress, progressOf, withDecided } from './progress.ts'
import type { Requests } from './requests.ts'
import type { TopicPartition } from './topic-partition.ts'

/** What tells where tails begin. */
interface Begun {
  readonly progress: Progress
  /**
   * Of each topic-partition of which history below its start is decided: what lies below the start, all of it. It was left out by choice for good,
   * and is decided only as history that somebody asks for. Where there is none, the first decided offset is the start.
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
 * What is left out once all that was wanted of a topic's history is there: what lies below the first offset that is decided, and no more. Else
 * records would be passed by that got offsets below a start after it was found, since the segment at which it lies was written again, shorter.
 */
export function leftOutBelow({ progress, leftOut }: Begun, topic: string): Progress {
  const sets = decidedSets(leftOut).map((set) => {
    const first = decidedRanges(progress, set.source, set.at)[0]?.[0] ?? 0n
    const ranges: OffsetRanges = first === 0n ? [] : [[0n, first]]
    return set.at.topic === topic ? { ...set, ranges } : set
  })
  return progressOf(sets.filter(({ ranges }) => ranges.length > 0))
}

/** What lies below the start of a topic-partition and nobody has asked for: it is no hole, though history around it may be decided. */
export function neverAsked(
  { leftOut, requests }: Pick<Begun, 'leftOut'> & { readonly requests: Requests },
  source: string,
  at: TopicPartition,
): OffsetRanges {
  return requests.backfills
    .filter((one) => one.topic === at.topic && (one.state === 'done' || !isEnded(one)))
    .reduce((left, { ranges }) => subtractRanges(left, ranges.get(at.partition) ?? []), decidedRanges(leftOut, source, at))
}
