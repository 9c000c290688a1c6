import { Worker } from 'node:worker_threads'
import { boundHeaps, boundRewrites, boundYoungObjects, countBuffersWithHeap } from './bound-heaps.ts'
import { discard, release } from '../formats/bytes/release.ts'
import { WorkError } from '../model/failure.ts'
import type { Task } from '../model/task.ts'
import type { TaskResult } from '../pipeline/flow.ts'
import type { CarryOutRewrite } from '../service/tasks/rewrite-task.ts'
import { carryOut, type CarryOut, type WorkerSeams } from '../service/tasks/worker.ts'
import type { FileIO } from '../seams/file-io.ts'
import { Turns } from '../service/tasks/turns.ts'
import { type FromThread, largeBytes, ownBytes, plainError, revivedError, type ToThread } from './thread-messages.ts'

/** Less input than this is carried out at once, in the main thread: to hand it over would take longer, and a service that is idle needs no thread. */
const smallTaskBytes = 4 * 1024 * 1024
/**
 * Small segments keep the main thread for milliseconds at a time, between their requests. Up to so many bytes of them, alone, start no
 * thread: its start, and two messages a segment, take a quarter of a second of CPU for 600 of them.
 */
const loneTaskBytes = 32 * 1024 * 1024
const smallSegmentBytes = 256 * 1024

/** Worker threads that carry out tasks, so that requests and commits are never kept waiting by columns and Parquet. */
export interface Threads {
  readonly carryOut: CarryOut
  /** In a thread always, since a rewrite takes long; and one in each thread at most, since two take twice the memory and no less time. */
  readonly rewrite: CarryOutRewrite
  /** How many of those go on at once; others wait. */
  readonly rewritesAtOnce: number
  close(): Promise<void>
}

/**
 * At most `count` threads, started when there is work for them, which rewrite at most `memoryIsFor` groups of files at a time. A
 * task goes to the thread with the fewest.
 */
export function openThreads(count: number, memoryIsFor = count): Threads {
  boundHeaps()
  const threads: Thread[] = []
  const rewritesAtOnce = Math.min(count, memoryIsFor)
  const rewrites = new Turns(rewritesAtOnce)
  let here = 0
  let isFeeding = false
  return {
    rewritesAtOnce,
    async carryOut(task, target, limits, seams) {
      boundYoungObjects()
      if (!isFeeding) boundHeaps()
      if (count > 1 && !isFeeding) countBuffersWithHeap()
      isFeeding = true
      const isLone = here === 0 && threads.every(({ tasks }) => tasks === 0)
      if (task.bytes < smallTaskBytes || (isLone && isOfSmallSegments(task))) {
        here++
        return carryOut(task, target, limits, seams).finally(() => here--)
      }
      return threadFor(threads, count).run({ kind: 'task', work: [task, target, limits] }, seams)
    },
    rewrite: (task, order, metadata, limits, { io, ...seams }) => {
      boundRewrites(!isFeeding)
      const work = { kind: 'rewrite', work: [task, order, metadata, limits] } as const
      return rewrites.take(() => threadFor(threads, count).run(work, { ...seams, io, source: noSource }))
    },
    async close() {
      await Promise.all(threads.splice(0).map((thread) => thread.close()))
    },
  }
}

function isOfSmallSegments({ bytes, parts }: Task): boolean {
  return bytes < loneTaskBytes && parts.every(({ segments }) => segments.every(({ size }) => size < smallSegmentBytes))
}

/** Whether the whole buffer can be handed over, which the store takes back when it is read. */
function isReleased(source: WorkerSeams['source'], bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return source.release !== undefined && bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength >= largeBytes
}

function threadFor(threads: Thread[], count: number): Thread {
  for (const [i, thread] of threads.entries()) if (thread.isDead) threads.splice(i, 1)
  const freest = threads.toSorted((one, other) => one.tasks - other.tasks)[0]
  if (freest !== undefined && (freest.tasks === 0 || threads.length >= count)) return freest
  const thread = new Thread()
  threads.push(thread)
  return thread
}

/** What a thread asks for. Only rewrites read files of the warehouse, and remove those that were for themselves. */
type ThreadSeams = WorkerSeams & { readonly io: Pick<FileIO, 'write'> & Partial<Pick<FileIO, 'read' | 'remove'>> }

type Work = Pick<Extract<ToThread, { kind: 'task' }>, 'kind' | 'work'> | Pick<Extract<ToThread, { kind: 'rewrite' }>, 'kind' | 'work'>

