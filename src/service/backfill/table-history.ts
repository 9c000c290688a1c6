import { asksMoreThan, type Backfill, isEnded, isOfOther, rangesOfBoth, withBackfill } from '../../model/backfill.ts'
import { elapsedMs } from '../../model/elapsed.ts'
import { WorkError } from '../../model/failure.ts'
import { leftOutAfter } from '../../model/left-out.ts'
import type { Requests } from '../../model/requests.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { TableState } from '../../pipeline/commit/table-state.ts'
import { TableChanged } from '../feed/commit-loop.ts'
import type { Commits } from '../feed/commits.ts'
import { ObjectChanged, ObjectNotFound } from '../../seams/object-store.ts'
import { HistoryFeed, type HistoryOptions, type HistorySeams } from './history-feed.ts'
import type { HistoryOutcome, HistoryReport } from './history-report.ts'
import type { Limits } from '../tasks/limits.ts'
import { type BackfillWish, idInTable, resolveBackfill } from './resolve-backfill.ts'
import type { TaskTarget } from '../tasks/worker.ts'

/** A table that history is brought into, and everything that this takes. */
export interface HistoryTable {
  readonly table: string
  readonly sourceId: string
  readonly definitions: string
  readonly target: TaskTarget
  readonly commits: Commits
  changeRequests(change: (requests: Requests) => Requests): Promise<TableState>
  /** As `TableCommitter.changeState`. */
  changeState(change: (state: TableState) => Promise<TableState | null>): Promise<TableState>
}

/** How often it is looked whether there is something to do, in what is known of the table anyway, ms. */
const lookMs = 5000
/** A backfill that was stopped is tried again after this long: someone may have mended what stopped it. */
const stoppedMs = 300_000
/** How often the table is asked whether one that is paused was resumed, ms. */
const pausedMs = 60_000

/** How one process carries out a backfill beside the tail: all workers but one, and one where there is one. */
export function historyOptions(
  limits: Limits,
  bounds: { readonly workers?: number; readonly bytesPerSecond?: number; readonly requestsPerSecond?: number } = {},
): Pick<HistoryOptions, 'pack' | 'workers' | 'bytesPerSecond' | 'requestsPerSecond' | 'commitBytes' | 'commitMs'> {
  const { pack, targetFileSizeBytes } = limits
  const workers = Math.max(1, Math.min(bounds.workers ?? Infinity, pack.parallelism - 1))
  const { bytesPerSecond = null, requestsPerSecond = null } = bounds
  // A task is what one waits for at least, and so what the bounds are kept by.
  const atMost = (most: number, perSecond: number | null) => (perSecond === null ? most : Math.min(most, perSecond * paceSeconds))
  const maxTaskBytes = atMost(pack.maxTaskBytes, bytesPerSecond)
  return {
    pack: {
      ...pack,
      maxTaskBytes,
      minTaskBytes: Math.min(maxTaskBytes, targetFileSizeBytes),
      maxTaskSegments: atMost(pack.maxTaskSegments, requestsPerSecond),
      parallelism: workers,
    },
    workers,
    bytesPerSecond,
    requestsPerSecond,
    commitBytes: 2 * workers * pack.maxTaskBytes,
    commitMs: 300_000,
  }
}

const paceSeconds = 10

/** Carries out one backfill. When it is done, the table says so. `state`: what the table said last. */
export async function carryOutBackfill(
  backfill: Backfill,
  { table, sourceId, definitions, target, commits, changeState }: HistoryTable,
  options: ReturnType<typeof historyOptions>,
  state: TableState,
  seams: HistorySeams,
  signal: AbortSignal,
  progress?: (report: HistoryReport) => void,
): Promise<{ outcome: HistoryOutcome; report: HistoryReport; state: TableState }> {
  const feed = new HistoryFeed(backfill, { table, sourceId, definitions, ...options }, commits, target, state, seams)
  seams.journal.info('backfill begun', { table, backfill: backfill.id, topic: backfill.topic, offsets: feed.report().wanted })
  const outcome = await feed.run(signal, progress)
  const report = feed.report()
  const { rows, files, decided, wanted, stops } = report
  seams.journal.info(`backfill ${outcome}`, { table, backfill: backfill.id, rows, files, decided, wanted, stops: stops.length })
  const ended = outcome === 'done' ? await changeState(async (before) => withDone(before, sourceId, backfill)) : null
  return { outcome, report, state: ended ?? feed.state }
}

/** The state, with this backfill done, and nothing of it left out; null where it has ended, or more is asked under its id than was carried out. */
function withDone(state: TableState, sourceId: string, backfill: Backfill): TableState | null {
  const asked = state.requests.backfills.find(({ id }) => id === backfill.id)
  if (asked !== undefined && (isEnded(asked) || asksMoreThan(asked, backfill))) return null
  return { ...state, leftOut: leftOutAfter(state, sourceId, backfill), requests: withState(state.requests, backfill.id, 'done') }
}

