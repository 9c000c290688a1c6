import type { TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import { currentIncarnation } from '../../model/incarnation.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import type { TaskPart } from '../../model/task.ts'
import { resolveLayout } from '../../pipeline/commit/resolve-layout.ts'
import type { TableState } from '../../pipeline/commit/table-state.ts'
import { PartDecoder } from '../../pipeline/decode/part-decoder.ts'
import { TableColumns } from '../../pipeline/decode/table-columns.ts'
import { fetchSegments } from '../../pipeline/read/fetch-segments.ts'
import type { ObjectStore } from '../../seams/object-store.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import type { TopicMapping } from '../../spec/table-mapping.ts'
import { limitsOf } from '../tasks/limits.ts'
import { treatmentOf } from '../tasks/worker.ts'

/** First waiting segments of one table that are read, one GET each: who is behind with everything need not read everything. */
const maxRead = 20

/** What is older than this many commit intervals, and the grace age, should have been materialized if the service runs. */
const patience = 3

/** Reads the first segments that wait, as a worker does, since nothing in a table tells of one that can not be read. */
export interface FirstWaiting {
  /** Topic-partitions of which the first waiting segment was read. */
  readonly read: number
  /** Those that wait as long and were not looked into. */
  readonly notRead: number
  /** Why the topic-partition stops at the part's first segment; null: it does not, or it was not looked into. `waitedMs`: since it was written. */
  look(part: TaskPart, waitedMs: number): Promise<string | null>
}

/** `metadata` and `state` are of one table, which the document maps by `mapping`. Throws what the store throws for reasons that may pass. */
export function firstWaiting(
  table: string,
  metadata: TableMetadata,
  state: TableState,
  mapping: TopicMapping,
  document: ProcessorDocument,
  source: SourceIdentity,
  store: Pick<ObjectStore, 'get' | 'release'>,
): FirstWaiting {
  const { processing, source: from } = document.spec
  const limits = limitsOf(processing)
  const patienceMs = 1000 * (patience * processing.commitIntervalSeconds + from.graceSeconds)
  const columns = columnsOf(table, metadata, mapping, currentIncarnation(state.progress, source.id))
  let [read, notRead] = [0, 0]
  let turn: Promise<unknown> = Promise.resolve()

  async function reasonToStop(part: TaskPart, into: TableColumns): Promise<string | null> {
    const decoder = new PartDecoder(part, into, { ...treatmentOf(document, mapping), maxBatchBytes: limits.maxBatchBytes })
    for await (const fetched of fetchSegments(store, part.segments, limits)) {
      if (fetched.kind !== 'bytes') decoder.endBefore(fetched)
      else for (const _ of decoder.decode(fetched.segment, fetched.bytes)) into.clear()
    }
    const { ended } = decoder.finish()
    if (ended?.kind === 'fault') return `${ended.segment.key}: ${ended.fault.message}`
    return ended?.kind === 'unreadable' ? `${ended.segment.key}: ${ended.reason}` : null
  }

  return {
    get read() {
      return read
    },
    get notRead() {
      return notRead
    },
    async look(part, waitedMs) {
      if (waitedMs <= patienceMs || state.requests.pause.includes(part.at.topic)) return null
      if (columns === null || read >= maxRead) {
        notRead++
        return null
      }
      read++
      // One after another: a segment may have hundreds of megabytes.
      const mine = turn.then(() => reasonToStop(part, new TableColumns(columns)))
      turn = mine.catch(() => undefined)
      return mine
    },
  }
}

/** Null where the table's columns can not be filled, or were not looked at by a service yet. */
function columnsOf(...[table, metadata, mapping, incarnation]: Parameters<typeof resolveLayout>): ReturnType<typeof resolveLayout> | null {
  try {
    return resolveLayout(table, metadata, mapping, incarnation)
  } catch (error) {
    if (error instanceof WorkError) return null
    throw error
  }
}
