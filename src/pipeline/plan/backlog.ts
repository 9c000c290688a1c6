import { parseSegmentFileName } from '../../formats/kfs/segment-key.ts'
import { endOf, maxOffset, type OffsetRanges } from '../../model/offset-range.ts'
import type { PartitionLag } from '../../model/health.ts'
import type { SegmentRef } from '../../model/segment.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { Listing } from './list-segments.ts'
import type { TailPlan } from './plan-tail.ts'

type Waiting = Pick<SegmentRef, 'baseOffset' | 'size' | 'lastModifiedMs'>

/** What was listed of one topic-partition and was not in the table then. */
export interface Backlog {
  /** Ascending by base offset. */
  readonly segments: readonly Waiting[]
  /** The first of them that can not be read yet: too young, or without an index. Null: all can. */
  readonly unreadableFrom: bigint | null
  /** Whether the listing reached the end of the topic-partition. */
  readonly complete: boolean
  /** The high watermark before the listing, where one is told: exact, while listings alone do not tell where the newest segment ends. */
  readonly writtenTo?: bigint
}

/**
 * The backlog after another listing, which began at `from` (null: at the beginning) and means `plan`. What was listed earlier and lies
 * up to there stays: it may be under way. Pure; the segments to read are those that the tasks hold anyway.
 */
export function afterListing(before: Backlog | undefined, from: bigint | null, listing: Listing, plan: TailPlan): Backlog {
  const earlier = from === null ? [] : (before?.segments.filter(({ baseOffset }) => baseOffset <= from) ?? [])
  const ready = (plan.run?.segments ?? []).filter(({ baseOffset }) => baseOffset !== from)
  const readTo = plan.position.cursor?.baseOffset ?? -1n
  const later = segmentsIn(listing).filter(({ baseOffset }) => baseOffset > readTo)
  return { segments: [...earlier, ...ready, ...later], unreadableFrom: later[0]?.baseOffset ?? null, complete: listing.complete }
}

/** The segments of a listing, whether they can be read or not. */
export function segmentsIn({ objects }: Pick<Listing, 'objects'>): Waiting[] {
  return objects.flatMap(({ key, size, lastModifiedMs }) => {
    const name = parseSegmentFileName(key.slice(key.lastIndexOf('/') + 1))
    return name?.extension === 'kfs' ? [{ baseOffset: name.baseOffset, size, lastModifiedMs }] : []
  })
}

/** The backlog without what the table's frontier has passed since. */
export function beyondFrontier(backlog: Backlog, frontier: bigint | null): Backlog {
  const { segments } = backlog
  if (frontier === null || segments.length === 0 || segments[0].baseOffset > frontier) return backlog
  return { ...backlog, segments: segments.filter(({ baseOffset }) => baseOffset > frontier) }
}

/** Whether something of it could be read and committed now. */
export function hasReadable({ segments, unreadableFrom }: Backlog): boolean {
  return segments.length > 0 && (unreadableFrom === null || segments[0].baseOffset < unreadableFrom)
}

/**
 * What a backlog means against what is decided. Without a high watermark the newest segment counts as one offset: its bytes would have
 * to be read to know more.
 */
export function lagOf(
  at: TopicPartition,
  { segments, complete, writtenTo }: Backlog,
  decided: OffsetRanges,
): Omit<PartitionLag, 'stopped' | 'paused'> {
  if (segments.length === 0) return { ...at, offsets: 0n, segments: 0, bytes: 0, oldestMs: null, complete }
  const end = maxOffset(segments.at(-1)!.baseOffset + 1n, writtenTo ?? 0n)
  const behind = end - (endOf(decided) ?? segments[0].baseOffset)
  return {
    ...at,
    offsets: behind > 1n ? behind : 1n,
    segments: segments.length,
    bytes: segments.reduce((sum, { size }) => sum + size, 0),
    oldestMs: segments.reduce((oldest, { lastModifiedMs }) => Math.min(oldest, lastModifiedMs), Infinity),
    complete,
  }
}