/** The requests, with this backfill in this state. */
export function withState(requests: Requests, id: string, state: Backfill['state']): Requests {
  return { ...requests, backfills: requests.backfills.map((one) => (one.id === id ? { ...one, state } : one)) }
}

/** The requests, with this backfill asked for, too: what was asked under its id before and has not ended stays asked. */
export function withAsked(requests: Requests, backfill: Backfill): Requests {
  const before = requests.backfills.find((one) => one.id === backfill.id && !isEnded(one))
  const both = before === undefined ? backfill : { ...backfill, ranges: rangesOfBoth(before, backfill) }
  return { ...requests, backfills: withBackfill(requests.backfills, both) }
}

/**
 * Serves the backfills of a table that are the service's: those that its document declares, and those that somebody left to it. Until
 * `signal` aborts, or with `once` until there are none. Throws what stops the table, and TableChanged.
 */
export async function serveBackfills(
  table: HistoryTable,
  declared: readonly BackfillWish[],
  options: ReturnType<typeof historyOptions> & { readonly maxBatchBytes: number; readonly once: boolean },
  known: () => TableState,
  partitions: () => Promise<readonly TopicPartition[]>,
  seams: HistorySeams,
  signal: AbortSignal,
): Promise<boolean> {
  const { clock, journal } = seams
  const { prefix, store } = seams.source
  let own: TableState | null = null
  let ok = true
  const newest = (): TableState => {
    const told = known()
    const sequence = (state: TableState | null) => state?.newest?.['sequence-number'] ?? -1n
    return sequence(own) > sequence(told) ? own! : told
  }
  const begin = async (wish: BackfillWish): Promise<void> => {
    const found = (await partitions()).filter(({ topic }) => topic === wish.topic)
    const { sourceId } = table
    const { backfill, notBegun } = await resolveBackfill(wish, 'service', found, newest(), {
      store,
      prefix,
      sourceId,
      maxBatchBytes: options.maxBatchBytes,
    })
    // The tail takes what the document declares with it where it has not begun; with `once` it has done what there is.
    if (notBegun.length > 0 && !options.once) return
    own = await table.changeRequests((requests) =>
      requests.backfills.some(({ id }) => id === backfill.id) ? requests : withAsked(requests, backfill),
    )
  }
  // Documents of other sources may feed the table, too: what is asked of their topics is theirs to bring.
  const isOwn = ({ topic, ranges, source }: Backfill): boolean => {
    const { progress } = newest()
    if (isOfOther({ source }, progress, table.sourceId)) return false
    const begun = progress.get(table.sourceId)?.get(topic)
    return ranges.size === 0 || [...ranges.keys()].some((partition) => begun?.has(partition) === true)
  }
  const isServed = (one: Backfill): boolean => one.by === 'service' && !isEnded(one) && isOwn(one)
  const isHeld = ({ topic, state }: Backfill): boolean => state === 'paused' || newest().requests.pause.includes(topic)
  const resting = new Map<string, number>()
  const isResting = (id: string): boolean => (resting.get(id) ?? 0) > clock.now()
  let askedMs = clock.now()
  while (!signal.aborted) {
    let tried: string | null = null
    try {
      for (const wish of declared) {
        const state = newest()
        const wanted = (tried = idInTable(wish, state, table.sourceId))
        if (!isResting(wanted) && !state.requests.backfills.some(({ id }) => id === wanted)) await begin(wish)
      }
      tried = null
      const next = newest().requests.backfills.find((one) => isServed(one) && !isHeld(one) && !isResting(one.id))
      if (next !== undefined) {
        tried = next.id
        const { outcome, state } = await carryOutBackfill(next, table, options, newest(), seams, signal)
        own = state
        if (outcome === 'stopped') ok = false
        if (outcome !== 'done') resting.set(next.id, clock.now() + (outcome === 'stopped' ? stoppedMs : lookMs))
        continue
      }
      // Who resumes one tells nobody but the table.
      const isHolding = !options.once && newest().requests.backfills.some((one) => isServed(one) && isHeld(one))
      if (isHolding && elapsedMs(clock.now(), askedMs) >= pausedMs) {
        askedMs = clock.now()
        own = (await table.commits.load()).state
      }
    } catch (error) {
      // A segment may go, or be written again, while it is looked for a time.
      const isPassing = error instanceof WorkError || error instanceof ObjectNotFound || error instanceof ObjectChanged
      if (!isPassing || error instanceof TableChanged || options.once) throw error
      journal.warn('backfill failed, and is tried again', { table: table.table, error })
      // Others may go through meanwhile.
      if (tried === null) await clock.sleep(stoppedMs, signal)
      else resting.set(tried, clock.now() + stoppedMs)
    }
    if (options.once) break
    await clock.sleep(lookMs, signal)
  }
  return ok
}
