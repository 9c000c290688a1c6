import { elapsedMs } from '../../model/elapsed.ts'
import { type Backfill, wantedOffsets } from '../../model/backfill.ts'
import { WorkError } from '../../model/failure.ts'
import { countOffsets, intersectRanges, type OffsetRanges } from '../../model/offset-range.ts'
import { decidedRanges } from '../../model/progress.ts'
import { frontierOf } from '../../model/segment.ts'
import type { Task, TaskPart } from '../../model/task.ts'
import { type TopicPartition, topicPartitionName } from '../../model/topic-partition.ts'
import type { TranslatedPart } from '../../model/translated-part.ts'
import type { Clock } from '../../seams/clock.ts'
import type { Journal } from '../../seams/journal.ts'
import type { Meter } from '../../seams/meter.ts'
import { priorityBands, type TaskQueue, TaskSetAside } from '../../seams/task-queue.ts'
import type { TableState } from '../../pipeline/commit/table-state.ts'
import type { Commits } from '../feed/commits.ts'
import { decidesNothing } from '../../pipeline/commit/select-results.ts'
import { setAsideReason, tellCommit, tellGaps, tellPart, type Telling } from '../feed/feed-telling.ts'
import type { TaskResult } from '../../pipeline/flow.ts'
import type { HistoryOutcome, HistoryReport } from './history-report.ts'
import { HistoryCursor, type HistorySource, tooYoungReason } from './history-cursor.ts'
import { Lineage, type Planned } from '../feed/lineage.ts'
import { OrderedResults } from '../feed/ordered-results.ts'
import { type PackOptions, packTasks } from '../../pipeline/plan/pack-tasks.ts'
import { restartedReason } from '../../pipeline/plan/restarted-log.ts'
import { Setbacks } from '../feed/setbacks.ts'
import type { TablePayload } from '../tasks/task-payload.ts'
import { Waking } from '../feed/waking.ts'
import type { TaskTarget } from '../tasks/worker.ts'

export interface HistoryOptions {
  readonly table: string
  readonly sourceId: string
  /** As in `PlannerOptions`. */
  readonly definitions: string
  readonly pack: PackOptions
  /** Tasks at once; the tail's have the rest of the workers, and those too when it needs them. */
  readonly workers: number
  /** Segments read a second at most, bytes; null: as fast as it goes. */
  readonly bytesPerSecond: number | null
  /** Segments asked for a second at most; null: as many as it goes. */
  readonly requestsPerSecond: number | null
  /** So much is read between two commits, bytes, unless `commitMs` pass before. */
  readonly commitBytes: number
  readonly commitMs: number
}

export interface HistorySeams {
  readonly source: HistorySource
  readonly queue: TaskQueue<TablePayload, TaskResult>
  readonly clock: Clock
  readonly journal: Journal
  readonly meter: Meter
}

/** What the tail of the table does is what its health is judged by. */
const unwatched = { failed: () => undefined, succeeded: () => undefined }

const tailUnknown = 'the table does not tell where the tail stands; once the service has committed to it again, the backfill goes on'

/** How often the table is looked at for a pause while nothing is committed, ms. */
const lookMs = 5000
/** How often a segment may be written again under our eyes before its topic-partition is stopped. */
const maxChanges = 5
/** Failures in a row after which it is given up. */
const maxFailures = 8

/**
 * Carries out one backfill of one table, beside the tail: in tasks of lower priority, in commits of some size, each of which is accepted
 * or refused as any other. Everything held here can be lost; what is left to do is what the table does not have.
 *
 * Within a topic-partition results are committed in the order of their segments, so that of two that overlap the earlier one counts.
 */
export class HistoryFeed {
  readonly #options: HistoryOptions
  readonly #commits: Commits
  readonly #target: TaskTarget
  readonly #seams: HistorySeams
  readonly #backfill: Backfill
  readonly #telling: Telling
  readonly #setbacks: Setbacks
  readonly #waking: Waking
  readonly #lineage = new Lineage()
  readonly #cursors = new Map<string, HistoryCursor>()
  readonly #stops = new Map<string, { at: TopicPartition; reason: string }>()
  readonly #changes = new Map<string, number>()
  #waiting: Task[] = []
  readonly #open = new OrderedResults()
  #state: TableState
  #seenMs: number
  #lastCommitMs: number
  /** When the next task may be handed out, where bytes a second are bounded. */
  #paceMs = Number.NEGATIVE_INFINITY
  #isThrough = false
  #done = { rows: 0n, files: 0, fileBytes: 0n, commits: 0, segments: 0, bytes: 0 }

