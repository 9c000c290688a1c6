import { WorkError } from '../../model/failure.ts'
import type { Clock } from '../../seams/clock.ts'
import type { ObjectStore } from '../../seams/object-store.ts'

/** The two clocks that are compared. */
export interface ComparedClocks {
  readonly source: Pick<ObjectStore, 'list'>
  readonly clock: Clock
}

/** Rows and snapshots are kept by days: what is less than one hardly matters. */
const maxAheadMs = 86_400_000

/**
 * Throws a WorkError where this machine's clock is more than a day ahead of the source's store, which the first page of its listing tells: everything
 * would be taken for older than it is. A directory has no clock of its own. One that is behind keeps things longer, and does no harm. `what`: is not
 * done then, the subject of a sentence with its verb.
 */
export async function refuseClockAhead(what: string, prefix: string, { source, clock }: ComparedClocks): Promise<void> {
  for await (const { dateMs } of source.list({ prefix, delimiter: '/' })) {
    const aheadMs = clock.now() - dateMs
    if (aheadMs <= maxAheadMs) return
    const days = (aheadMs / maxAheadMs).toFixed(1)
    const found = `this machine's clock shows ${new Date(clock.now()).toISOString()}, ${days} days ahead of the source's`
    throw new WorkError(`${what}: ${found}; set it by NTP`, { retry: 'later' })
  }
}
