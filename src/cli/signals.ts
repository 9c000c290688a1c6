import { constants } from 'node:os'

/**
 * Turns the first SIGINT or SIGTERM into an abort, so that work is finished or handed back; the second one ends the process at
 * once, with 128 plus its number (130, 143). `release` gives the signals back.
 */
export function abortOnSignals(onFirst: () => void): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController()
  const listener = (name: 'SIGINT' | 'SIGTERM'): void => {
    if (controller.signal.aborted) process.exit(128 + constants.signals[name])
    controller.abort()
    onFirst()
  }
  process.on('SIGINT', listener)
  process.on('SIGTERM', listener)
  return {
    signal: controller.signal,
    release() {
      process.off('SIGINT', listener)
      process.off('SIGTERM', listener)
    },
  }
}
