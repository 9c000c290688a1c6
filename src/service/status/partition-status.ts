import { footerBytes, headerBytes } from '../../formats/kfs/layout.ts'
import { parseSegmentFileName, segmentKey } from '../../formats/kfs/segment-key.ts'
import { currentId } from '../../model/incarnation.ts'
import { neverAsked } from '../../model/left-out.ts'
import { endOf, holesOf, maxOffset, type OffsetRange, type OffsetRanges, subtractRanges } from '../../model/offset-range.ts'
import { decidedRanges } from '../../model/progress.ts'
import { frontierOf } from '../../model/segment.ts'
import type { TaskPart } from '../../model/task.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { ObjectInfo, ObjectStore } from '../../seams/object-store.ts'
import type { TableState } from '../../pipeline/commit/table-state.ts'
import { listSegments } from '../../pipeline/plan/list-segments.ts'
import { segmentAtCursor } from '../../pipeline/plan/plan-tail.ts'
import { isRestarted, restartedReason } from '../../pipeline/plan/restarted-log.ts'
import type { ProcessorSeams } from '../feed/processor-seams.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import type { FirstWaiting } from './first-waiting.ts'

/** One topic-partition: what is decided, and what is left in the source. */
export interface PartitionStatus {
  readonly topic: string
  readonly partition: number
  /** Whether the source has anything under the topic-partition's name; false where retention has taken all of it. */
  readonly inSource: boolean
  /** The first offset that is not decided; null before anything is. */
  readonly next: bigint | null
  /** One past the highest offset that the source is known to have: a hint from its listing; null where that tells none. */
  readonly endOffset: bigint | null
  /** What is not decided yet. Null: not known. */
  readonly lagOffsets: bigint | null
  readonly lagSegments: number | null
  readonly lagBytes: number | null
  readonly lagSeconds: number | null
  /** Not materialized yet, between offsets that are. */
  readonly holes: OffsetRanges
  /** Missing in the source. */
  readonly gaps: OffsetRanges
  /** The last segment that was decided whole; null where none was. */
  readonly frontierKey: string | null
  /** Why it does not go on, as far as the table, a listing and the first segment that waits tell. */
  readonly stopped: string | null
}

type Listed = { readonly baseOffset: bigint; readonly object: ObjectInfo }

/** Footers that are read to tell holes from gaps, of one topic-partition. */
const maxFooters = 20

/**
 * How far one topic-partition has come, by a listing from where something is missing, if it is `inSource`, and by what `waiting` tells of the
 * first segment that is left. Throws what the store throws.
 */
export async function partitionStatus(
  at: TopicPartition,
  state: TableState | null,
  source: SourceIdentity,
  inSource: boolean,
  waiting: FirstWaiting | null,
  seams: Pick<ProcessorSeams, 'source' | 'clock'>,
): Promise<PartitionStatus> {
  const { decided, frontier, leftOut } = positionOf(at, state, source)
  const missing = subtractRanges(holesOf(decided), leftOut)
  const from = missing.length > 0 ? missing[0][0] : (frontier?.baseOffset ?? null)
  const bounds = { maxBytes: Infinity, maxObjects: Infinity }
  const { objects } = inSource ? await listSegments(seams.source, source.prefix, at, from, bounds) : { objects: [] }
  if (
    inSource &&
    frontier !== null &&
    segmentAtCursor(frontier, objects) !== 'same' &&
    (await isRestarted(seams.source, source.prefix, at, frontier))
  ) {
    return { ...unknownStatus(at, state, source, inSource), stopped: restartedReason }
  }
  const segments = segmentsIn(objects)
  const newest = segments.at(-1)
  const endOffset = newest === undefined ? (endOf(decided) ?? null) : await endHint(seams.source, newest)
  // Each has at least its first offset, whatever a footer that is damaged says.
  const spans = segments.map(({ baseOffset }, i): OffsetRange => [
    baseOffset,
    maxOffset(baseOffset + 1n, segments[i + 1]?.baseOffset ?? endOffset ?? baseOffset),
  ])
  const left = segments.filter(
    (segment, i) => segment.baseOffset > (frontier?.baseOffset ?? -1n) && subtractRanges([spans[i]], decided).length > 0,
  )
  const holes = await holesAmong(missing, segments, seams.source)
  const oldestMs = left.reduce((oldest, { object }) => Math.min(oldest, object.lastModifiedMs), Infinity)
  return {
    topic: at.topic,
    partition: at.partition,
    inSource,
    next: endOf(decided) ?? null,
    endOffset,
    lagOffsets: left.length === 0 || endOffset === null ? 0n : maxOffset(0n, endOffset - (endOf(decided) ?? left[0].baseOffset)),
    lagSegments: left.length,
    lagBytes: left.reduce((sum, { object }) => sum + object.size, 0),
    lagSeconds: left.length === 0 ? 0 : Math.max(0, Math.round((seams.clock.now() - oldestMs) / 1000)),
    holes,
    gaps: missing.filter((range) => !holes.includes(range)),
    frontierKey: frontier === null ? null : segmentKey(source.prefix, at, frontier.baseOffset, 'kfs'),
    stopped: waiting === null || left.length === 0 ? null : await waiting.look(partOf(at, left, decided), seams.clock.now() - oldestMs),
  }
}

