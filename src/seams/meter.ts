import type { CounterName, GaugeName, HistogramName } from './metrics.ts'

/** Labels of a measurement: names of tables, topics, partitions and fixed words; never keys, offsets or messages. */
export type Labels = Readonly<Record<string, string>>

/** The value of a gauge now. */
export interface Reading {
  readonly name: GaugeName
  readonly value: number
  readonly labels?: Labels
}

/** Measures what is done. Counters go by dotted names (`store.source.get.requests`); metrics.ts says what becomes of each. */
export interface Meter {
  add(name: CounterName, amount?: number, labels?: Labels): void
  /** One value of a distribution, in the metric's unit. */
  observe(name: HistogramName, value: number, labels?: Labels): void
  /** `read` is asked whenever somebody looks: gauges are values of that moment, also when nothing goes on. Returns what ends that. */
  watch(read: () => Iterable<Reading>): () => void
  /** What was counted so far, by dotted name, whatever the labels. */
  totals(): ReadonlyMap<string, number>
}
