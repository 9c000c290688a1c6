/** Counts what is done. Names are dotted nouns (`store.get.requests`); the set of names and labels is bounded. */
export interface Meter {
  add(name: string, amount?: number): void
  /** What was counted so far, by name. */
  totals(): ReadonlyMap<string, number>
}
