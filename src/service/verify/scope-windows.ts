import { lastOffset } from '../../model/offset-range.ts'
import { WorkError } from '../../model/failure.ts'
import { type TopicPartition, topicPartitionName } from '../../model/topic-partition.ts'
import { ObjectChanged, ObjectNotFound } from '../../seams/object-store.ts'
import { forEachAtOnce } from '../../pipeline/verify/at-once.ts'
import { coveredBy, type Scope, type Window } from '../../pipeline/verify/scope.ts'
import { offsetOf } from '../backfill/resolve-backfill.ts'
import { limitsOf } from '../tasks/limits.ts'
import type { TableUnderTest } from './table-under-test.ts'
import type { VerifySeams } from './verify-options.ts'

/** Topic-partitions in which times are looked for at once. */
const partitionsAtOnce = 8

/**
 * What a scope means for topic-partitions. Times are looked for in the segments that there are; of a topic-partition without one they tell nothing,
 * and it is left out. Throws a WorkError, and what the store throws.
 */
export async function windowsOf(
  { from, to, ...of }: Scope,
  all: readonly TopicPartition[],
  { source, processing }: TableUnderTest,
  { source: store }: VerifySeams,
): Promise<Window[]> {
  const covered = coveredBy({ from, to, ...of }, all)
  const seams = { store, prefix: source.prefix, maxBatchBytes: limitsOf(processing).maxBatchBytes }
  const windows = new Map<TopicPartition, Window>()
  await forEachAtOnce(covered, partitionsAtOnce, async (at) => {
    try {
      const start = from === null ? 0n : await offsetOf(from, at, seams)
      const end = to === null ? lastOffset : await offsetOf(to, at, seams)
      if (start !== null && end !== null && start < end) windows.set(at, { at, range: [start, end] })
    } catch (error) {
      if (!(error instanceof ObjectNotFound || error instanceof ObjectChanged)) throw error
      const message = `${topicPartitionName(at)}: segments went while a time was looked for in them; look again`
      throw new WorkError(message, { retry: 'later', cause: error })
    }
  })
  return covered.flatMap((at) => windows.get(at) ?? [])
}
