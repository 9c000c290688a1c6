import type { Counted } from '../../model/health.ts'
import { type CounterName, counters } from '../../seams/metrics.ts'

/** What a meter's totals come to. Pure. */
export function countedIn(totals: ReadonlyMap<string, number>): Counted {
  const count = (name: CounterName) => totals.get(name) ?? 0
  return {
    requests: byKind(totals, 'requests_total'),
    failedRequests: byKind(totals, 'request_failures_total'),
    gaps: count('gaps'),
    overlaps: count('overlaps'),
    segmentsRewritten: count('segments.rewritten'),
  }
}

/** Kinds of which there were none are left out. */
function byKind(totals: ReadonlyMap<string, number>, metric: 'requests_total' | 'request_failures_total'): Record<string, number> {
  const kinds: Record<string, number> = {}
  for (const [name, of] of Object.entries(counters)) {
    const count = totals.get(name) ?? 0
    if (of.metric === metric && count > 0 && 'kind' in of.labels) kinds[of.labels.kind] = count
  }
  return kinds
}