  constructor(backfill: Backfill, options: HistoryOptions, commits: Commits, target: TaskTarget, state: TableState, seams: HistorySeams) {
    this.#backfill = backfill
    this.#options = options
    this.#commits = commits
    this.#target = target
    this.#state = state
    this.#seams = seams
    this.#telling = { table: options.table, journal: seams.journal, meter: seams.meter }
    this.#setbacks = new Setbacks(options.table, { ...seams, watch: unwatched })
    this.#waking = new Waking(seams.clock)
    this.#seenMs = this.#lastCommitMs = seams.clock.now()
  }

  /** Until it is done or `signal` aborts: then what is finished is committed. Throws what stops the table, and what fails again and again. */
  async run(signal: AbortSignal, progress?: (report: HistoryReport) => void): Promise<HistoryOutcome> {
    const { clock } = this.#seams
    for (const at of this.#partitions()) this.#begin(at)
    for (;;) {
      if (signal.aborted) return await this.#leave('left')
      const asked = this.#asked()
      if (asked === 'cancelled' || asked === 'paused') return await this.#leave(asked)
      await this.#setbacks.attempt('plan', () => this.#plan())
      this.#handOut()
      const isIdle = this.#open.size === 0 && this.#waiting.length === 0 && [...this.#cursors.values()].every(({ isOver }) => isOver)
      if (this.#isCommitDue()) await this.#setbacks.attempt('commit', () => this.#commit())
      else if (elapsedMs(clock.now(), this.#seenMs) >= lookMs) await this.#setbacks.attempt('commit', () => this.#look())
      progress?.(this.report())
      // What failed was done otherwise, or is gone.
      if (isIdle) this.#setbacks.clear('task')
      this.#setbacks.throwFatal()
      this.#setbacks.throwAfter(maxFailures)
      if (isIdle && this.#open.size === 0 && this.#setbacks.worst === 0) break
      await this.#nap(signal)
    }
    this.#isThrough = true
    progress?.(this.report())
    for (const { at, ranges } of this.report().missing) tellGaps(this.#telling, at, ranges)
    return this.#stops.size === 0 ? 'done' : 'stopped'
  }

  /** What the table says, as far as this feed knows. */
  get state(): TableState {
    return this.#state
  }

  /** How far it has come. */
  report(): HistoryReport {
    const missing: { at: TopicPartition; ranges: OffsetRanges }[] = []
    let [wanted, left] = [0n, 0n]
    for (const at of this.#partitions()) {
      const asked = this.#askedOf(at)
      const rest = this.#wanted(at)
      wanted += countOffsets(intersectRanges(asked, [[0n, this.#end(at)]]))
      left += countOffsets(rest)
      if (this.#isThrough && rest.length > 0 && !this.#stops.has(topicPartitionName(at))) missing.push({ at, ranges: rest })
    }
    const readBytes = this.#done.bytes + this.#open.finishedBytes
    return { ...this.#done, readBytes, wanted, decided: wanted - left, missing, stops: [...this.#stops.values()] }
  }

  #partitions(): TopicPartition[] {
    return [...this.#backfill.ranges.keys()].map((partition) => ({ topic: this.#backfill.topic, partition }))
  }

  #askedOf({ partition }: TopicPartition): OffsetRanges {
    return this.#backfill.ranges.get(partition) ?? []
  }

  #end(at: TopicPartition): bigint {
    return decidedRanges(this.#state.progress, this.#options.sourceId, at).at(-1)?.[1] ?? 0n
  }

  #wanted(at: TopicPartition): OffsetRanges {
    return wantedOffsets(this.#askedOf(at), decidedRanges(this.#state.progress, this.#options.sourceId, at))
  }

  /** Goes through the topic-partition from the beginning, by what the table has now. What was planned of it before has no place any more. */
  #begin(at: TopicPartition): void {
    const name = topicPartitionName(at)
    this.#lineage.begin(at)
    this.#dropWaiting(name)
    if (this.#stops.has(name)) return void this.#cursors.delete(name)
    const wanted = this.#wanted(at)
    const frontier = frontierOf(this.#state.frontiers, this.#options.sourceId, at)
    // The tail has not read its first segment, or others have expired what told where it stands: where it begins is not known for good.
    if (frontier !== null) this.#cursors.set(name, new HistoryCursor(at, wanted, this.#backfill.newestFirst, frontier, this.#seams.source))
    else if (wanted.length > 0) this.#stop(at, tailUnknown)
  }

  /** What waits to be handed out and has something of this topic-partition is planned no more; others that it has are begun again. */
  #dropWaiting(name: string): void {
    const isOf = ({ parts }: Task) => parts.some((part) => topicPartitionName(part.at) === name)
    const dropped = this.#waiting.filter(isOf)
    this.#waiting = this.#waiting.filter((task) => !isOf(task))
    for (const { parts } of dropped) for (const part of parts) if (topicPartitionName(part.at) !== name) this.#begin(part.at)
  }

  #stop(at: TopicPartition, reason: string): void {
    this.#stops.set(topicPartitionName(at), { at, reason })
    this.#cursors.delete(topicPartitionName(at))
    this.#seams.journal.error('backfill stopped in a topic-partition', {
      table: this.#options.table,
      backfill: this.#backfill.id,
      topic: at.topic,
      partition: at.partition,
      reason,
    })
  }

  /** What somebody asked of it in the table meanwhile; it may have been forgotten there. */
  #asked(): Backfill['state'] {
    const { backfills, pause } = this.#state.requests
    if (pause.includes(this.#backfill.topic)) return 'paused'
    return backfills.find(({ id }) => id === this.#backfill.id)?.state ?? 'active'
  }

  async #look(): Promise<void> {
    this.#state = (await this.#commits.load()).state
    this.#seenMs = this.#seams.clock.now()
  }

  /** Looks for segments until the workers have enough to do. */
  async #plan(): Promise<void> {
    const { pack, workers } = this.#options
    const runs: TaskPart[] = []
    if (this.#waiting.length >= workers) return
    const open = [...this.#cursors.values()].filter(({ isOver }) => !isOver)
    const share = Math.max(pack.minTaskBytes, Math.ceil((pack.maxTaskBytes * workers) / Math.max(1, open.length)))
    let bytes = 0
    try {
      for (const cursor of open) {
        const found = await cursor.step(share)
        if (cursor.isRestarted) this.#stop(cursor.at, restartedReason)
        else if (cursor.isOver && cursor.tooYoung !== null) this.#stop(cursor.at, tooYoungReason(cursor.tooYoung))
        runs.push(...found)
        for (const { segments } of found) for (const { size } of segments) bytes += size
        if (bytes >= pack.maxTaskBytes * workers) break
      }
    } finally {
      // Where one listing fails, too: the cursors before it have moved on, and what comes next counts on what they found.
      this.#waiting.push(...packTasks(this.#options.sourceId, this.#idScope(), runs, pack))
    }
  }

  /** Part of the ids of tasks: what is wanted of the same segments may be another part of them. */
  #idScope(): string {
    return `${this.#options.table} ${this.#options.definitions} history ${this.#backfill.id}`
  }

  #handOut(): void {
    const { workers } = this.#options
    const { clock } = this.#seams
    while (this.#waiting.length > 0 && this.#open.running.length < workers && clock.now() >= this.#paceMs) {
      const task = this.#waiting.shift()!
      this.#paceMs = Math.max(this.#paceMs, clock.now()) + this.#shareMs(task)
      this.#submit(this.#lineage.plan(task))
    }
  }

  /** For how long the task uses up what may be read and asked for. */
  #shareMs({ bytes, parts }: Task): number {
    const { bytesPerSecond, requestsPerSecond } = this.#options
    const segments = parts.reduce((sum, part) => sum + part.segments.length, 0)
    return 1000 * Math.max(bytes / (bytesPerSecond ?? Infinity), segments / (requestsPerSecond ?? Infinity))
  }

  #submit(planned: Planned): void {
    const { task } = planned
    this.#open.add(planned)
    const payload = { task, table: this.#options.table, target: this.#target }
    this.#seams.queue.submit(task.id, payload, priorityBands.backfill + this.#open.size).then(
      (result) => {
        this.#receive(planned, result)
        this.#waking.rouse()
      },
      (error: unknown) => {
        this.#fail(planned, error)
        this.#waking.rouse()
      },
    )
  }

  #receive(planned: Planned, result: TaskResult): void {
    if (this.#lineage.isStale(planned)) return this.#drop(planned)
    this.#setbacks.clear('task')
    this.#open.finish(planned, result)
    for (const part of result.parts) {
      tellPart(this.#telling, part)
      // What was planned behind the place where this part ended does not follow it any more.
      if (part.ended !== null) this.#lineage.endAt(part.at, planned)
    }
  }

  #fail(planned: Planned, error: unknown): void {
    const { task } = planned
    if (!(error instanceof TaskSetAside)) this.#setbacks.note('task', error)
    else if (!this.#lineage.isStale(planned)) {
      this.#seams.meter.add('task.set-aside')
      if (task.parts.length > 1) return this.#tryApart(planned)
      const [{ at, segments }] = task.parts
      this.#stop(at, setAsideReason(segments, error))
      // What comes before it in the log is committed all the same.
      this.#lineage.endAt(at, { ...planned, order: planned.order - 1 })
      this.#dropWaiting(topicPartitionName(at))
    }
    this.#drop(planned)
  }

  /** A task that fails unexpectedly must not keep others back: each of its topic-partitions is tried alone, in its place. */
  #tryApart(planned: Planned): void {
    const { task } = planned
    this.#seams.queue.forget(task.id)
    this.#open.remove(task.id)
    const pack = { ...this.#options.pack, parallelism: 1, minTaskBytes: task.bytes }
    const alone = task.parts.flatMap((part) => packTasks(this.#options.sourceId, this.#idScope(), [part], pack))
    for (const one of alone) this.#submit({ ...planned, task: one })
  }

  /** The task's topic-partitions are gone through again, unless that has happened already. */
  #drop(planned: Planned): void {
    this.#seams.queue.forget(planned.task.id)
    this.#open.remove(planned.task.id)
    for (const { at } of planned.task.parts) if (this.#lineage.holds(planned, at)) this.#begin(at)
  }

  #isCommitDue(): boolean {
    const ready = this.#open.ready()
    if (ready.length === 0) return false
    if (this.#open.running.length === 0 && this.#waiting.length === 0) return true
    const bytes = ready.reduce((sum, { result }) => sum + result.task.bytes, 0)
    return bytes >= this.#options.commitBytes || elapsedMs(this.#seams.clock.now(), this.#lastCommitMs) >= this.#options.commitMs
  }

  async #commit(): Promise<void> {
    const { clock, journal } = this.#seams
    const ready = this.#open.ready()
    for (const { planned } of ready.filter((one) => this.#lineage.isStale(one.planned))) this.#drop(planned)
    const offered = ready.filter(({ planned }) => this.#open.has(planned.task.id) && !this.#lineage.isStale(planned))
    for (const { result } of offered) if (decidesNothing(result)) this.#settle(result)
    const results = offered.filter(({ planned }) => this.#open.has(planned.task.id))
    if (results.length === 0) return
    const report = await this.#commits.commit(results.map(({ result }) => result))
    this.#state = report.state
    this.#seenMs = this.#lastCommitMs = clock.now()
    for (const { planned, result } of results) {
      const refused = report.refused.find((one) => one.result === result)
      if (refused !== undefined) {
        journal.info('result refused, planned again', { table: this.#options.table, task: planned.task.id, reason: refused.reason })
        this.#drop(planned)
      } else if (report.committed.includes(result)) this.#settle(result)
    }
    if (report.committed.length > 0) {
      this.#done = { ...this.#done, commits: this.#done.commits + 1 }
      tellCommit(this.#telling, report.committed, report.state)
    }
  }

  #settle({ task, files, parts }: TaskResult): void {
    this.#seams.queue.forget(task.id)
    this.#open.remove(task.id)
    const { rows, files: count, fileBytes, segments, bytes } = this.#done
    this.#done = {
      ...this.#done,
      rows: files.reduce((sum, file) => sum + file.recordCount, rows),
      files: count + files.length,
      fileBytes: files.reduce((sum, file) => sum + file.fileSizeInBytes, fileBytes),
      segments: segments + task.parts.reduce((sum, part) => sum + part.segments.length, 0),
      bytes: bytes + task.bytes,
    }
    for (const part of parts) this.#settlePart(part)
  }

  #settlePart({ at, ended }: TranslatedPart): void {
    if (ended === null) return
    if (ended.kind === 'fault') this.#stop(at, `${ended.segment.key}: ${ended.fault.message}`)
    else if (ended.kind === 'unreadable') this.#stop(at, ended.reason)
    else {
      // It is looked at again, ever more slowly.
      this.#setbacks.note('task', new WorkError(`${ended.segment.key} was listed, and can not be had so now`, { retry: 'later' }))
      const changes = (this.#changes.get(ended.segment.key) ?? 0) + 1
      this.#changes.set(ended.segment.key, changes)
      if (changes > maxChanges) this.#stop(at, `${ended.segment.key} was written again, or went away and came back, ${changes} times`)
    }
    this.#begin(at)
  }

  /** Commits what is finished, and gives the rest back. */
  async #leave(outcome: HistoryOutcome): Promise<HistoryOutcome> {
    const { queue } = this.#seams
    await Promise.all(this.#open.running.map((id) => queue.withdraw(id)))
    if (this.#open.ready().length > 0) await this.#setbacks.attempt('commit', () => this.#commit())
    this.#setbacks.throwFatal()
    return outcome
  }

  async #nap(signal: AbortSignal): Promise<void> {
    const { clock } = this.#seams
    const pace =
      this.#waiting.length > 0 && this.#open.running.length < this.#options.workers ? Math.max(0, this.#paceMs - clock.now()) : Infinity
    const failed = this.#setbacks.worst > 0 ? this.#setbacks.pauseMs : Infinity
    const canGoOn = this.#open.running.length < this.#options.workers && [...this.#cursors.values()].some(({ isOver }) => !isOver)
    const next = failed === Infinity && canGoOn && this.#waiting.length < this.#options.workers ? 0 : Infinity
    await this.#waking.sleep(Math.max(1, Math.min(pace, failed, next, 1000)), signal)
  }
}
