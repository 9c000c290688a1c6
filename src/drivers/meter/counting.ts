import type { Meter } from '../../seams/meter.ts'

/** Counts in memory. `totals()` is a copy: later counts do not change it. */
export function countingMeter(): Meter {
  const counts = new Map<string, number>()
  return {
    add(name, amount = 1) {
      counts.set(name, (counts.get(name) ?? 0) + amount)
    },
    totals: () => new Map(counts),
  }
}
