import { DelayedError, type Job, Queue, QueueEvents, UnrecoverableError, WaitingError, Worker } from 'bullmq'
import { WorkError } from '../../model/failure.ts'
import type { Trouble } from '../../model/health.ts'
import { type Claim, maxTries, NewerVersion, type TaskCodec, type TaskQueue, TaskSetAside } from '../../seams/task-queue.ts'
import type { Clock } from '../../seams/clock.ts'
import type { Journal } from '../../seams/journal.ts'
import type { RedisClient } from './redis-connection.ts'

export interface BullQueueOptions<Payload, Result> {
  /** Names the queue within the prefix. */
  readonly name: string
  /** Stands before all keys, in braces, so that a cluster keeps them together. */
  readonly prefix: string
  readonly codec: TaskCodec<Payload, Result>
  /** Tasks at once, over all processes. */
  readonly parallelism: number
  readonly redis: RedisClient
  /** Why Redis can not be reached now. */
  readonly trouble: () => Trouble | null
  readonly clock: Clock
  readonly journal: Journal
}

/**
 * A task whose worker has not been heard of for so long is handed to another. Work of more than an instant goes on in threads, so that
 * the lock is renewed in time; what blocks a whole process longer than this (a machine that stands still) makes a zombie, whose result is
 * refused by the queue and, were it not, by the table.
 */
const lockMs = 15_000
const stalledCheckMs = 5_000
/** Open tasks are looked for this often: an event may be lost, and so may the whole queue. */
const lookMs = 3_000
/** Results wait this long for whoever plans the same task anew; the table refuses them after 12 hours. */
const keptResults = { age: 6 * 3600, count: 5_000 }
/** A task of a newer version is left to others for so long. */
const newerPauseMs = 5_000
/** A task that must be alone, or must wait for one, comes back after so long. */
const aloneRetryMs = 500
/** For so long nothing else is begun where a task that must be alone was met. */
const quietMs = 2_000
/** How long Redis may take to hear that we go. */
const closeMs = 2_000
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

/** What a task came to, as it stands in Redis: a result or an expected failure. */
type Outcome = { readonly result: object } | { readonly failure: object }

/** A queue in Redis that any number of processes share. What is in it is a cache: an open task that is not there any more is offered again. */
export class BullQueue<Payload, Result> implements TaskQueue<Payload, Result> {
  readonly #options: BullQueueOptions<Payload, Result>
  readonly #queue: Queue<object, Outcome>
  readonly #open = new Map<string, Open<Payload, Result>>()
  readonly #claimed = new Set<string>()
  /** Tasks that are being forgotten: the same id is offered again only then. */
  readonly #going = new Map<string, Promise<void>>()
  readonly #waiting: ((claim: Claim<Payload, Result> | null) => void)[] = []
  readonly #closed = new AbortController()
  #bounding: Promise<void>
  #events: QueueEvents | null = null
  #worker: Worker<object, Outcome> | null = null
  #depth = 0
  #isRefused = false
  #untakenSinceMs: number | null = null
  #toldNewer = false
  #isAlone = false
  /** Until then no other task is begun here, so that one that must be alone gets its turn, ms. */
  #quietUntilMs = 0

