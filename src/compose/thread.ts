import { parentPort } from 'node:worker_threads'
import { systemClock } from '../drivers/clock/system.ts'
import { systemEntropy } from '../drivers/entropy/system.ts'
import type { TaskResult } from '../pipeline/flow.ts'
import type { RewriteSeams } from '../service/tasks/rewrite-task.ts'
import { carryOut, type WorkerSeams } from '../service/tasks/worker.ts'
import { type FromThread, largeBytes, ownBytes, plainError, revivedError, type ToThread } from './thread-messages.ts'

/** A worker thread: carries out the tasks it is given. All it knows of stores is what the main thread does for it. */

const entropy = systemEntropy(systemClock)
/** Who waits for the answers to a call. */
const waiting = new Map<number, (answer: Answer) => void>()
let calls = 0

type Answer = Extract<ToThread, { call: number }>

function say(message: FromThread, bytes?: Uint8Array<ArrayBuffer>): void {
  parentPort!.postMessage(message, bytes === undefined ? [] : [bytes.buffer])
}

function answerTo(call: number): Promise<Answer> {
  return new Promise((resolve) => waiting.set(call, resolve))
}

parentPort!.on('message', (message: ToThread) => {
  if (message.kind === 'task' || message.kind === 'rewrite') {
    const { task } = message
    const done = message.kind === 'task' ? carryOut(...message.work, seamsOf(task)) : rewrite(task, message.work)
    done.then(
      (result) => say({ kind: 'result', task, result }),
      (error: unknown) => say({ kind: 'error', task, error: plainError(error) }),
    )
    return
  }
  const resolve = waiting.get(message.call)
  waiting.delete(message.call)
  resolve?.(message)
})

/** What rewrites need is loaded with the first one: most threads never see one. */
async function rewrite(task: number, work: Extract<ToThread, { kind: 'rewrite' }>['work']): Promise<TaskResult> {
  const { carryOutRewrite } = await import('../service/tasks/rewrite-task.ts')
  return carryOutRewrite(...work, seamsOf(task))
}

function seamsOf(task: number): WorkerSeams & RewriteSeams {
  return {
    source: {
      async get(key, { ifMatch } = {}) {
        const call = ++calls
        const answered = answerTo(call)
        say({ kind: 'get', task, call, key, ifMatch })
        const answer = await answered
        if (answer.kind === 'got') return answer.bytes
        throw failureOf(answer)
      },
      release(bytes) {
        if (bytes.buffer.byteLength >= largeBytes) say({ kind: 'read', task, bytes }, bytes as Uint8Array<ArrayBuffer>)
      },
    },
    io: {
      write: (uri, chunks) => write(task, uri, chunks),
      async read(uri, range) {
        const call = ++calls
        const answered = answerTo(call)
        say({ kind: 'open', task, call, uri, range })
        const answer = await answered
        if (answer.kind === 'got') return answer.bytes
        throw failureOf(answer)
      },
      async remove(uri) {
        const call = ++calls
        const answered = answerTo(call)
        say({ kind: 'remove', task, call, uri })
        const answer = await answered
        if (answer.kind !== 'removed') throw failureOf(answer)
      },
    },
    clock: systemClock,
    entropy,
  }
}

/** Makes a chunk each time that the store takes one. */
async function write(task: number, uri: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<number> {
  const call = ++calls
  const iterator = Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]()
  try {
    let answered = answerTo(call)
    say({ kind: 'write', task, call, uri })
    for (;;) {
      const answer = await answered
      if (answer.kind === 'written') return answer.size
      if (answer.kind !== 'more') throw failureOf(answer)
      answered = answerTo(call)
      try {
        const next = await iterator.next()
        if (next.done === true) say({ kind: 'end', call })
        else {
          const bytes = ownBytes(next.value)
          say({ kind: 'chunk', call, bytes }, bytes)
        }
      } catch (error) {
        say({ kind: 'broken', call, error: plainError(error) })
        await answered
        throw error
      }
    }
  } finally {
    await iterator.return?.()
  }
}

function failureOf(answer: Answer): Error {
  return answer.kind === 'failed' ? revivedError(answer.error) : new Error(`a store answered with ${answer.kind}`)
}
