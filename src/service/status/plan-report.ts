import { WorkError } from '../../model/failure.ts'
import { currentId } from '../../model/incarnation.ts'
import { type Pace, paceOf, type Speed, secondsFor } from '../../model/speed.ts'
import { countOffsets } from '../../model/offset-range.ts'
import { decidedSets } from '../../model/progress.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { ObjectStore } from '../../seams/object-store.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { leftOutBy } from '../../spec/table-mapping.ts'
import { emptyState, findTableState, type TableState } from '../../pipeline/commit/table-state.ts'
import { knownTables } from './known-tables.ts'
import { limitsOf } from '../tasks/limits.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import { type BackfillPlan, serviceBackfills } from '../backfill/service-backfills.ts'
import { heldTopics } from '../feed/settled-tables.ts'
import { refuseStrangeSource } from '../feed/source-directions.ts'
import { manifestListReader } from '../verify/looked-at.ts'
import { isNowhere, type OutlookSeams, type TableOutlook, tableOutlook } from './table-outlook.ts'
import {
  bytesBesideRows,
  defaultPrices,
  type Money,
  moneyOf,
  type Prices,
  usualShare,
  type Work as Bill,
} from '../../pipeline/backfill/bill.ts'
import { type TailOutlook, tailOutlook } from './tail-outlook.ts'

/** What a run would do with one document now. */
export interface DocumentPlan {
  /** The document's name. */
  readonly name: string
  readonly commitIntervalSeconds: number
  readonly tables: readonly TablePlan[]
  readonly total: Work
  /** What the total costs. */
  readonly money: Money
}

/** What a run would do with one table now. */
export interface TablePlan extends TableOutlook, Pick<TailOutlook, 'partitions' | 'stops' | 'notes' | 'readyInMs'> {
  readonly work: Work
  /** Offsets of the document's source that the table has decided: what of the source is done already. */
  readonly decided: bigint
  /** What its seconds were reckoned by. */
  readonly pace: Pace
  /** What the service has to do of history; not in `work`. */
  readonly backfills: readonly BackfillPlan[]
  /** Why nothing is done with the whole table; null where it goes on. */
  readonly stopped: string | null
}

/** Work by its cost. */
export interface Work extends Bill {
  /** Topic-partitions with segments to read. */
  readonly topicPartitions: number
  readonly tasks: number
}

/** Looks at the source and the tables of a document as a run would; changes nothing. Throws what the stores and the catalog throw. */
export async function documentPlan(
  document: ProcessorDocument,
  source: SourceIdentity,
  seams: OutlookSeams,
  prices: Prices = defaultPrices,
): Promise<DocumentPlan> {
  const { commitIntervalSeconds } = document.spec.processing
  const asked = countingSource(seams.source)
  const tables: TablePlan[] = []
  for (const table of await knownTables(document, undefined, source, { ...seams, source: asked.store })) {
    const own = countingSource(seams.source)
    const outlook = await tableOutlook(document, table, source, { ...seams, source: own.store })
    if (isNowhere(outlook, table)) continue
    const found = await stateOrStop(outlook, table.partitions, source, { io: seams.io, source: own.store })
    const refused = found.state === null ? null : leftOutBy(document, table, heldTopics(document, found.state.progress, source))
    const leftOut = refused === null ? table.leftOut : { ...refused, partitions: table.partitions }
    const goesOn = refused === null && (table.topics.length > 0 || leftOut === null)
    const state = goesOn ? found.state : null
    const stopped = found.stopped ?? (goesOn ? null : leftOut!.reason)
    const tail =
      state === null
        ? nothing
        : await tailOutlook(
            table.partitions,
            state,
            plannerOptions(document, table.name, { ...source, id: currentId(state.progress, source.id) }),
            own.store,
          )
    const backfills = state === null ? [] : await serviceBackfills(document, table, outlook.metadata, state, source, seams.source, prices)
    const { partitions, notes, readyInMs } = tail
    const stops = [...tail.stops, ...(leftOut?.partitions ?? []).map((at) => ({ ...at, message: leftOut!.reason }))]
    const speed = state?.speed ?? null
    const work = workOf(tail, own, speed, outlook.columns.length, document.spec.processing)
    const decided = state === null ? 0n : decidedIn(state, source)
    tables.push({ ...outlook, decided, stopped, partitions, stops, notes, readyInMs, work, pace: paceOf(speed), backfills })
  }
  const sum = (of: (work: Work) => number) => tables.reduce((total, { work }) => total + of(work), 0)
  const total: Work = {
    topicPartitions: sum(({ topicPartitions }) => topicPartitions),
    segments: sum(({ segments }) => segments),
    bytes: sum(({ bytes }) => bytes),
    gets: sum(({ gets }) => gets),
    lists: sum(({ lists }) => lists) + asked.lists,
    tasks: sum(({ tasks }) => tasks),
    seconds: sum(({ seconds }) => seconds),
    commits: sum(({ commits }) => commits),
    files: sum(({ files }) => files),
    puts: sum(({ puts }) => puts),
    fileBytes: sum(({ fileBytes }) => fileBytes),
  }
  const money = moneyOf(total, prices, document.spec.processing.parallelism)
  return { name: document.metadata.name, commitIntervalSeconds, tables, total, money }
}

