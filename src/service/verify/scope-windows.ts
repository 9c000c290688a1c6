import { intersectRanges, lastOffset, type OffsetRange } from '../../model/offset-range.ts'
import { WorkError } from '../../model/failure.ts'
import { fewNames } from '../../model/few-names.ts'
import type { Bound } from '../../model/bound.ts'
import { decidedRanges } from '../../model/progress.ts'
import { type TopicPartition, topicPartitionName } from '../../model/topic-partition.ts'
import { ObjectChanged, ObjectNotFound } from '../../seams/object-store.ts'
import { offsetAtTime, type TimePlace } from '../../pipeline/plan/offset-at-time.ts'
import { forEachAtOnce } from '../../pipeline/verify/at-once.ts'
import { coveredBy, type Scope, type Window } from '../../pipeline/verify/scope.ts'
import { limitsOf } from '../tasks/limits.ts'
import type { TableUnderTest } from './table-under-test.ts'
import type { VerifySeams } from './verify-options.ts'

/** Topic-partitions in which times are looked for at once. */
const partitionsAtOnce = 8
/** Places that a note names; the rest is counted. */
const namedPlaces = 5

/** What a scope means for topic-partitions, and a sentence for each thing that it may mean and that nothing tells. */
export interface ScopeWindows {
  readonly windows: readonly Window[]
  readonly notes: readonly string[]
}

/**
 * What a scope means for topic-partitions. Times are looked for in the segments that there are; a topic-partition without one is left out,
 * and so is what retention took from before the first segment, where that may be of these times: notes say so. Throws a WorkError, and
 * what the store throws.
 */
export async function windowsOf(
  { from, to, ...of }: Scope,
  all: readonly TopicPartition[],
  { source, state, processing }: TableUnderTest,
  { source: store }: VerifySeams,
): Promise<ScopeWindows> {
  const covered = coveredBy({ from, to, ...of }, all)
  const { maxBatchBytes } = limitsOf(processing)
  const windows = new Map<TopicPartition, Window>()
  const untimed = new Set<TopicPartition>()
  const before = new Map<TopicPartition, bigint>()
  await forEachAtOnce(covered, partitionsAtOnce, async (at) => {
    const placeOf = async (bound: Bound): Promise<TimePlace | null> => {
      if (bound === null || 'offset' in bound) return null
      const place = await offsetAtTime(store, source.prefix, at, bound.timeMs, maxBatchBytes)
      if (place === null) untimed.add(at)
      return place
    }
    try {
      const [start, end] = [await placeOf(from), await placeOf(to)]
      if (untimed.has(at)) return
      const range: OffsetRange = [start?.offset ?? offsetIn(from) ?? 0n, end?.offset ?? offsetIn(to) ?? lastOffset]
      // All that is left is of this time or later, and so may be what was before it.
      const first = start !== null && start.offset === start.first ? start.first : null
      const decided = decidedRanges(state.progress, source.id, at)
      if (first !== null && intersectRanges(decided, [[0n, first]]).length > 0) before.set(at, first)
      if (range[0] < range[1]) windows.set(at, { at, range })
    } catch (error) {
      if (!(error instanceof ObjectNotFound || error instanceof ObjectChanged)) throw error
      const message = `${topicPartitionName(at)}: segments went while a time was looked for in them; look again`
      throw new WorkError(message, { retry: 'later', cause: error })
    }
  })
  const without = covered.filter((at) => untimed.has(at)).map(topicPartitionName)
  const cut = covered.flatMap((at) => (before.has(at) ? [`${topicPartitionName(at)} before offset ${before.get(at)}`] : []))
  const notes: string[] = []
  if (without.length > 0)
    notes.push(
      `no segment is left that tells the times of ${fewNames(without, namedPlaces)}: not looked at; offsets (--topic, --partition, --from) can be`,
    )
  if (cut.length > 0)
    notes.push(
      `the segments are gone that would tell the times of ${fewNames(cut, namedPlaces)}: not looked at; offsets (--topic, --partition, --to) can be`,
    )
  return { windows: covered.flatMap((at) => windows.get(at) ?? []), notes }
}

function offsetIn(bound: Bound): bigint | null {
  return bound !== null && 'offset' in bound ? bound.offset : null
}
