import { createHash } from 'node:crypto'

/** Everything that happens in a run, as one line each. Equal digests: the same run. */
export class EventLog {
  readonly #hash = createHash('sha256')
  readonly #now: () => number
  readonly #onEvent: ((line: string) => void) | undefined
  #count = 0
  #hasEnded = false

  constructor(now: () => number, onEvent?: (line: string) => void) {
    this.#now = now
    this.#onEvent = onEvent
  }

  get count(): number {
    return this.#count
  }

  add(actor: string, event: string): void {
    if (this.#hasEnded) return
    const line = `${this.#now()} ${actor} ${event}`
    this.#count++
    this.#hash.update(line).update('\n')
    this.#onEvent?.(line)
  }

  /** SHA-256 over all lines. The run has ended with it: of what a process that it left behind still says, nothing is noted. */
  digest(): string {
    this.#hasEnded = true
    return this.#hash.digest('hex')
  }
}