function decidedIn({ progress }: TableState, source: SourceIdentity): bigint {
  const id = currentId(progress, source.id)
  return decidedSets(progress).reduce((sum, set) => sum + (set.source === id ? countOffsets(set.ranges) : 0n), 0n)
}

const nothing: TailOutlook = { segments: 0, bytes: 0, tasks: 0, starts: 0, partitions: [], stops: [], notes: [], readyInMs: null }

function plannerOptions(document: ProcessorDocument, table: string, source: SourceIdentity): Parameters<typeof tailOutlook>[2] {
  const { spec } = document
  const { pack, maxBatchBytes, maxSegmentBytes } = limitsOf(spec.processing)
  return {
    sourceId: source.id,
    prefix: source.prefix,
    table,
    definitions: '',
    startAt: spec.source.startAt,
    graceMs: spec.source.graceSeconds * 1000,
    maxBatchBytes,
    maxSegmentBytes,
    pack,
  }
}

/** A manifest, a manifest list, and the metadata where the catalog does not write it itself. */
const putsPerCommit = 3

function workOf(
  tail: TailOutlook,
  asked: { gets: number; lists: number },
  speed: Speed | null,
  columns: number,
  { parallelism, commitIntervalSeconds }: ProcessorDocument['spec']['processing'],
): Work {
  const { segments, bytes, tasks, starts, partitions } = tail
  const seconds = secondsFor(tail, speed, Math.min(parallelism, tasks))
  // The first commit comes with the first result, the others an interval apart. A start is committed by itself before that.
  const commits = Math.min(tasks, 1 + Math.floor(seconds / commitIntervalSeconds)) + Math.min(1, starts)
  // A task is cut so that its rows make a file of the target size.
  return {
    topicPartitions: partitions.length,
    segments,
    bytes,
    gets: segments + asked.gets,
    lists: asked.lists,
    tasks,
    seconds,
    commits,
    files: tasks,
    puts: tasks + commits * putsPerCommit,
    fileBytes: Math.round(bytes * usualShare + tasks * bytesBesideRows(columns)),
  }
}

/** The progress of a table; none of one that would be made. */
async function stateOrStop(
  outlook: TableOutlook,
  partitions: readonly TopicPartition[],
  source: SourceIdentity,
  seams: Pick<OutlookSeams, 'io' | 'source'>,
): Promise<{ state: TableState | null; stopped: string | null }> {
  const { table, metadata, refused } = outlook
  if (refused !== null) return { state: null, stopped: refused }
  if (metadata === null) return { state: emptyState, stopped: null }
  try {
    const state = await findTableState(table, metadata, manifestListReader(seams.io))
    await refuseStrangeSource(state, source, partitions, table, seams.source)
    return { state, stopped: null }
  } catch (error) {
    if (!(error instanceof WorkError) || error.retry !== 'never') throw error
    return { state: null, stopped: error.message }
  }
}

/** The source, with its requests counted. */
function countingSource(source: ObjectStore): { readonly store: ObjectStore; gets: number; lists: number } {
  const counted = {
    gets: 0,
    lists: 0,
    store: {
      async *list(query: Parameters<ObjectStore['list']>[0]) {
        for await (const page of source.list(query)) {
          counted.lists++
          yield page
        }
      },
      get(key: string, options?: Parameters<ObjectStore['get']>[1]) {
        counted.gets++
        return source.get(key, options)
      },
      put: source.put.bind(source),
      close: source.close.bind(source),
    },
  }
  return counted
}
