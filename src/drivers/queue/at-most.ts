import type { Clock } from '../../seams/clock.ts'

/** What comes of `work`, or null after `ms`. It leaves nobody asleep, who would keep a process alive that has nothing left to do. */
export async function atMost<T>(clock: Clock, ms: number, work: Promise<T>, signal?: AbortSignal): Promise<T | null> {
  const over = new AbortController()
  const asleep = clock.sleep(ms, signal === undefined ? over.signal : AbortSignal.any([signal, over.signal])).then(() => null)
  try {
    return await Promise.race([work, asleep])
  } finally {
    over.abort()
  }
}
