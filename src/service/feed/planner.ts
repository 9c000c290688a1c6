import { topicPartitionName, type TopicPartition } from '../../model/topic-partition.ts'
import { decidedRanges } from '../../model/progress.ts'
import { frontierOf } from '../../model/segment.ts'
import type { Fault } from '../../model/failure.ts'
import { startOf } from '../../model/left-out.ts'
import { endOf } from '../../model/offset-range.ts'
import type { SegmentRef } from '../../model/segment.ts'
import type { Task, TaskPart } from '../../model/task.ts'
import type { Journal } from '../../seams/journal.ts'
import type { Meter } from '../../seams/meter.ts'
import type { TableState } from '../../pipeline/commit/table-state.ts'
import type { StartMark } from './committer.ts'
import { type FirstLook, firstLook } from '../../pipeline/plan/first-look.ts'
import type { ListingHints } from '../../pipeline/plan/listing-hints.ts'
import { type Listing, listSegments } from '../../pipeline/plan/list-segments.ts'
import { type PackOptions, packTasks } from '../../pipeline/plan/pack-tasks.ts'
import { planTail, type TailPlan, type TailPosition } from '../../pipeline/plan/plan-tail.ts'
import { isRestarted, restartedReason } from '../../pipeline/plan/restarted-log.ts'
import { type StartOptions, type StartSeams, TailStarts } from './tail-starts.ts'
import type { TableWatch } from './table-watch.ts'

export interface PlannerOptions extends StartOptions {
  readonly table: string
  /** The table's definitions that tasks are made for; part of their ids, so that a result for older ones is never taken for theirs. */
  readonly definitions: string
  readonly pack: PackOptions
  /** Nothing is planned that was not there when a topic-partition was first listed; absent: all that comes. */
  readonly once?: boolean
}

export interface PlannerSeams extends StartSeams {
  readonly journal: Journal
  readonly meter: Meter
  /** Absent: every topic-partition is listed in every round. */
  readonly hints?: ListingHints
  /** Told what each listing shows. */
  readonly watch?: Pick<TableWatch, 'listed'>
}

/** Why a topic-partition does not go on. */
export interface Stop {
  readonly at: TopicPartition
  /** The segment that stops it; planning tries again when its bytes change. */
  readonly segment: SegmentRef | null
  readonly fault: Fault | null
  /** Planning tries again, too, once a segment follows. */
  readonly awaitsNext?: boolean
  readonly reason: string
}

/** What a round of planning came to. */
export interface PlanRound {
  readonly tasks: readonly Task[]
  readonly marks: readonly StartMark[]
  /** Milliseconds, by the store's clock, until something that waits may be ready; null where nothing waits. */
  readonly readyInMs: number | null
  /** Whether there is more to plan at once. */
  readonly more: boolean
}

/** Nothing to do, nothing to wait for. */
export function isEmpty({ tasks, marks, more, readyInMs }: PlanRound): boolean {
  return tasks.length === 0 && marks.length === 0 && !more && readyInMs === null
}

/** A listing of one topic-partition, and what it means. */
interface Listed {
  readonly position: TailPosition
  readonly listing: Listing
  readonly plan: TailPlan
  /** The high watermark before the listing, where one is told. */
  readonly writtenTo: bigint | undefined
}

/** What a listing of one topic-partition came to. */
interface Found {
  readonly at: TopicPartition
  readonly name: string
  readonly run: TaskPart | null
  readonly position: TailPosition
  readonly readyInMs: number | null
  readonly more: boolean
  /** The high watermark before the listing, where one is told. */
  readonly writtenTo: bigint | undefined
}

/** The most objects of one topic-partition that a round looks at: bounds its memory (about 300 bytes each). */
const maxObjectsPerRound = 40_000

/** An object that the store refused is asked for again after this long. */
const unreadableRetryMs = 300_000

/** Topic-partitions that are listed side by side. */
const listingsAtOnce = 16

/**
 * Plans the tail of one table. Holds, for each topic-partition, how far it has planned; that is a convenience and can be lost at
 * any time, since `reset` goes back to what the table says.
 */
export class TailPlanner {
  readonly #options: PlannerOptions
  readonly #seams: PlannerSeams
  readonly #positions = new Map<string, TailPosition>()
  readonly #blocked = new Set<string>()
  /** Topic-partitions that were reset or blocked while a round was under way: what it finds of them does not hold any more. */
  readonly #disturbed = new Set<string>()
  readonly #stops = new Map<string, Stop>()
  readonly #waits = new Map<string, SegmentRef>()
  /** When, by the store's clock, a stopped topic-partition was first passed by. */
  readonly #stoppedAtMs = new Map<string, number>()
  readonly #firstLooks = new Map<string, FirstLook>()
  readonly #reported = new Set<string>()
  readonly #starts: TailStarts

  constructor(options: PlannerOptions, seams: PlannerSeams) {
    this.#options = options
    this.#seams = seams
    this.#starts = new TailStarts(options, seams)
  }

