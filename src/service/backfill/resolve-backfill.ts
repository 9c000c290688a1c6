import { createHash } from 'node:crypto'
import { type Backfill, isOfOther } from '../../model/backfill.ts'
import type { Bound } from '../../model/bound.ts'
import { DocumentError } from '../../model/failure.ts'
import { parseIncarnation } from '../../model/incarnation.ts'
import { askedBelow } from '../../model/left-out.ts'
import { holesOf, intersectRanges, type OffsetRanges, lastOffset, unionRanges } from '../../model/offset-range.ts'
import { decidedRanges } from '../../model/progress.ts'
import { frontierOf } from '../../model/segment.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { ObjectStore } from '../../seams/object-store.ts'
import type { TableState } from '../../pipeline/commit/table-state.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { topicMatcher } from '../../spec/topic-glob.ts'
import { offsetAtTime } from '../../pipeline/plan/offset-at-time.ts'

/** What somebody wants to be backfilled of one topic. */
export interface BackfillWish {
  readonly topic: string
  /** Null: all. */
  readonly partitions: readonly number[] | null
  readonly from: Bound
  /** Exclusive. */
  readonly to: Bound
  /** Only what lies between offsets that are decided, and what backfills that are done were to bring from below them. */
  readonly missing: boolean
  readonly newestFirst: boolean
}

export interface ResolvedBackfill {
  readonly backfill: Backfill
  /** Topic-partitions of which the tail has read nothing yet, so that it is not known where history ends. */
  readonly notBegun: readonly TopicPartition[]
  /** Topic-partitions of which nothing that the tail left lies between the bounds: there is nothing there, or times are not in the order of offsets. */
  readonly outside: readonly TopicPartition[]
}

export interface ResolveSeams {
  readonly store: ObjectStore
  readonly prefix: string
  readonly sourceId: string
  readonly maxBatchBytes: number
}

/** The same wish has the same id, whenever it is made. */
export function wishId({ topic, partitions, from, to, missing, newestFirst }: BackfillWish, source?: string): string {
  const parts = [topic, partitions?.join(',') ?? '*', boundText(from), boundText(to), missing, newestFirst]
  const text = [...parts, ...(source === undefined ? [] : [source])].join('\n')
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

/** The id of a wish in a table: another one where the same wish of another source has it there. */
export function idInTable(wish: BackfillWish, { progress, requests }: TableState, sourceId: string): string {
  const id = wishId(wish)
  const isTaken = requests.backfills.some((one) => one.id === id && isOfOther(one, progress, sourceId))
  return isTaken ? wishId(wish, parseIncarnation(sourceId).source) : id
}

function boundText(bound: Bound): string {
  if (bound === null) return '*'
  return 'offset' in bound ? `${bound.offset}` : `${bound.timeMs} ms`
}

/**
 * Finds the offsets that a wish means in each of `found`, by what the table says now: what lies behind everything that the tail has
 * decided is the tail's. Times are looked for in the source. Throws a DocumentError for a partition that the topic does not have, and
 * what the store throws.
 */
export async function resolveBackfill(
  wish: BackfillWish,
  by: Backfill['by'],
  found: readonly TopicPartition[],
  state: TableState,
  seams: ResolveSeams,
): Promise<ResolvedBackfill> {
  const own = found.filter(({ topic }) => topic === wish.topic)
  const unknown = wish.partitions?.find((wanted) => !own.some(({ partition }) => partition === wanted))
  if (unknown !== undefined) throw new DocumentError(`topic ${wish.topic} has no partition ${unknown} in the source`)
  const meant = own.filter(({ partition }) => wish.partitions?.includes(partition) ?? true)
  const hasBegun = (at: TopicPartition) => frontierOf(state.frontiers, seams.sourceId, at) !== null
  const ranges = new Map<number, OffsetRanges>()
  const outside: TopicPartition[] = []
  const isBounded = wish.from !== null || wish.to !== null
  for (const at of meant.filter(hasBegun)) {
    const decided = decidedRanges(state.progress, seams.sourceId, at)
    const window = await windowOf(wish, at, decided, seams)
    if (window.length === 0 && isBounded) outside.push(at)
    const missing = () => unionRanges(askedBelow(state, seams.sourceId, at), holesOf(decided))
    const wanted = wish.missing ? intersectRanges(missing(), window) : window
    if (wanted.length > 0) ranges.set(at.partition, wanted)
  }
  const { topic, newestFirst } = wish
  const { source } = parseIncarnation(seams.sourceId)
  return {
    backfill: { id: idInTable(wish, state, seams.sourceId), topic, source, ranges, newestFirst, by, state: 'active' },
    notBegun: meant.filter((at) => !hasBegun(at)),
    outside,
  }
}

/** What lies between the bounds, up to where the tail goes on. */
async function windowOf(wish: BackfillWish, at: TopicPartition, decided: OffsetRanges, seams: ResolveSeams): Promise<OffsetRanges> {
  const end = decided.at(-1)?.[1] ?? 0n
  const from = (await offsetOf(wish.from, at, seams)) ?? 0n
  const to = (await offsetOf(wish.to, at, seams)) ?? lastOffset
  return from < to ? intersectRanges([[0n, end]], [[from, to]]) : []
}

/** The offset that a bound means; null: the log's own, or there is no segment that tells. Throws what the store throws. */
export async function offsetOf(
  bound: Bound,
  at: TopicPartition,
  { store, prefix, maxBatchBytes }: Omit<ResolveSeams, 'sourceId'>,
): Promise<bigint | null> {
  if (bound === null) return null
  if ('offset' in bound) return bound.offset
  return (await offsetAtTime(store, prefix, at, bound.timeMs, maxBatchBytes))?.offset ?? null
}

/** What a document declares of a topic. */
export function declaredBackfills(declared: NonNullable<ProcessorDocument['spec']['backfill']>, topic: string): BackfillWish[] {
  const bound = (time: { readonly timeMs: number } | undefined): Bound => (time === undefined ? null : { timeMs: time.timeMs })
  return declared
    .filter((one) => topicMatcher(one.topic)(topic))
    .map((one) => ({ topic, partitions: null, from: bound(one.from), to: bound(one.to), missing: false, newestFirst: false }))
}