  constructor(options: BullQueueOptions<Payload, Result>) {
    this.#options = options
    this.#queue = new Queue(options.name, { ...this.#connection(), streams: { events: { maxLen: keptEvents } } })
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
    if (this.#claimed.has(id) || !this.#open.has(id)) return false
    this.#open.delete(id)
    // What another process carries out can not be removed: it is finished there, and kept.
    await Promise.race([this.#queue.remove(id).catch(() => undefined), this.#options.clock.sleep(1000)])
    return true
  }

  async claim(signal: AbortSignal): Promise<Claim<Payload, Result> | null> {
    if (signal.aborted) return null
    this.#work()
    const { promise, resolve } = Promise.withResolvers<Claim<Payload, Result> | null>()
    const leave = () => {
      const place = this.#waiting.indexOf(resolve)
      if (place >= 0) this.#waiting.splice(place, 1)
      // Nobody here takes another task: they are left to others.
      if (this.#waiting.length === 0) void this.#worker?.pause(true)
      resolve(null)
    }
    this.#waiting.push(resolve)
    signal.addEventListener('abort', leave, { once: true })
    const claim = await promise
    signal.removeEventListener('abort', leave)
    return claim
  }

  /** Ends connections, once results have gone out; what is still carried out then is left to others. */
  async close(): Promise<void> {
    this.#closed.abort()
    const { clock } = this.#options
    if (this.#worker !== null && this.#claimed.size === 0) await Promise.race([this.#worker.close(), clock.sleep(closeMs)])
    await Promise.race([Promise.allSettled([this.#worker?.close(true), this.#events?.close(), this.#queue.close()]), clock.sleep(closeMs)])
  }

  /** Parallelism is a setting in Redis, which may have been flushed. */
  async #bound(): Promise<void> {
    await this.#queue.setGlobalConcurrency(this.#options.parallelism).catch(() => undefined)
  }

  #connection() {
    const { redis, prefix } = this.#options
    return { connection: redis as never, prefix, skipVersionCheck: true }
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
    this.#events = new QueueEvents(this.#options.name, this.#connection())
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
    this.#open.delete(id)
    this.forget(id)
    open.settle.reject(new TaskSetAside(reason))
  }

  #work(): void {
    if (this.#worker !== null) {
      if (this.#worker.isPaused() && !this.#isAlone) void this.#worker.resume()
      return
    }
    const { name, parallelism } = this.#options
    this.#worker = new Worker<object, Outcome>(name, (job, token) => this.#process(job, token!), {
      ...this.#connection(),
      concurrency: parallelism,
      lockDuration: lockMs,
      stalledInterval: stalledCheckMs,
      maxStalledCount: maxTries - 1,
      // Of a job: it may be looked at again by whoever waits for it.
      removeOnComplete: keptResults,
      removeOnFail: keptResults,
    })
    // A lost lock among them: then another process has taken the task over.
    this.#worker.on('error', () => undefined)
  }

  /**
   * A task whose worker died may have been what it died of: it is carried out alone in its process, so that no other task is counted as
   * dead with it.
   */
  async #process(job: Job<object, Outcome>, token: string): Promise<Outcome> {
    const isSuspect = job.stalledCounter > 0
    const nowMs = this.#options.clock.now()
    if (isSuspect) this.#quietUntilMs = nowMs + quietMs
    if (this.#isAlone || (isSuspect ? this.#claimed.size > 0 : nowMs < this.#quietUntilMs)) {
      await job.moveToDelayed(Date.now() + aloneRetryMs, token)
      throw new DelayedError()
    }
    if (!isSuspect) return this.#carryOut(job, token)
    this.#isAlone = true
    void this.#worker?.pause(true)
    try {
      // Those that were taken in the same moment are given back.
      await this.#options.clock.sleep(aloneRetryMs)
      return await this.#carryOut(job, token)
    } finally {
      this.#isAlone = false
      this.#quietUntilMs = 0
      if (this.#waiting.length > 0) void this.#worker?.resume()
    }
  }

  async #carryOut(job: Job<object, Outcome>, token: string): Promise<Outcome> {
    const { codec, journal } = this.#options
    const waiter = this.#waiting.shift()
    if (waiter === undefined) {
      await job.moveToWait(token)
      await this.#options.clock.sleep(100)
      throw new WaitingError()
    }
    let payload: Payload
    try {
      payload = codec.decodePayload(job.data)
    } catch (error) {
      this.#waiting.unshift(waiter)
      if (!(error instanceof NewerVersion)) throw error
      if (!this.#toldNewer) journal.error('a task is left to others', { error })
      this.#toldNewer = true
      await job.moveToDelayed(Date.now() + newerPauseMs, token)
      throw new DelayedError()
    }
    // Deaths of workers and unexpected errors count together.
    if (job.attemptsMade + job.stalledCounter >= maxTries) {
      this.#waiting.unshift(waiter)
      throw new UnrecoverableError(`its workers died or failed ${maxTries} times`)
    }
    const id = job.id!
    const done = Promise.withResolvers<Outcome>()
    this.#claimed.add(id)
    waiter({
      id,
      payload,
      complete: (result) => done.resolve({ result: codec.encodeResult(result, job.data) }),
      fail: (error) => {
        const failure = codec.encodeFailure(error, job.data)
        if (failure === null) done.reject(error)
        else done.resolve({ failure })
      },
    })
    try {
      return await done.promise
    } finally {
      this.#claimed.delete(id)
    }
  }
}

function unreadable(cause: Error): WorkError {
  return new WorkError(`a result in the queue can not be read: ${cause.message}`, { retry: 'later', cause })
}