  get stops(): readonly Stop[] {
    return [...this.#stops.values()]
  }

  /** Forgets what was planned of a topic-partition: planning goes on from the table's frontier. */
  reset(at: TopicPartition): void {
    const name = topicPartitionName(at)
    this.#positions.delete(name)
    this.#blocked.delete(name)
    this.#disturbed.add(name)
    this.#seams.hints?.forget(at)
  }

  /** Plans nothing more of a topic-partition until it is reset. */
  block(at: TopicPartition): void {
    this.#blocked.add(topicPartitionName(at))
    this.#disturbed.add(topicPartitionName(at))
  }

  /** Plans a topic-partition again only when this segment is settled, or something came before it: until then a gap is not proven. */
  wait(at: TopicPartition, unsettled: SegmentRef): void {
    this.#waits.set(topicPartitionName(at), unsettled)
  }

  /** The topic-partition must not go on; said once, with everything a person needs to find the place. */
  stop(stop: Stop): void {
    const name = topicPartitionName(stop.at)
    const known = this.#stops.get(name)
    this.#stops.set(name, stop)
    if (known !== undefined && known.segment?.etag === stop.segment?.etag && known.reason === stop.reason) return
    this.#seams.meter.add('partitions.stopped', 1, { table: this.#options.table })
    this.#seams.journal.error('partition stopped', {
      table: this.#options.table,
      topic: stop.at.topic,
      partition: stop.at.partition,
      key: stop.segment?.key,
      offset: stop.fault?.offset,
      fault: stop.fault?.kind,
      position: stop.fault?.position,
      reason: stop.reason,
    })
  }

  /**
   * Looks for work in every topic-partition and packs what it finds into tasks. Once there is work, `paused` is asked for the topics
   * of which nothing is to be planned after all.
   */
  async plan(
    partitions: readonly TopicPartition[],
    state: TableState,
    paused: () => Promise<readonly string[]> = async () => [],
  ): Promise<PlanRound> {
    const { pack } = this.#options
    const plans: Found[] = []
    const marks: StartMark[] = []
    this.#disturbed.clear()
    let readyInMs: number | null = null
    let more = false
    const maxBytes = Math.max(pack.minTaskBytes, Math.ceil((pack.maxTaskBytes * pack.parallelism) / Math.max(1, partitions.length)))
    const open = partitions.filter((at) => !this.#blocked.has(topicPartitionName(at)) && !this.#isQuiet(at, state))
    for (let i = 0; i < open.length; i += listingsAtOnce) {
      const found = await Promise.all(
        open
          .slice(i, i + listingsAtOnce)
          .map((at) => (this.#starts.isWanted(at, state) ? this.#starts.resolve(at) : this.#planOne(at, state, maxBytes))),
      )
      for (const one of found) {
        if (one === null) continue
        if ('ranges' in one) marks.push(one)
        else if ('startsInMs' in one) readyInMs = Math.min(readyInMs ?? Infinity, one.startsInMs)
        else {
          plans.push(one)
          if (one.readyInMs !== null) readyInMs = Math.min(readyInMs ?? Infinity, one.readyInMs)
          more ||= one.more
        }
      }
    }
    // Only now: a listing that fails takes the whole round with it, and what had been found in the others must be found again.
    const left = marks.length > 0 || plans.some(({ run }) => run !== null) ? await paused() : []
    const sound = plans.filter(({ at, name }) => !this.#disturbed.has(name) && !left.includes(at.topic))
    for (const { at, name, position, readyInMs: waitsMs, more: goesOn, writtenTo } of sound) {
      this.#positions.set(name, position)
      if (waitsMs === null && !goesOn) this.#seams.hints?.listed(at, writtenTo)
    }
    const runs = sound.flatMap(({ run }) => run ?? [])
    const tasks = this.#pack(runs, pack)
    more ||= sound.length < plans.length
    return { tasks, marks: marks.filter(({ at }) => !left.includes(at.topic)), readyInMs, more }
  }

  /** The same work, a task for each topic-partition. */
  apart(task: Task): Task[] {
    return task.parts.flatMap((part) => this.#pack([part], { ...this.#options.pack, parallelism: 1, minTaskBytes: task.bytes }))
  }

  #pack(runs: readonly TaskPart[], pack: PackOptions): Task[] {
    return packTasks(this.#options.sourceId, `${this.#options.table} ${this.#options.definitions}`, runs, pack)
  }

  /** Whether a listing would surely show nothing new. What stops or waits may change without a sign. */
  #isQuiet(at: TopicPartition, state: TableState): boolean {
    const name = topicPartitionName(at)
    if (this.#seams.hints === undefined || this.#stops.has(name) || this.#waits.has(name)) return false
    return this.#seams.hints.isQuiet(at, endOf(decidedRanges(state.progress, this.#options.sourceId, at)) ?? 0n)
  }

  async #planOne(at: TopicPartition, state: TableState, maxBytes: number): Promise<Found | null> {
    const { prefix, graceMs } = this.#options
    const name = topicPartitionName(at)
    const { position, listing, plan, writtenTo } = await this.#list(at, state, maxBytes)
    const { source } = this.#seams
    if (position.cursor !== null && plan.cursorSegment !== 'same' && (await isRestarted(source, prefix, at, position.cursor))) {
      this.stop({ at, segment: null, fault: null, reason: restartedReason })
      return null
    }
    this.#report(at, plan.cursorSegment, position, plan.withoutIndex)
    const stopped = this.#stops.get(name)
    if (stopped !== undefined) {
      // The same bytes would stop it at the same place: it goes on when the segment that stops it was written again.
      const segments = plan.run?.segments ?? []
      const i = segments.findIndex(({ key, etag }) => key === stopped.segment?.key && etag === stopped.segment.etag)
      const isFollowed = i < segments.length - 1 || plan.run?.nextBaseOffset !== null
      // What the store refuses, it may give later without a sign in the listing: tried again from time to time.
      const mayBeMended =
        stopped.fault === null && listing.listedAtMs - (this.#stoppedAtMs.get(name) ?? listing.listedAtMs) >= unreadableRetryMs
      if (i >= 0 && !mayBeMended && !(stopped.awaitsNext === true && isFollowed)) {
        if (!this.#stoppedAtMs.has(name)) this.#stoppedAtMs.set(name, listing.listedAtMs)
        return null
      }
      this.#stoppedAtMs.delete(name)
      this.#stops.delete(name)
    }
    const waited = this.#waits.get(name)
    const first = plan.run?.segments[0]
    if (waited !== undefined && first !== undefined && first.etag === waited.etag && first.key === waited.key && !first.settled) {
      return {
        at,
        name,
        writtenTo,
        run: null,
        position,
        readyInMs: Math.max(0, first.lastModifiedMs + graceMs - listing.listedAtMs),
        more: false,
      }
    }
    this.#waits.delete(name)
    const readyInMs = plan.readyAtMs === null ? null : Math.max(0, plan.readyAtMs - listing.listedAtMs)
    // What waits is waited for: the same listing at once would find it waiting still.
    return { at, name, writtenTo, run: plan.run, position: plan.position, readyInMs, more: plan.more && readyInMs === null }
  }

  /** Lists a topic-partition from where planning stands. */
  async #list(at: TopicPartition, state: TableState, maxBytes: number): Promise<Listed> {
    const { sourceId, prefix, graceMs } = this.#options
    const frontier = frontierOf(state.frontiers, sourceId, at)
    const position = this.#positions.get(topicPartitionName(at)) ?? { cursor: frontier, follows: frontier?.baseOffset ?? null }
    const from = position.cursor?.baseOffset ?? null
    const writtenTo = this.#seams.hints?.nextOffset(at)
    const listing = await listSegments(this.#seams.source, prefix, at, from, { maxBytes, maxObjects: maxObjectsPerRound })
    const decided = decidedRanges(state.progress, sourceId, at)
    const first = this.#options.once === true ? this.#firstLook(at, listing) : undefined
    const plan = planTail(at, position, { decided, startOffset: startOf(state, sourceId, at) }, listing, graceMs, writtenTo, first)
    this.#seams.watch?.listed(at, from, listing, plan, writtenTo)
    return { position, listing, plan, writtenTo }
  }

  #firstLook(at: TopicPartition, listing: Listing): FirstLook {
    const name = topicPartitionName(at)
    const first = this.#firstLooks.get(name) ?? firstLook(listing)
    this.#firstLooks.set(name, first)
    return first
  }

  /** Lists topic-partitions of which nothing is to be planned, so that it is known what waits in them. */
  async look(partitions: readonly TopicPartition[], state: TableState): Promise<void> {
    for (let i = 0; i < partitions.length; i += listingsAtOnce) {
      await Promise.all(partitions.slice(i, i + listingsAtOnce).map((at) => this.#list(at, state, this.#options.pack.minTaskBytes)))
    }
  }

  #report(
    at: TopicPartition,
    cursorSegment: 'same' | 'rewritten' | 'gone',
    { cursor }: TailPosition,
    withoutIndex: readonly string[],
  ): void {
    const where = { table: this.#options.table, topic: at.topic, partition: at.partition }
    if (cursorSegment === 'rewritten' && this.#isNews(`rewritten ${topicPartitionName(at)} ${cursor?.baseOffset}`)) {
      this.#seams.meter.add('segments.rewritten', 1, { table: where.table })
      this.#seams.journal.warn('segment was written again after it had been materialized; offsets decided before stay as they are', {
        ...where,
        offset: cursor?.baseOffset,
      })
    }
    for (const key of withoutIndex) {
      if (!this.#isNews(key)) continue
      this.#seams.meter.add('segments.without-index', 1, { table: where.table })
      this.#seams.journal.warn('segment without .index does not count, and later ones do: its offsets are missing', { ...where, key })
    }
  }

  /** Whether something is said for the first time; the memory of it is bounded. */
  #isNews(what: string): boolean {
    if (this.#reported.has(what)) return false
    if (this.#reported.size > 10_000) this.#reported.clear()
    this.#reported.add(what)
    return true
  }
}
