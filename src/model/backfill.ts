import { countOffsets, intersectRanges, type OffsetRanges, subtractRanges, unionRanges } from './offset-range.ts'

import { parseIncarnation } from './incarnation.ts'
import { decidedRanges, type Progress } from './progress.ts'

/**
 * History that somebody wants in a table beside the tail: offsets of one topic's partitions. It is written into the table and lives
 * there until it is done; how far it has come is what the progress says.
 */
export interface Backfill {
  /** Deterministic: the same wish has the same id. */
  readonly id: string
  readonly topic: string
  /** Whose offsets these are; absent: an older program asked for it. */
  readonly source?: string
  readonly ranges: ReadonlyMap<number, OffsetRanges>
  /** From the newest offsets to the oldest; else the other way round. */
  readonly newestFirst: boolean
  /** `service`: carried out by whoever feeds the table; `command`: by the command that asked for it, or the one that takes it up again. */
  readonly by: 'service' | 'command'
  readonly state: BackfillState
}

export type BackfillState = 'active' | 'paused' | 'done' | 'cancelled'

/** Ended ones that a table remembers, so that a declared one is not begun again. */
export const rememberedBackfills = 50

/** The list with `backfill` in it, instead of one with its id, and the oldest ended ones forgotten. */
export function withBackfill(backfills: readonly Backfill[], backfill: Backfill): Backfill[] {
  const others = backfills.filter(({ id }) => id !== backfill.id)
  const ended = others.filter(isEnded)
  const forgotten = new Set(ended.slice(0, Math.max(0, ended.length + 1 - rememberedBackfills)))
  return [...others.filter((one) => !forgotten.has(one)), backfill]
}

/** The offsets of each partition that one of the two asks for. */
export function rangesOfBoth(one: Pick<Backfill, 'ranges'>, other: Pick<Backfill, 'ranges'>): Backfill['ranges'] {
  const both = new Map(one.ranges)
  for (const [partition, asked] of other.ranges) both.set(partition, unionRanges(both.get(partition) ?? [], asked))
  return both
}

/** Whether `one` asks for offsets that `other` does not. */
export function asksMoreThan(one: Pick<Backfill, 'ranges'>, other: Pick<Backfill, 'ranges'>): boolean {
  return [...one.ranges].some(([partition, asked]) => subtractRanges(asked, other.ranges.get(partition) ?? []).length > 0)
}

/** Whether nothing more is to be done for it. */
export function isEnded({ state }: Pick<Backfill, 'state'>): boolean {
  return state === 'done' || state === 'cancelled'
}

/** Whether it is of another source that the table has. One that the table does not know has moved since, and goes by another name now. */
export function isOfOther({ source }: Pick<Backfill, 'source'>, progress: Progress, sourceId: string): boolean {
  if (source === undefined || source === parseIncarnation(sourceId).source) return false
  return [...progress.keys()].some((id) => parseIncarnation(id).source === source)
}

/** Those of a source that are not ended. */
export function openBackfills(backfills: readonly Backfill[], progress: Progress, sourceId: string): Backfill[] {
  return backfills.filter((one) => !isEnded(one) && !isOfOther(one, progress, sourceId))
}

/**
 * What is still wanted of a topic-partition. What lies behind everything decided is the tail's: it comes there by itself, and two that
 * race for it would each lose what the other was quicker with.
 */
export function wantedOffsets(asked: OffsetRanges, decided: OffsetRanges): OffsetRanges {
  const end = decided.at(-1)?.[1] ?? 0n
  return subtractRanges(intersectRanges(asked, [[0n, end]]), decided)
}

/** How many of the offsets that were asked for are not decided. */
export function offsetsLeft({ topic, ranges }: Backfill, progress: Progress, sourceId: string): bigint {
  let left = 0n
  for (const [partition, asked] of ranges)
    left += countOffsets(wantedOffsets(asked, decidedRanges(progress, sourceId, { topic, partition })))
  return left
}