/** A part of the first segment that is left, to be read and not to be committed. */
function partOf(at: TopicPartition, [first, next]: readonly Listed[], decided: OffsetRanges): TaskPart {
  const { key, size, etag, lastModifiedMs } = first.object
  return {
    at,
    follows: null,
    segments: [{ key, baseOffset: first.baseOffset, size, etag, lastModifiedMs, settled: true }],
    startOffset: decided[0]?.[0] ?? 0n,
    decided,
    nextBaseOffset: next?.baseOffset ?? null,
  }
}

/** What the table alone tells of a topic-partition. */
export function unknownStatus(at: TopicPartition, state: TableState | null, source: SourceIdentity, inSource: boolean): PartitionStatus {
  const { decided, frontier } = positionOf(at, state, source)
  return {
    topic: at.topic,
    partition: at.partition,
    inSource,
    next: endOf(decided) ?? null,
    endOffset: null,
    lagOffsets: null,
    lagSegments: null,
    lagBytes: null,
    lagSeconds: null,
    holes: [],
    gaps: [],
    frontierKey: frontier === null ? null : segmentKey(source.prefix, at, frontier.baseOffset, 'kfs'),
    stopped: null,
  }
}

function positionOf(at: TopicPartition, state: TableState | null, source: SourceIdentity) {
  if (state === null) return { decided: [], frontier: null, leftOut: [] }
  const id = currentId(state.progress, source.id)
  return {
    decided: decidedRanges(state.progress, id, at),
    frontier: frontierOf(state.frontiers, id, at),
    leftOut: neverAsked(state, id, at),
  }
}

/**
 * Which of the missing ranges have a segment: one that begins there, or the one before it, if it reaches that far. Segments are decided
 * whole and in order, so what is left untold beyond `maxFooters` is a gap.
 */
async function holesAmong(missing: OffsetRanges, segments: readonly Listed[], store: ObjectStore): Promise<OffsetRanges> {
  const holes: OffsetRange[] = []
  let footers = 0
  for (const range of missing) {
    // A segment without batches has no offset.
    const last = segments.findLast(({ baseOffset, object }) => baseOffset < range[1] && object.size > headerBytes + footerBytes)
    if (last === undefined) continue
    if (last.baseOffset >= range[0] || (footers++ < maxFooters && (await endHint(store, last)) > range[0])) holes.push(range)
  }
  return holes
}

function segmentsIn(objects: readonly ObjectInfo[]): Listed[] {
  return objects.flatMap((object) => {
    const name = parseSegmentFileName(object.key.slice(object.key.lastIndexOf('/') + 1))
    return name?.extension === 'kfs' ? [{ baseOffset: name.baseOffset, object }] : []
  })
}

/** One past the last offset that the newest segment's footer tells (bytes 4 to 12 of its 16); its base offset where that can not be believed. */
async function endHint(store: ObjectStore, { baseOffset, object }: Listed): Promise<bigint> {
  if (object.size < 16) return baseOffset
  const footer = await store.get(object.key, { range: { start: object.size - 16, end: object.size } }).catch(() => null)
  const lastOffset = footer === null ? -1n : new DataView(footer.buffer, footer.byteOffset, footer.length).getBigInt64(4)
  return lastOffset >= baseOffset ? lastOffset + 1n : baseOffset
}
