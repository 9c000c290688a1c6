import { currentSchema, currentSnapshot, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { leavesOf } from '../../formats/parquet/encode/schema-elements.ts'
import { type Backfill, wantedOffsets } from '../../model/backfill.ts'
import { countOffsets, intersectRanges } from '../../model/offset-range.ts'
import { decidedRanges } from '../../model/progress.ts'
import { frontierOf } from '../../model/segment.ts'
import type { ListPage, ObjectStore } from '../../seams/object-store.ts'
import { type Pace, paceOf, secondsFor } from '../../model/speed.ts'
import { sampleCost } from '../feed/sampler.ts'
import { bytesBesideRows, usualShare, type Work } from '../../pipeline/backfill/bill.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import type { TableState } from '../../pipeline/commit/table-state.ts'
import { HistoryCursor, type HistorySource } from './history-cursor.ts'
import { type PackOptions, packTasks } from '../../pipeline/plan/pack-tasks.ts'

/** What a backfill would take, before any of it is done. */
export interface HistoryOutlook {
  readonly topicPartitions: number
  readonly work: Work
  /** What its seconds were reckoned by. */
  readonly pace: Pace
  /** Offsets that are wanted, and how many of them are decided already. */
  readonly wanted: bigint
  readonly decided: bigint
  /** Segments that the store keeps in an archive, which can not be read until they are restored; the first of their keys. */
  readonly archived: { readonly segments: number; readonly firstKey: string | null }
  /** Topic-partitions with a segment that may have wanted offsets and is too young to be read: it, and what follows it, is not counted. */
  readonly tooYoung: number
}

export interface HistoryOutlookOptions {
  readonly sourceId: string
  readonly pack: PackOptions
  readonly workers: number
  /** As in `HistoryOptions`. */
  readonly bytesPerSecond: number | null
  readonly requestsPerSecond: number | null
  readonly commitBytes: number
  readonly targetFileSizeBytes: number
  /** Objects that a commit writes beside its manifest: the manifest list, and where the catalog keeps none itself, the metadata. */
  readonly putsPerCommit: number
  /** What a file has besides its rows, bytes. */
  readonly bytesBesideRows: number
  /** Mean size of a row in the table's files without that, bytes; null where there is none to tell. */
  readonly rowBytes: number | null
  /** Commits of no file: what is asked for, and that it is done, are such. */
  readonly emptyCommits: number
  /** Whether the table is to be made, after a look at records where nothing else tells its columns. */
  readonly makes: 'nothing' | 'table' | 'table by sample'
}

/** What an outlook needs to know of a document, and of the table as it is; `emptyCommits`, `makes`: as in the options. */
export function outlookOptions(
  document: ProcessorDocument,
  feed: Pick<HistoryOutlookOptions, 'pack' | 'workers' | 'bytesPerSecond' | 'requestsPerSecond' | 'commitBytes'>,
  sourceId: string,
  metadata: TableMetadata | null,
  { emptyCommits, makes }: Pick<HistoryOutlookOptions, 'emptyCommits' | 'makes'>,
): HistoryOutlookOptions {
  const beside = bytesBesideRows(metadata === null ? usualColumns : leavesOf(currentSchema(metadata).fields).length)
  return {
    ...feed,
    sourceId,
    targetFileSizeBytes: document.spec.processing.targetFileSizeBytes,
    putsPerCommit: document.spec.sink.catalog.type === 'sql' ? 2 : 1,
    bytesBesideRows: beside,
    rowBytes: metadata === null ? null : rowBytesOf(metadata, beside),
    emptyCommits,
    makes,
  }
}

/** The columns with the Kafka coordinates, and the value. */
const usualColumns = 8

/** Rows that tell a mean. */
const enoughRows = 100

function rowBytesOf(metadata: TableMetadata, beside: number): number | null {
  const { 'total-records': rows, 'total-files-size': size, 'total-data-files': files } = currentSnapshot(metadata)?.summary ?? {}
  const bytes = Number(size) - beside * Number(files)
  return Number(rows) >= enoughRows && bytes > 0 ? bytes / Number(rows) : null
}

/** Storage classes from which an object can not be read at once. */
const archives = new Set(['GLACIER', 'DEEP_ARCHIVE'])

/** Goes through a backfill as its feed would, and counts. What is held is a step. Throws what the store throws. */
export async function historyOutlook(
  { topic, ranges, newestFirst }: Backfill,
  state: TableState,
  source: HistorySource,
  options: HistoryOutlookOptions,
): Promise<HistoryOutlook> {
  const { sourceId, pack, workers, bytesPerSecond, requestsPerSecond } = options
  const asked = countingLists(source.store)
  let [segments, bytes, tasks, wanted, left] = [0, 0, 0, 0n, 0n]
  let archived = 0
  let firstKey: string | null = null
  const cursors: HistoryCursor[] = []
  for (const [partition, offsets] of ranges) {
    const at = { topic, partition }
    const decided = decidedRanges(state.progress, sourceId, at)
    const rest = wantedOffsets(offsets, decided)
    wanted += countOffsets(intersectRanges(offsets, [[0n, decided.at(-1)?.[1] ?? 0n]]))
    left += countOffsets(rest)
    const frontier = frontierOf(state.frontiers, sourceId, at)
    cursors.push(new HistoryCursor(at, rest, newestFirst, frontier, { ...source, store: asked.store }))
  }
  const share = Math.max(pack.minTaskBytes, Math.ceil((pack.maxTaskBytes * workers) / Math.max(1, cursors.length)))
  for (;;) {
    const runs = []
    let found = 0
    for (const cursor of cursors) {
      const step = await cursor.step(share)
      runs.push(...step)
      for (const { size, key } of step.flatMap((run) => run.segments)) {
        found += size
        if (!asked.archived.has(key)) continue
        archived++
        firstKey ??= key
      }
      if (found >= pack.maxTaskBytes * workers) break
    }
    for (const task of packTasks(sourceId, '', runs, pack)) {
      tasks++
      bytes += task.bytes
      segments += task.parts.reduce((sum, part) => sum + part.segments.length, 0)
    }
    if (cursors.every(({ isOver }) => isOver)) break
  }
  const commits = bytes === 0 ? 0 : Math.max(1, Math.ceil(bytes / options.commitBytes))
  const ofRows = options.rowBytes === null ? bytes * usualShare : options.rowBytes * Number(left)
  const files = Math.max(tasks, Math.ceil(ofRows / options.targetFileSizeBytes))
  const fileBytes = Math.round(ofRows + files * options.bytesBesideRows)
  const ownSeconds = secondsFor({ bytes, segments }, state.speed, Math.min(workers, tasks))
  const allowed = Math.max(bytes / (bytesPerSecond ?? Infinity), segments / (requestsPerSecond ?? Infinity))
  const made = options.makes === 'nothing' ? 0 : options.putsPerCommit - 1
  const sample = options.makes === 'table by sample' ? sampleCost(cursors.length, segments, bytes) : { gets: 0, lists: 0, bytes: 0 }
  return {
    topicPartitions: ranges.size,
    wanted,
    decided: wanted - left,
    archived: { segments: archived, firstKey },
    tooYoung: cursors.filter((cursor) => cursor.tooYoung !== null).length,
    work: {
      segments,
      bytes: bytes + sample.bytes,
      gets: segments + sample.gets,
      lists: asked.lists + sample.lists,
      // A manifest of their own have commits of files alone; a table that is made is metadata and no manifest list.
      puts: bytes === 0 ? 0 : files + commits + (commits + options.emptyCommits) * options.putsPerCommit + made,
      commits,
      files,
      fileBytes,
      seconds: Math.max(ownSeconds, allowed),
    },
    pace: allowed > ownSeconds ? { by: 'bounds' } : paceOf(state.speed),
  }
}

/** Keys that are remembered of archived segments. */
const maxArchived = 1_000_000

function countingLists(source: ObjectStore): { readonly store: ObjectStore; lists: number; readonly archived: ReadonlySet<string> } {
  const note = ({ objects }: ListPage) => {
    for (const { key, storageClass } of objects) {
      if (storageClass !== undefined && archives.has(storageClass) && key.endsWith('.kfs') && counted.archived.size < maxArchived)
        counted.archived.add(key)
    }
  }
  const counted = {
    lists: 0,
    archived: new Set<string>(),
    store: {
      async *list(query: Parameters<ObjectStore['list']>[0]) {
        for await (const page of source.list(query)) {
          counted.lists++
          note(page)
          yield page
        }
      },
      get: source.get.bind(source),
      put: source.put.bind(source),
      close: source.close.bind(source),
    },
  }
  return counted
}
