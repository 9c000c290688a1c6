import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../../seams/clock.ts'

/** The longest delay a Node timer takes; a larger one would fire at once. */
const longestTimerMs = 2 ** 31 - 1

/** The machine's clock. A sleeper keeps the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    try {
      for (let left = ms; left > 0; left -= longestTimerMs) await wait(Math.min(left, longestTimerMs), undefined, { signal })
    } catch (error) {
      if (!signal?.aborted) throw error
    }
  },
}
