import type { Clock } from '../../seams/clock.ts'

/** A sleep that whoever has news ends. */
export class Waking {
  readonly #clock: Clock
  #news = Promise.withResolvers<void>()
  #sleeping: AbortController | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves at the next `rouse`. */
  get next(): Promise<void> {
    return this.#news.promise
  }

  /** Something came back, or is there to be done. */
  rouse(): void {
    this.#news.resolve()
    this.#news = Promise.withResolvers<void>()
    this.#sleeping?.abort()
  }

  /** Sleeps for `ms`, or until `rouse` is called or `signal` aborts. */
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    const sleeping = (this.#sleeping = new AbortController())
    const stop = () => sleeping.abort()
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    await this.#clock.sleep(ms, sleeping.signal)
    signal.removeEventListener('abort', stop)
  }
}
