/** Hands tasks to whoever is free. A cache: everything in it can be lost and made again from the table and the bucket. */
export interface TaskQueue<Payload, Result> {
  /** Offers a task; resolves with what a worker made of it, rejects with why it failed. An id that is open already is the same task. */
  submit(id: string, payload: Payload): Promise<Result>
  /** Takes back a task that nobody has claimed: true. False: it is being carried out, or is not there. */
  withdraw(id: string): boolean
  /** The next task, when there is one; null once `signal` aborts. */
  claim(signal: AbortSignal): Promise<Claim<Payload, Result> | null>
  /** How many tasks are offered and not claimed. */
  readonly depth: number
}

export interface Claim<Payload, Result> {
  readonly id: string
  readonly payload: Payload
  complete(result: Result): void
  fail(error: unknown): void
}
