import type { TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { type Backfill, openBackfills } from '../../model/backfill.ts'
import { currentId } from '../../model/incarnation.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import { type Money, moneyOf, type Prices } from '../../pipeline/backfill/bill.ts'
import type { TableState } from '../../pipeline/commit/table-state.ts'
import type { ObjectStore } from '../../seams/object-store.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import type { KnownTable } from '../status/known-tables.ts'
import { limitsOf } from '../tasks/limits.ts'
import { type HistoryOutlook, historyOutlook, outlookOptions } from './history-outlook.ts'
import { declaredBackfills, idInTable, resolveBackfill } from './resolve-backfill.ts'
import { historyOptions } from './table-history.ts'

/** A backfill that the service would begin or go on with, and what it would take. */
export interface BackfillPlan extends HistoryOutlook {
  readonly id: string
  readonly topic: string
  /** `declared`: in the document, and not begun. */
  readonly state: 'declared' | 'active' | 'paused'
  readonly money: Money
  /** Topic-partitions of which the tail has read nothing yet: what history is there is known once it has. */
  readonly notBegun: readonly TopicPartition[]
  /** Topic-partitions of which nothing lies between the times that are declared. */
  readonly outside: readonly TopicPartition[]
}

/** What the service has to do of history in one table: what its document declares, and what was left to it. Throws what the store throws. */
export async function serviceBackfills(
  document: ProcessorDocument,
  { topics, partitions }: Pick<KnownTable, 'topics' | 'partitions'>,
  metadata: TableMetadata | null,
  state: TableState,
  source: SourceIdentity,
  store: ObjectStore,
  prices: Prices,
): Promise<readonly BackfillPlan[]> {
  const { spec } = document
  const limits = limitsOf(spec.processing)
  const sourceId = currentId(state.progress, source.id)
  const { backfills } = state.requests
  const found: (Pick<BackfillPlan, 'state' | 'notBegun' | 'outside'> & { backfill: Backfill })[] = []
  for (const backfill of openBackfills(backfills, state.progress, sourceId)) {
    if (backfill.by !== 'service') continue
    found.push({ backfill, state: backfill.state === 'paused' ? 'paused' : 'active', notBegun: [], outside: [] })
  }
  for (const wish of topics.flatMap((topic) => declaredBackfills(spec.backfill ?? [], topic))) {
    if (backfills.some(({ id }) => id === idInTable(wish, state, sourceId))) continue
    const seams = { store, prefix: source.prefix, sourceId, maxBatchBytes: limits.maxBatchBytes }
    found.push({ ...(await resolveBackfill(wish, 'service', partitions, state, seams)), state: 'declared' })
  }
  const history = { store, prefix: source.prefix, graceMs: spec.source.graceSeconds * 1000 }
  const plans: BackfillPlan[] = []
  for (const { backfill, notBegun, outside, state: now } of found) {
    // What is active was asked for already.
    const commits = { emptyCommits: now === 'declared' ? 2 : 1, makes: 'nothing' } as const
    const outlook = await historyOutlook(
      backfill,
      state,
      history,
      outlookOptions(document, historyOptions(limits), sourceId, metadata, commits),
    )
    const { id, topic } = backfill
    plans.push({ ...outlook, id, topic, state: now, money: moneyOf(outlook.work, prices, spec.processing.parallelism), notBegun, outside })
  }
  return plans
}
