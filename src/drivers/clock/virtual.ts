import type { Clock } from '../../seams/clock.ts'

/**
 * A clock that stands still until it is advanced, for simulations and tests.
 *
 * What runs under it may use microtasks, `setImmediate` and this clock's `sleep`, nothing else that completes by itself
 * (sockets, files, thread pools): time would run ahead of it, and a run could not be replayed.
 */
export interface VirtualClock extends Clock {
  /** How many sleepers there are. */
  sleepers(): number
  /**
   * Lets everything that can run do so, then moves time to the earliest sleeper and wakes it: one sleeper, the first to
   * have fallen asleep where several wake at the same time. False, and no time passes, where nobody sleeps.
   */
  advance(): Promise<boolean>
  /** Advances until `ms` have passed, waking everybody who is due by then. */
  advanceBy(ms: number): Promise<void>
  /** Advances while `program` is pending and gives its result. Throws an Error where it is pending and nobody sleeps, so that it could never end. */
  run<T>(program: () => Promise<T>): Promise<T>
}

interface Sleeper {
  readonly wakesAtMs: number
  readonly wake: () => void
}

/** After how many turns of the event loop in a row a program without sleepers counts as stuck. */
const idleTurns = 1000

export function virtualClock(startMs = Date.UTC(2026, 0, 1)): VirtualClock {
  let nowMs = startMs
  /** Ascending by time; equal times in the order of falling asleep. */
  const queue: Sleeper[] = []

  function enqueue(sleeper: Sleeper): void {
    let low = 0
    let high = queue.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (queue[middle].wakesAtMs <= sleeper.wakesAtMs) low = middle + 1
      else high = middle
    }
    queue.splice(low, 0, sleeper)
  }

  function wakeFirst(): boolean {
    const first = queue.shift()
    if (first === undefined) return false
    nowMs = first.wakesAtMs
    first.wake()
    return true
  }

  return {
    now: () => nowMs,

    sleep(ms, signal) {
      if (signal?.aborted) return Promise.resolve()
      return new Promise((resolve) => {
        const sleeper: Sleeper = { wakesAtMs: nowMs + Math.max(0, ms || 0), wake }
        function wake(): void {
          signal?.removeEventListener('abort', abort)
          resolve()
        }
        function abort(): void {
          queue.splice(queue.indexOf(sleeper), 1)
          resolve()
        }
        signal?.addEventListener('abort', abort, { once: true })
        enqueue(sleeper)
      })
    },

    sleepers: () => queue.length,

    async advance() {
      await settle()
      return wakeFirst()
    },

    async advanceBy(ms) {
      const untilMs = nowMs + ms
      await settle()
      while (queue.length > 0 && queue[0].wakesAtMs <= untilMs) {
        wakeFirst()
        await settle()
      }
      nowMs = untilMs
    },

    async run(program) {
      const state = { pending: true, idle: 0 }
      const result = program().finally(() => {
        state.pending = false
      })
      // Observed at once, so that a rejection between two turns is not reported as unhandled.
      result.catch(() => {})
      for (await settle(); state.pending; await settle()) {
        state.idle = wakeFirst() ? 0 : state.idle + 1
        if (state.idle > idleTurns) throw new Error('the program is pending and nobody sleeps: what it waits for does not come with time')
      }
      return result
    },
  }
}

/** Two turns: all microtasks, what `setImmediate` had queued, and the microtasks that came of it. */
async function settle(): Promise<void> {
  await new Promise(setImmediate)
  await new Promise(setImmediate)
}
