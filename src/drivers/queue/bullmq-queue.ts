import { WorkError } from '../../model/failure.ts'
import type { Trouble } from '../../model/health.ts'
import { type Claim, maxTries, type TaskQueue, TaskSetAside } from '../../seams/task-queue.ts'
import { BullClaims } from './bullmq-claims.ts'
import { atMost } from './at-most.ts'
import {
  type BullQueueOptions,
  closeMs,
  connectionOf,
  keptResults,
  lostPayload,
  type Outcome,
  Queue,
  QueueEvents,
  setAsideReason,
} from './bullmq.ts'

/** Open tasks are looked for this often: an event may be lost, and so may the whole queue. */
const lookMs = 3_000
/** Open tasks that nobody takes for so long are told of. */
const untakenMs = 120_000
/** Events are a hint, and hold results: few are kept. */
const keptEvents = 200

interface Open<Payload, Result> {
  readonly payload: Payload
  readonly data: object
  readonly priority: number
  readonly settle: PromiseWithResolvers<Result>
  /** Whether Redis has confirmed that it has it. */
  added: boolean
  /** Whether one of the same id that had been set aside was removed for it. */
  isAnew: boolean
}

/**
 * A queue in Redis that any number of processes share. What is in it is a cache: an open task that is not there any more is offered again.
 * This is the side that offers tasks; the one that takes them is `BullClaims`.
 */
export class BullQueue<Payload, Result> implements TaskQueue<Payload, Result> {
  readonly #options: BullQueueOptions<Payload, Result>
  readonly #queue: Queue<object, Outcome>
  readonly #open = new Map<string, Open<Payload, Result>>()
  readonly #claims: BullClaims<Payload, Result>
  /** Tasks that are being forgotten: the same id is offered again only then. */
  readonly #going = new Map<string, Promise<void>>()
  readonly #closed = new AbortController()
  #bounding: Promise<void>
  #events: QueueEvents | null = null
  #depth = 0
  #isRefused = false
  #untakenSinceMs: number | null = null

  constructor(options: BullQueueOptions<Payload, Result>) {
    this.#options = options
    this.#claims = new BullClaims(options)
    this.#queue = new Queue(options.name, { ...connectionOf(this.#options), streams: { events: { maxLen: keptEvents } } })
    this.#queue.on('error', () => undefined)
    this.#bounding = this.#bound()
  }

  get depth(): number {
    return this.#depth
  }

  get trouble(): Trouble | null {
    return this.#options.trouble()
  }

