import { constants } from 'node:os'

/** How long a process that was told to stop may take, and what it says when that was not enough. */
export interface Grace {
  readonly ms: number
  onOver(): void
}

/** What a process is told from outside. */
export interface StopSignals {
  /** Aborts at the first signal: nothing new is begun, and what is under way is finished. */
  readonly signal: AbortSignal
  /** Aborts when most of the grace is gone: what is not finished is given up, and what is finished is committed. */
  readonly hurry: AbortSignal
  /** Gives the signals back. */
  release(): void
}

/** The part of the grace that tasks may take; the rest is for the last commit. */
const shareOfTasks = 0.7

/**
 * Turns the first SIGINT or SIGTERM into an abort, so that work is finished or handed back. The second one ends the process at once,
 * with 128 plus its number (130, 143); the end of the grace does with 1. Nothing is lost by either: the table says what is materialized.
 */
export function abortOnSignals(onFirst: () => void, grace?: Grace): StopSignals {
  const stop = new AbortController()
  const hurry = new AbortController()
  let timers: NodeJS.Timeout[] = []
  const listener = (name: 'SIGINT' | 'SIGTERM'): void => {
    if (stop.signal.aborted) process.exit(128 + constants.signals[name])
    stop.abort()
    onFirst()
    if (grace === undefined) return
    const giveUp = () => {
      grace.onOver()
      process.exit(1)
    }
    timers = [setTimeout(() => hurry.abort(), grace.ms * shareOfTasks), setTimeout(giveUp, grace.ms)]
  }
  process.on('SIGINT', listener)
  process.on('SIGTERM', listener)
  return {
    signal: stop.signal,
    hurry: hurry.signal,
    release() {
      for (const timer of timers) clearTimeout(timer)
      process.off('SIGINT', listener)
      process.off('SIGTERM', listener)
    },
  }
}
