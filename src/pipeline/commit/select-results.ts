import { formatRanges, intersectRanges, type OffsetRange, type OffsetRanges } from '../../model/offset-range.ts'
import { decidedRanges, type Progress, withDecided } from '../../model/progress.ts'
import { frontierOf, type Frontiers, withFrontier } from '../../model/segment.ts'
import { type TopicPartition, topicPartitionName } from '../../model/topic-partition.ts'
import type { TranslatedPart } from '../../model/translated-part.ts'
import type { TaskResult } from '../flow.ts'

/** What selection looks at in a result. */
export interface Selectable {
  readonly parts: readonly TranslatedPart[]
  readonly startedAtMs: number
}

export interface Selection<R> {
  /** In the order in which they extend the progress. */
  readonly accepted: readonly R[]
  /** To be made again. */
  readonly refused: readonly { readonly result: R; readonly reason: string }[]
  /** Waiting for the result that they follow. */
  readonly held: readonly R[]
  /** Offsets missing in the source before an accepted part; those within a part are the part's own to tell. */
  readonly gaps: readonly { readonly at: TopicPartition; readonly range: OffsetRange }[]
  readonly progress: Progress
  readonly frontiers: Frontiers
}

/** Results older than this are made again: other people's orphan removal, which starts at three days, must never meet them. */
export const maxResultAgeMs = 12 * 3_600_000

/**
 * Decides which results go into the next snapshot. A result is taken or refused whole, all its files and all its ranges:
 *
 * - it must not intersect what the parent snapshot or another accepted result has decided, so no duplicate task, zombie worker or
 *   second committer can add a row twice;
 * - each of its parts must follow the segment at which the table's frontier stands, so a topic-partition is committed in offset
 *   order and segments, not races, decide who wins an overlap. One that follows a segment still to come is held. Parts of history
 *   follow nothing: whoever made them offers them in the order of their segments, and behind one that is refused none is taken.
 */
export function selectResults<R extends Selectable>(
  source: string,
  state: { readonly progress: Progress; readonly frontiers: Frontiers },
  results: readonly R[],
  nowMs: number,
): Selection<R> {
  const accepted: R[] = []
  const refused: { result: R; reason: string }[] = []
  const gaps: { at: TopicPartition; range: OffsetRange }[] = []
  let { progress, frontiers } = state
  let waiting = [...results]
  for (let moved = true; moved;) {
    moved = false
    const still: R[] = []
    for (const result of waiting) {
      const verdict = behindRefused(result, refused) ?? judge(source, progress, frontiers, result, nowMs)
      if (verdict === 'hold') still.push(result)
      else if (verdict === 'accept') {
        accepted.push(result)
        for (const part of result.parts) {
          const range = part.history === true ? null : gapBefore(part, decidedRanges(progress, source, part.at))
          if (range !== null) gaps.push({ at: part.at, range })
          progress = withDecided(progress, source, part.at, part.ranges)
          if (part.history !== true) frontiers = advance(frontiers, source, part)
        }
        moved = true
      } else refused.push({ result, reason: verdict.reason })
    }
    waiting = still
  }
  return { accepted, refused, held: waiting, gaps, progress, frontiers }
}

/** History behind what was refused of the same topic-partition: it may have offsets that are the earlier segment's. */
function behindRefused({ parts }: Selectable, refused: Selection<Selectable>['refused']): { reason: string } | null {
  if (refused.length === 0) return null
  const history = (all: Selectable['parts']) => all.filter((part) => part.history === true)
  const names = new Set(refused.flatMap(({ result }) => history(result.parts).map(({ at }) => topicPartitionName(at))))
  const behind = history(parts).find(({ at }) => names.has(topicPartitionName(at)))
  return behind === undefined ? null : { reason: `${topicPartitionName(behind.at)}: what comes before it in the log was refused` }
}

function judge(
  source: string,
  progress: Progress,
  frontiers: Frontiers,
  result: Selectable,
  nowMs: number,
): 'accept' | 'hold' | { reason: string } {
  if (nowMs - result.startedAtMs > maxResultAgeMs) return { reason: `it is older than ${maxResultAgeMs / 3_600_000} h` }
  let hold = false
  for (const part of result.parts) {
    const name = topicPartitionName(part.at)
    const decided = decidedRanges(progress, source, part.at)
    const twice = intersectRanges(part.ranges, decided)
    if (twice.length > 0) return { reason: `${name} ${formatRanges(twice)} is decided already` }
    if (part.history === true) continue
    const frontier = frontierOf(frontiers, source, part.at)
    const stands = frontier?.baseOffset ?? null
    // A segment written again keeps its place: what follows its new bytes waits until they, too, have been read.
    if (part.follows === stands && part.followsEtag !== undefined && part.followsEtag !== frontier?.etag) hold = true
    else if (part.follows === stands) {
      if (!part.first.settled && (gapBefore(part, decided) !== null || (decided.length === 0 && part.first.baseOffset > 0n)))
        return { reason: `${name}: what is missing before ${part.first.key} may still come` }
    } else if (stands === null || (part.follows !== null && part.follows > stands)) hold = true
    else return { reason: `${name}: it follows segment ${part.follows ?? 'none'}, and the table stands at segment ${stands}` }
  }
  return hold ? 'hold' : 'accept'
}

/** Offsets that are missing between what is decided and the part's first one. At the start of a log nothing is. */
function gapBefore(part: TranslatedPart, decided: OffsetRanges): OffsetRange | null {
  const first = part.ranges[0]?.[0]
  if (first === undefined) return null
  const before = decided.findLast(([, end]) => end <= first)
  return before !== undefined && before[1] < first ? [before[1], first] : null
}

function advance(frontiers: Frontiers, source: string, part: TranslatedPart): Frontiers {
  if (part.last === null) return frontiers
  const { baseOffset, size, etag, lastModifiedMs } = part.last
  const known = frontierOf(frontiers, source, part.at)?.maxTimestampMs ?? null
  const maxTimestampMs = known === null || (part.maxTimestampMs !== null && part.maxTimestampMs > known) ? part.maxTimestampMs : known
  return withFrontier(frontiers, source, part.at, { baseOffset, size, etag, lastModifiedMs, maxTimestampMs })
}

/** Whether a commit of the result would change nothing: no row, no offset, no segment passed. */
export function decidesNothing({ files, parts }: TaskResult): boolean {
  return files.length === 0 && parts.every(({ ranges, last }) => ranges.length === 0 && last === null)
}