  submit(id: string, payload: Payload, priority = 0): Promise<Result> {
    const known = this.#open.get(id)
    if (known !== undefined) return known.settle.promise
    this.#listen()
    if (this.#open.size === 0) this.#bounding = this.#bound()
    const open = {
      payload,
      data: this.#options.codec.encodePayload(payload),
      priority,
      settle: Promise.withResolvers<Result>(),
      added: false,
      isAnew: false,
    }
    this.#open.set(id, open)
    void this.#add(id, open)
    return open.settle.promise
  }

  forget(id: string): void {
    const gone = this.#queue.remove(id).then(
      () => undefined,
      () => undefined,
    )
    this.#going.set(id, gone)
    void gone.then(() => this.#going.get(id) === gone && this.#going.delete(id))
  }

  async withdraw(id: string): Promise<boolean> {
    if (this.#claims.has(id) || !this.#open.has(id)) return false
    this.#open.delete(id)
    // What another process carries out can not be removed: it is finished there, and kept.
    const removed = this.#queue.remove(id).catch(() => undefined)
    await atMost(this.#options.clock, 1000, removed)
    return true
  }

  claim(signal: AbortSignal, accepts?: (payload: Payload) => boolean): Promise<Claim<Payload, Result> | null> {
    return this.#claims.claim(signal, accepts)
  }

  /** Ends connections, once results have gone out; what is still carried out then is left to others. */
  async close(): Promise<void> {
    this.#closed.abort()
    await this.#claims.drain()
    const ended = Promise.allSettled([this.#claims.end(), this.#events?.close(), this.#queue.close()])
    await atMost(this.#options.clock, closeMs, ended)
  }

  /** Parallelism is a setting in Redis, which may have been flushed. */
  async #bound(): Promise<void> {
    await this.#queue.setGlobalConcurrency(this.#options.parallelism).catch(() => undefined)
  }

  /** Offers a task, or finds it there: open, or done already. Where Redis refuses, the next look tries again. */
  async #add(id: string, open: Open<Payload, Result>): Promise<void> {
    try {
      await Promise.all([this.#bounding, this.#going.get(id)])
      const job = await this.#queue.add('task', open.data, {
        jobId: id,
        priority: open.priority,
        attempts: maxTries,
        removeOnComplete: keptResults,
        removeOnFail: keptResults,
      })
      open.added = true
      this.#isRefused = false
      const state = await job.getState()
      if (state === 'failed' && !open.isAnew) {
        // It was set aside before somebody asked for it again: it gets its tries anew, and no more than once.
        open.isAnew = true
        open.added = false
        await job.remove()
        return await this.#add(id, open)
      }
      if (state === 'completed') await this.#settle(id)
    } catch (error) {
      if (!this.#closed.signal.aborted) this.#tellRefused((error as Error).message)
    }
  }

  /** Told once, until Redis takes a task again. */
  #tellRefused(reason: string): void {
    if (this.#isRefused) return
    this.#isRefused = true
    const what = reason.includes('OOM command') ? 'Redis is full and takes no task; give it more memory (maxmemory)' : 'Redis takes no task'
    this.#options.journal.warn(`${what}. It is tried again`, { reason })
  }

  #listen(): void {
    if (this.#events !== null) return
    this.#events = new QueueEvents(this.#options.name, connectionOf(this.#options))
    this.#events.on('error', () => undefined)
    this.#events.on('completed', ({ jobId }) => void this.#settle(jobId).catch(() => undefined))
    this.#events.on('failed', ({ jobId, failedReason }) => this.#setAside(jobId, failedReason))
    void this.#look()
  }

  /** Events can be lost, and everything else too: what is open is looked for, and offered again where it is not there. */
  async #look(): Promise<void> {
    const { clock } = this.#options
    while (!this.#closed.signal.aborted) {
      await clock.sleep(lookMs, this.#closed.signal)
      if (this.#open.size === 0 || this.#closed.signal.aborted) continue
      try {
        await this.#bound()
        for (const [id, open] of this.#open) {
          const state = open.added ? await this.#queue.getJobState(id) : null
          if (state === null) await this.#add(id, open)
          else if (state === 'unknown') {
            // A script that was cut short can leave a task that is in no list.
            await this.#queue.remove(id).catch(() => undefined)
            await this.#add(id, open)
          } else if (state === 'completed') await this.#settle(id)
          else if (state === 'failed') this.#setAside(id, (await this.#queue.getJob(id))?.failedReason ?? 'unknown')
        }
        const { active, ...waiting } = await this.#queue.getJobCounts('waiting', 'prioritized', 'active')
        this.#depth = Object.values(waiting).reduce((sum, count) => sum + count, 0)
        this.#tellUntaken(active ?? 0)
      } catch {
        // Redis is away, which its connection tells.
      }
    }
  }

  #tellUntaken(active: number): void {
    const { clock, journal, name } = this.#options
    if (this.#depth === 0 || active > 0) this.#untakenSinceMs = null
    else this.#untakenSinceMs ??= clock.now()
    if (this.#untakenSinceMs === null || clock.now() - this.#untakenSinceMs < untakenMs) return
    journal.warn('nobody takes what waits in the queue; is a process for it running?', { queue: name, waiting: this.#depth })
    this.#untakenSinceMs = clock.now()
  }

  async #settle(id: string): Promise<void> {
    const open = this.#known(id)
    if (open === null) return
    const outcome = (await this.#queue.getJob(id))?.returnvalue
    if (outcome == null || this.#known(id) !== open) return
    const { codec } = this.#options
    this.#open.delete(id)
    try {
      if ('failure' in outcome) {
        this.forget(id)
        open.settle.reject(codec.decodeFailure(outcome.failure))
      } else open.settle.resolve(codec.decodeResult(outcome.result, open.payload))
    } catch (error) {
      // A result that this program can not read is of no use to it: the task is carried out again.
      this.forget(id)
      open.settle.reject(error instanceof WorkError ? error : unreadable(error as Error))
    }
  }

  /** A task that is open and stands in Redis. What is told of one that is still being forgotten is of its time before. */
  #known(id: string): Open<Payload, Result> | null {
    const open = this.#open.get(id)
    return open === undefined || !open.added || this.#going.has(id) ? null : open
  }

  #setAside(id: string, reason: string): void {
    const open = this.#known(id)
    if (open === null) return
    if (reason === lostPayload) {
      open.added = false
      this.forget(id)
      return void this.#add(id, open)
    }
    this.#open.delete(id)
    // It stays there, for those who ask what was set aside; who submits it again has it tried anew.
    open.settle.reject(new TaskSetAside(setAsideReason(reason)))
  }
}

function unreadable(cause: Error): WorkError {
  return new WorkError(`a result in the queue can not be read: ${cause.message}`, { retry: 'later', cause })
}
