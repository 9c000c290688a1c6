import type { Snapshot, TableMetadata } from '../../src/formats/iceberg/table-metadata.ts'
import { formatRanges } from '../../src/model/offset-range.ts'
import { type Progress, progressBeyond } from '../../src/model/progress.ts'
import { topicPartitionName } from '../../src/model/topic-partition.ts'
import { summaryKeys } from '../../src/pipeline/commit/summary-keys.ts'

/** What a snapshot holds, as far as it matters to whoever takes its place. */
interface Held {
  readonly progress: Progress
  readonly rows: ReadonlyMap<string, unknown>
}

/** The branches on which tables are made anew, and the heads that they have. */
export function rebuildsOf(metadata: TableMetadata): ReadonlyMap<string, bigint> {
  const refs = Object.entries(metadata.refs ?? {})
  return new Map(refs.filter(([name]) => name.startsWith('kafscale_rebuild_')).map(([name, head]) => [name, head['snapshot-id']]))
}

/** The branch that a snapshot was made on; undefined: main. */
export function branchOf({ summary }: Snapshot): string | undefined {
  return summary[summaryKeys.branch]
}

/**
 * What is wrong with a snapshot that takes the place of what main had; null: nothing. Nothing may be lost by it but rows of places that
 * `mayHaveNone`: what stands in the source there has been another thing since.
 */
export function lostBy(
  made: Held,
  before: Held,
  mayHaveNone: (place: string) => boolean,
): { readonly invariant: string; readonly detail: string } | null {
  const lost = progressBeyond(before.progress, made.progress)
  if (lost.length > 0) {
    const list = lost.map(({ at, ranges }) => `${topicPartitionName(at)} ${formatRanges(ranges)}`).join(', ')
    return { invariant: 'a table made anew has what main has decided', detail: `it has lost ${list}` }
  }
  const gone = [...before.rows.keys()].find((place) => !made.rows.has(place) && !mayHaveNone(place))
  return gone === undefined ? null : { invariant: 'a table made anew has the rows that main has', detail: `${gone} is not in it` }
}
