import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Labels, Meter, Reading } from '../../seams/meter.ts'
import { counters, type Metric, metrics } from '../../seams/metrics.ts'

/** What a process measures, for Prometheus to fetch. */
export interface Exposition {
  /** The media type of `text`. */
  readonly contentType: string
  /** A meter whose series carry `processor`, the document's name. */
  meter(processor: string): Meter
  /** All series as they are now, in Prometheus' text format. */
  text(): Promise<string>
}

const prefix = 'iceberg_processor_'

type Watcher = { readonly processor: string; readonly read: () => Iterable<Reading> }

/** The labels that a metric has: one too many must not fail the work that is measured. */
function known(metric: keyof typeof metrics, labels: Labels): Labels {
  const names: readonly string[] = metrics[metric].labels
  return Object.fromEntries(Object.entries(labels).filter(([name]) => names.includes(name)))
}

/** Metrics in a registry of their own, with those of the process (CPU, memory, event loop, garbage collection) beside them. */
export function prometheusExposition(): Exposition {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const counting = new Map<string, Counter>()
  const gauges = new Map<string, Gauge>()
  const histograms = new Map<string, Histogram>()
  for (const [name, { kind, help, labels, buckets }] of Object.entries<Metric>(metrics)) {
    const options = { name: prefix + name, help, labelNames: ['processor', ...labels], registers: [registry] }
    if (kind === 'counter') counting.set(name, new Counter(options))
    else if (kind === 'gauge') gauges.set(name, new Gauge(options))
    else histograms.set(name, new Histogram({ ...options, buckets: [...buckets!] }))
  }
  const watchers = new Set<Watcher>()

  function meter(processor: string): Meter {
    const counts = new Map<string, number>()
    return {
      add(name, amount = 1, labels: Labels = {}) {
        counts.set(name, (counts.get(name) ?? 0) + amount)
        const { metric, labels: fixed } = counters[name]
        counting.get(metric)!.inc({ processor, ...fixed, ...known(metric, labels) }, amount)
      },
      observe: (name, value, labels = {}) => histograms.get(name)!.observe({ processor, ...known(name, labels) }, value),
      watch(read) {
        const watcher = { processor, read }
        watchers.add(watcher)
        return () => void watchers.delete(watcher)
      },
      totals: () => new Map(counts),
    }
  }

  return {
    contentType: registry.contentType,
    meter,
    async text() {
      // What is gone (a table, a partition) has no series any more.
      for (const gauge of gauges.values()) gauge.reset()
      for (const { processor, read } of watchers) {
        for (const { name, value, labels } of read()) gauges.get(name)!.set({ processor, ...known(name, labels ?? {}) }, value)
      }
      return registry.metrics()
    },
  }
}
