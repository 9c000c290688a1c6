import { appendFileSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'

/**
 * Loaded into a worker by a test: the first task that a thread turns into a data file takes it longer than the worker's lock, without a pause,
 * as decompressing and encoding do. A line in the file BURNT says so.
 */
const burnMs = 25_000
let isBurnt = false
const post = parentPort?.postMessage.bind(parentPort)
if (parentPort !== null) {
  parentPort.postMessage = (message: { readonly kind?: string }, ...rest) => {
    if (message.kind === 'write' && !isBurnt) {
      isBurnt = true
      appendFileSync(process.env.BURNT!, `${process.pid}\n`)
      for (const endMs = performance.now() + burnMs; performance.now() < endMs;);
    }
    post!(message, ...rest)
  }
}
