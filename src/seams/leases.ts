/**
 * Who does a thing that one process at a time shall do, as the normal case. Nothing is wrong where two do it: correctness is the table's
 * business. Driver: Redis.
 */
export interface Leases {
  /**
   * Waits until this process has the lease of that name; null once `signal` aborts. `onStandBy` is told once where another process has it.
   * Where nobody can be asked, it is given.
   */
  acquire(name: string, signal: AbortSignal, onStandBy?: () => void): Promise<Lease | null>
}

export interface Lease {
  /** Aborts when another process has taken the lease over. */
  readonly lost: AbortSignal
  /** Gives it back, so that another need not wait until it runs out. */
  release(): Promise<void>
}
