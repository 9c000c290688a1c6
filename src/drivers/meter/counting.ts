import type { Meter } from '../../seams/meter.ts'

/** Counts in memory, and lets nobody look at gauges and distributions. `totals()` is a copy: later counts do not change it. */
export function countingMeter(): Meter {
  const counts = new Map<string, number>()
  return {
    add(name, amount = 1) {
      counts.set(name, (counts.get(name) ?? 0) + amount)
    },
    observe: () => undefined,
    watch: () => () => undefined,
    totals: () => new Map(counts),
  }
}
