import { noRequests } from '../../model/requests.ts'
import { WorkError } from '../../model/failure.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { Catalog, LoadedTable, TableIdentifier } from '../../seams/catalog.ts'
import type { Clock } from '../../seams/clock.ts'
import type { Entropy } from '../../seams/entropy.ts'
import type { FileIO } from '../../seams/file-io.ts'
import type { Journal } from '../../seams/journal.ts'
import type { ObjectStore } from '../../seams/object-store.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import type { MappedTable } from '../../spec/table-mapping.ts'
import { isUnwrittenOfOurs } from '../../pipeline/commit/of-others.ts'
import { checkTableName } from '../../pipeline/commit/profile-checks.ts'
import { tableCreatedAnew, tableGone } from './commit-loop.ts'
import { createTable, decideTableValue } from './create-table.ts'
import { topicsIn } from './settled-tables.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'

/** Samples in a row that fail before `once` gives a table up. */
const maxSampleFailures = 5

export interface OpeningSeams {
  readonly source: ObjectStore
  readonly catalog: Catalog
  readonly clock: Clock
  readonly entropy: Entropy
  readonly io: Pick<FileIO, 'read'>
  readonly journal: Journal
}

/**
 * The table as it is, or created as `wanted` says, which is asked at each try; null where the run ends before anything tells what it must be
 * like. Where there is nothing to take a sample of yet, it is waited for; with `once`, only for what is ready in a moment.
 * `known`: the uuid that the table had before; one that is gone or another one by now is neither made nor filled unasked. Another
 * one that has progress of the source was filled by a process that somebody restarted, and goes on; so does one that such a process
 * created and has written nothing to.
 */
export async function openTable(
  table: TableIdentifier,
  document: ProcessorDocument,
  source: SourceIdentity,
  wanted: () => Promise<{ readonly mapping: MappedTable['mapping']; readonly partitions: readonly TopicPartition[] }>,
  seams: OpeningSeams,
  { once, known }: { readonly once: boolean; readonly known: string | undefined },
  signal: AbortSignal,
): Promise<LoadedTable | null> {
  const { catalog, clock, journal } = seams
  const intervalMs = document.spec.processing.commitIntervalSeconds * 1000
  checkTableName(table, catalog.profile)
  let failures = 0
  while (!signal.aborted) {
    const existing = await catalog.loadTable(table)
    const name = [...table.namespace, table.name].join('.')
    if (existing === null && known !== undefined) throw tableGone(name)
    if (existing !== null) {
      const { 'table-uuid': uuid } = existing.metadata
      const isOther = known !== undefined && uuid !== known
      const isToBeFilled = async () =>
        isUnwrittenOfOurs(existing.metadata) || (await topicsIn(document, table.name, source, seams)).size > 0
      if (isOther && !(await isToBeFilled())) throw tableCreatedAnew(name, known, uuid)
      return existing
    }
    let waitMs: number
    try {
      const { mapping, partitions } = await wanted()
      const value = await decideTableValue(document, source, table.name, mapping, partitions, seams.source)
      if (!('readyInMs' in value)) return await createTable(document, table, mapping, value, noRequests, seams)
      if (value.readyInMs === null && once) return null
      waitMs = Math.min(Math.max(100, value.readyInMs ?? Infinity), intervalMs)
    } catch (error) {
      if (!(error instanceof WorkError) || error.retry === 'never' || (++failures >= maxSampleFailures && once)) throw error
      journal.warn('the table can not be made yet, tried again', { table: table.name, failures, error })
      waitMs = Math.min(2 ** failures * 1000, 60_000)
    }
    await clock.sleep(waitMs, signal)
  }
  return null
}
