import { offsetsLeft, openBackfills } from '../../model/backfill.ts'
import type { TableHealth, Trouble, UpkeepView } from '../../model/health.ts'
import { currentId } from '../../model/incarnation.ts'
import { decidedRanges } from '../../model/progress.ts'
import { frontierOf } from '../../model/segment.ts'
import { type TopicPartition, topicPartitionName } from '../../model/topic-partition.ts'
import type { Clock } from '../../seams/clock.ts'
import type { TableState } from '../../pipeline/commit/table-state.ts'
import { afterListing, type Backlog, beyondFrontier, hasReadable, lagOf } from '../../pipeline/plan/backlog.ts'
import type { Listing } from '../../pipeline/plan/list-segments.ts'
import type { TailPlan } from '../../pipeline/plan/plan-tail.ts'

/** What a table's feed holds at the moment. */
export interface FeedView {
  readonly state: TableState
  readonly stops: readonly { readonly at: TopicPartition; readonly reason: string }[]
  /** In flight. */
  readonly tasks: number
  /** Not committed yet. */
  readonly results: number
}

type Failing = NonNullable<TableHealth['failing']>

/**
 * Watches one table: planner and feed tell it what they find and do, and `health` says how the table does now. It outlives the feed,
 * so that a table that was stopped still shows how far it is behind. It decides nothing, and losing it changes nothing.
 */
export class TableWatch {
  readonly #table: string
  readonly #source: string
  readonly #clock: Clock
  readonly #backlogs = new Map<string, { readonly at: TopicPartition; backlog: Backlog }>()
  readonly #failing = new Map<string, Failing>()
  readonly #stops = new Map<string, Trouble>()
  #view: () => FeedView | null = () => null
  /** What a backfill committed or asked for, of which the feed may not know yet. */
  #seen: TableState | null = null
  #planned = false
  #waitingSinceMs: number | null = null
  #stopped: Trouble | null = null
  #upkeep: UpkeepView | null = null

  constructor(table: string, source: string, clock: Clock) {
    this.#table = table
    this.#source = source
    this.#clock = clock
  }

  /** A feed of the table begins; `view` is asked whenever somebody looks. */
  feeding(view: () => FeedView): void {
    this.#view = view
    this.#seen = null
    this.#stopped = null
    this.#failing.clear()
  }

  /** Somebody in this process committed to the table, and this is what it says since. */
  seen(state: TableState): void {
    this.#seen = state
  }

  /** Another process feeds the table. */
  standBy(): void {
    this.#view = () => null
    this.#planned = true
    this.#stopped = null
    this.#waitingSinceMs = null
    this.#upkeep = null
    this.#failing.clear()
    this.#backlogs.clear()
  }

  /** The table can not be opened, or can not go on. */
  stopped(reason: string): void {
    this.#stopped = { sinceMs: this.#stopped?.sinceMs ?? this.#clock.now(), reason }
  }

  /** It was looked what there is to do for the table beside feeding it. */
  upkept(view: UpkeepView): void {
    this.#upkeep = view
  }

  /** A topic-partition was listed from `from` on, and this is what the listing means; `writtenTo`: the high watermark, where one is told. */
  listed(at: TopicPartition, from: bigint | null, listing: Listing, plan: TailPlan, writtenTo?: bigint): void {
    const name = topicPartitionName(at)
    this.#backlogs.set(name, { at, backlog: { ...afterListing(this.#backlogs.get(name)?.backlog, from, listing, plan), writtenTo } })
  }

  /** A round over all these topic-partitions has ended. */
  planned(partitions: readonly TopicPartition[]): void {
    this.#planned = true
    const known = new Set(partitions.map(topicPartitionName))
    for (const name of this.#backlogs.keys()) if (!known.has(name)) this.#backlogs.delete(name)
    for (const at of partitions) {
      const name = topicPartitionName(at)
      if (!this.#backlogs.has(name)) this.#backlogs.set(name, { at, backlog: nothing })
    }
    this.#settle(false)
  }

  /** Something was committed. */
  committed(): void {
    this.#settle(true)
  }

  failed(step: string, reason: string): void {
    const before = this.#failing.get(step)
    this.#failing.set(step, { sinceMs: before?.sinceMs ?? this.#clock.now(), times: (before?.times ?? 0) + 1, reason })
    this.#settle(false)
  }

  succeeded(step: string): void {
    this.#failing.delete(step)
  }

  health(): TableHealth {
    const view = this.#view()
    this.#settle(false)
    const summary = view?.state.newest?.summary
    const files = Number(summary?.['total-data-files'] ?? 0)
    return {
      table: this.#table,
      planned: this.#planned,
      partitions: [...this.#backlogs.entries()].map(([name, { at, backlog }]) => ({
        ...lagOf(at, backlog, view === null ? [] : decidedRanges(view.state.progress, currentId(view.state.progress, this.#source), at)),
        stopped: this.#stops.get(name) ?? null,
        paused: view?.state.requests.pause.includes(at.topic) ?? false,
      })),
      lastCommitMs: view?.state.newest?.['timestamp-ms'] ?? null,
      watermarkMs: view?.state.watermarkMs ?? null,
      rescuedRows: view?.state.rescuedRows ?? null,
      meanFileBytes: files > 0 ? Number(summary?.['total-files-size']) / files : null,
      backfillOffsetsLeft: view === null ? 0n : backfillLeft(newerOf(view.state, this.#seen), this.#source),
      tasksInFlight: view?.tasks ?? 0,
      resultsWaiting: view?.results ?? 0,
      waitingSinceMs: this.#waitingSinceMs,
      upkeep: this.#upkeep,
      failing: [...this.#failing.values()].toSorted((a, b) => b.times - a.times)[0] ?? null,
      stopped: this.#stopped,
    }
  }

  /** Leaves behind what the table has now, and sees whether anything that could be read still waits. */
  #settle(committed: boolean): void {
    const view = this.#view()
    if (view === null) return
    const nowMs = this.#clock.now()
    const stops = new Map(view.stops.map(({ at, reason }) => [topicPartitionName(at), reason]))
    for (const name of this.#stops.keys()) if (!stops.has(name)) this.#stops.delete(name)
    for (const [name, reason] of stops) {
      const known = this.#stops.get(name)
      if (known?.reason !== reason) this.#stops.set(name, { sinceMs: nowMs, reason })
    }
    let waits = false
    for (const [name, entry] of this.#backlogs) {
      entry.backlog = beyondFrontier(
        entry.backlog,
        frontierOf(view.state.frontiers, currentId(view.state.progress, this.#source), entry.at)?.baseOffset ?? null,
      )
      waits ||= !stops.has(name) && !view.state.requests.pause.includes(entry.at.topic) && hasReadable(entry.backlog)
    }
    if (!waits) this.#waitingSinceMs = null
    else if (committed || this.#waitingSinceMs === null || this.#waitingSinceMs > nowMs) this.#waitingSinceMs = nowMs
  }
}

const nothing: Backlog = { segments: [], unreadableFrom: null, complete: true }

function newerOf(state: TableState, other: TableState | null): TableState {
  const sequenceOf = ({ newest }: TableState) => newest?.['sequence-number'] ?? -1n
  return other !== null && sequenceOf(other) > sequenceOf(state) ? other : state
}

function backfillLeft({ requests, progress }: TableState, source: string): bigint {
  const id = currentId(progress, source)
  return openBackfills(requests.backfills, progress, id).reduce((sum, one) => sum + offsetsLeft(one, progress, id), 0n)
}
