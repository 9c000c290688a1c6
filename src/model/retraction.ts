import { subtractRanges, takeBack } from './offset-range.ts'
import { decidedRanges, decidedSets, type Progress, progressOf, unionProgress } from './progress.ts'

/**
 * Offsets that were decided, have no row any more, and were taken out of the progress so that they are materialized again: the one way
 * in which progress goes back within a history. Who saw more than that is not to take it for a rollback.
 */
export interface Retraction {
  /** Snapshots with this sequence number and those before may have decided these offsets. */
  readonly upTo: bigint
  /** What is not decided again yet. */
  readonly offsets: Progress
}

/** Progress without `offsets`, which become holes. */
export function withoutOffsets(progress: Progress, offsets: Progress): Progress {
  return progressOf(
    decidedSets(progress).map((set) => ({ ...set, ranges: takeBack(set.ranges, decidedRanges(offsets, set.source, set.at)) })),
  )
}

/** What is left of a retraction once `progress` is decided; null: nothing. */
export function outstanding(retraction: Retraction | null, progress: Progress): Retraction | null {
  if (retraction === null) return null
  const left = decidedSets(retraction.offsets)
    .map((set) => ({ ...set, ranges: subtractRanges(set.ranges, decidedRanges(progress, set.source, set.at)) }))
    .filter(({ ranges }) => ranges.length > 0)
  return left.length === 0 ? null : { ...retraction, offsets: progressOf(left) }
}

/** What somebody who saw the snapshot with this sequence number need not miss: the progress, and what was taken back since. */
export function excusing(progress: Progress, retraction: Retraction | null, sequence: bigint): Progress {
  return retraction === null || sequence > retraction.upTo ? progress : unionProgress(progress, retraction.offsets)
}