/** Rewrites read no segment. */
const noSource: WorkerSeams['source'] = {
  get: async () => {
    throw new Error('a rewrite reads no segment')
  },
}

interface Running {
  readonly seams: ThreadSeams
  resolve(result: TaskResult): void
  reject(error: Error): void
}

/** A file that a thread is writing: the store pulls, the thread answers. */
interface Writing {
  take(next: IteratorResult<Uint8Array, undefined>): void
  fail(error: Error): void
}

class Thread {
  readonly #worker: Worker
  readonly #running = new Map<number, Running>()
  readonly #writing = new Map<number, Writing>()
  #count = 0
  isDead = false

  constructor() {
    // The file's ending is that of this one: sources run as they are, and are built.
    this.#worker = new Worker(new URL(import.meta.url.replace(/threads(\.\w+)$/, 'thread$1')))
    this.#worker.on('message', (message: FromThread) => this.#hear(message))
    this.#worker.on('error', (error: Error) => this.#die(error))
    this.#worker.on('exit', () => this.#die(new Error('it ended')))
  }

  get tasks(): number {
    return this.#running.size
  }

  run(work: Work, seams: ThreadSeams): Promise<TaskResult> {
    const task = ++this.#count
    return new Promise((resolve, reject) => {
      this.#running.set(task, { seams, resolve, reject })
      this.#say({ ...work, task })
    })
  }

  async close(): Promise<void> {
    this.#die(new WorkError('the worker threads were closed before the task ended', { retry: 'later' }))
    await this.#worker.terminate()
  }

  #say(message: ToThread, bytes?: Uint8Array<ArrayBuffer>): void {
    this.#worker.postMessage(message, bytes === undefined ? [] : [bytes.buffer])
  }

  #hear(message: FromThread): void {
    switch (message.kind) {
      case 'result':
        this.#running.get(message.task)?.resolve(message.result)
        this.#running.delete(message.task)
        return
      case 'error':
        this.#running.get(message.task)?.reject(revivedError(message.error))
        this.#running.delete(message.task)
        return
      case 'get':
        void this.#answer(message.call, async () => {
          const { seams } = this.#running.get(message.task)!
          const got = await seams.source.get(message.key, { ifMatch: message.ifMatch })
          const bytes = isReleased(seams.source, got) ? got : ownBytes(got)
          this.#say({ kind: 'got', call: message.call, bytes }, bytes)
        })
        return
      case 'open':
        void this.#answer(message.call, async () => {
          const { io } = this.#running.get(message.task)!.seams
          const bytes = ownBytes(await io.read!(message.uri, message.range))
          this.#say({ kind: 'got', call: message.call, bytes }, bytes)
        })
        return
      case 'remove':
        void this.#answer(message.call, async () => {
          await this.#running.get(message.task)!.seams.io.remove!(message.uri)
          this.#say({ kind: 'removed', call: message.call })
        })
        return
      case 'read':
        ;(this.#running.get(message.task)?.seams.source.release ?? release)(message.bytes)
        return
      case 'write':
        void this.#answer(message.call, async () => {
          const { seams } = this.#running.get(message.task)!
          const size = await seams.io.write(message.uri, this.#chunks(message.call))
          this.#say({ kind: 'written', call: message.call, size })
        })
        return
      case 'chunk':
        this.#writing.get(message.call)?.take({ done: false, value: message.bytes })
        return
      case 'end':
        this.#writing.get(message.call)?.take({ done: true, value: undefined })
        return
      case 'broken':
        this.#writing.get(message.call)?.fail(revivedError(message.error))
    }
  }

  async #answer(call: number, act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      this.#say({ kind: 'failed', call, error: plainError(error) })
    } finally {
      this.#writing.delete(call)
    }
  }

  /** What the thread makes of a file, a chunk each time the store wants one. */
  async *#chunks(call: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<Uint8Array, undefined>>()
      this.#writing.set(call, { take: resolve, fail: reject })
      this.#say({ kind: 'more', call })
      const next = await promise
      if (next.done === true) return
      yield next.value
      discard(next.value)
    }
  }

  /** A thread that ends before its tasks, perhaps because of one of them: each counts as tried. Nothing of it was committed. */
  #die(cause: Error): void {
    this.isDead = true
    const error = cause instanceof WorkError ? cause : new Error(`a worker thread ended before its task: ${cause.message}`, { cause })
    for (const { fail } of this.#writing.values()) fail(error)
    for (const { reject } of this.#running.values()) reject(error)
    this.#writing.clear()
    this.#running.clear()
  }
}
