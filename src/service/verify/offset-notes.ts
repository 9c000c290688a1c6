import { WorkError } from '../../model/failure.ts'
import { type Progress, progressBeyond, unionProgress } from '../../model/progress.ts'
import { withAccepted } from '../../model/requests.ts'
import { withoutOffsets } from '../../model/retraction.ts'
import { encodeRequests } from '../../pipeline/commit/requests-text.ts'
import { ancestorsOf, isOurs, type TableState } from '../../pipeline/commit/table-state.ts'
import type { TableCommitter } from '../feed/committer.ts'

/**
 * Notes, by an empty append, that it is known and meant that `offsets` have no row; `snapshot`: the one of another writer that removed
 * the rows, null where none did. What is noted already is not written again.
 */
export function acceptMissing(committer: TableCommitter, snapshot: bigint | null, offsets: Progress): Promise<TableState> {
  return committer.changeState(async (before) => {
    const requests = snapshot === null ? before.requests : withAccepted(before.requests, [snapshot])
    if (progressBeyond(offsets, before.accepted).length === 0 && encodeRequests(requests) === encodeRequests(before.requests)) return null
    return { ...before, requests, accepted: unionProgress(before.accepted, offsets) }
  })
}

/**
 * Takes `offsets` out of the progress, by an empty append, so that they are materialized again. They have no row as of the snapshot
 * `seen`; where another writer has committed since, they may, and nothing is done: throws a WorkError.
 */
export function retract(committer: TableCommitter, seen: bigint, offsets: Progress): Promise<TableState> {
  return committer.changeState(async (before, metadata) => {
    const { ancestors } = ancestorsOf(metadata)
    const at = ancestors.findIndex((snapshot) => snapshot['snapshot-id'] === seen)
    if (at < 0 || !ancestors.slice(0, at).every(isOurs)) {
      throw new WorkError(
        `table ${committer.name}: nothing was retracted, since another writer has committed after snapshot ${seen}, which was looked at; verify it again`,
        { retry: 'later' },
      )
    }
    const progress = withoutOffsets(before.progress, offsets)
    if (progressBeyond(before.progress, progress).length === 0) return null
    const retracted = unionProgress(before.retraction?.offsets ?? new Map(), offsets)
    return { ...before, progress, retraction: { upTo: before.newest?.['sequence-number'] ?? 0n, offsets: retracted } }
  })
}
