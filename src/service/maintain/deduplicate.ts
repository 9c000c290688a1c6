import { dataDirectory } from '../../formats/iceberg/table-location.ts'
import { currentSnapshot, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import { countOffsets, type OffsetRanges } from '../../model/offset-range.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { limitsOf } from '../tasks/limits.ts'
import { manifestListReader } from '../verify/looked-at.ts'
import type { RewriteResult } from '../../pipeline/maintain/rewrite-flow.ts'
import { rewriteGroup } from '../tasks/rewriter.ts'
import { outputsOf, rewriteSeconds } from './table-compactor.ts'
import { enterFiles, liveFiles } from '../verify/table-books.ts'
import { readDeletes } from '../verify/table-deletes.ts'
import type { TableRewriter } from './table-rewriter.ts'
import type { PartitionBook } from '../../pipeline/verify/books.ts'
import { openDataFile } from '../../pipeline/verify/data-file.ts'
import { rowsTooMany, SeenOffsets } from '../../pipeline/verify/duplicate-rows.ts'
import type { KafkaColumns, TableFile } from '../../pipeline/verify/table-files.ts'
import { weighRows } from '../../pipeline/verify/weigh-rows.ts'
import type { VerifySeams } from '../verify/verify-options.ts'

/** Offsets of one topic-partition that have more than one row. */
export interface DuplicatedPartition extends TopicPartition {
  readonly ranges: OffsetRanges
  readonly offsets: bigint
}

/** The rows of a table that are there more than once. */
export interface Duplicates {
  readonly partitions: readonly DuplicatedPartition[]
  /** Rows that are to go: all but the one that came first, of each offset. */
  readonly rows: bigint
  /** Files that have such rows, and are rewritten without them. */
  readonly files: number
  /** Bytes of them. */
  readonly bytes: number
  /** About what it takes of the object store to rewrite them; null where that is done, or nothing is to be. */
  readonly requests: { readonly get: number; readonly put: number } | null
  /** And of one core, by the benchmark. */
  readonly coreSeconds: number
  /** Whether they are gone. */
  readonly done: boolean
}

/** A table that is looked through. */
export interface TableWithRows {
  readonly table: string
  readonly metadata: TableMetadata
  readonly columns: KafkaColumns
  readonly processing: ProcessorDocument['spec']['processing']
}

/**
 * Finds the rows of a table whose coordinates another row has too, by reading where each row comes from; with `commit`, rewrites the files
 * that have them, so that of each offset the row that came first is left, in one snapshot. Rows of offsets without a duplicate are
 * not touched. Throws a WorkError where not all files can be read, or where others changed rows meanwhile.
 */
export async function deduplicate(
  of: TableWithRows,
  rewriter: TableRewriter,
  seams: VerifySeams,
  { commit, progress }: { readonly commit: boolean; readonly progress: (done: number, total: number) => void },
): Promise<Duplicates> {
  const { table, metadata, columns, processing } = of
  const none = { partitions: [], rows: 0n, files: 0, bytes: 0, requests: null, coreSeconds: 0, done: false }
  const snapshot = currentSnapshot(metadata)
  if (snapshot === null) return none
  const list = await manifestListReader(seams.io)(snapshot)
  if (list === null)
    throw new WorkError(`table ${table}: ${snapshot['manifest-list']} can not be read; restore that file`, { retry: 'never' })
  const all = await liveFiles(seams.io, metadata, list.manifests, columns)
  const { files } = all
  refuseNamedTwice(table, files)
  const deletes = await readDeletes(of, seams.io, all)
  const entering = { io: seams.io, columns, prefix: '', exact: true, deletes, progress }
  const { books, gone, unknownRows, notes } = await enterFiles(files, entering)
  if (gone > 0 || unknownRows)
    throw new WorkError(`table ${table}: not all of its files can be read: ${notes.join('; ')}`, { retry: 'never' })

  const seen = new Map<string, SeenOffsets>()
  const partitions: DuplicatedPartition[] = []
  const suspects = new Set<number>()
  for (const book of books.all()) {
    const { ranges, inFiles } = moreThanOnce(book)
    if (ranges.length === 0) continue
    partitions.push({ ...book.at, ranges, offsets: countOffsets(ranges) })
    seen.set(keyOf(book.at.topic, book.at.partition), new SeenOffsets(ranges))
    for (const file of inFiles) suspects.add(file)
  }

  const leftOut = new Map<string, Uint8Array>()
  const hasRowLeft = new Map<string, boolean>()
  let [rows, bytes] = [0, 0]
  const inOrder = [...suspects].map((i) => files[i]).sort((a, b) => Number(a.sequence - b.sequence) || (a.path < b.path ? -1 : 1))
  for (const entry of inOrder) {
    const opened = await openDataFile(seams.io, entry)
    if (opened.kind !== 'open') throw new WorkError(`table ${table}: data file ${entry.path} can not be read any more`, { retry: 'later' })
    const deleted = deletes.of(entry)
    const { bitmap, count } = await rowsTooMany(opened.parquet, columns, deleted, (topic, partition) => seen.get(keyOf(topic, partition)))
    if (count === 0) continue
    leftOut.set(entry.path, bitmap)
    hasRowLeft.set(entry.path, BigInt(count) < entry.rows)
    rows += count
    bytes += entry.bytes
  }
  const coreSeconds = rewriteSeconds(bytes)
  const found = {
    partitions: partitions.sort(byPlace),
    rows: BigInt(rows),
    files: leftOut.size,
    bytes,
    requests: null,
    coreSeconds,
    done: false,
  }
  if (rows === 0) return found
  if (!commit) {
    const { gets, puts } = await rewriter.costOf(hasRowLeft, processing.targetFileSizeBytes)
    return { ...found, requests: { get: gets, put: puts } }
  }
  await leaveOut(table, leftOut, BigInt(rows), snapshot['snapshot-id'], processing, rewriter, seams)
  return { ...found, done: true }
}

/** A file that a snapshot has twice can not be replaced once: entries are told apart by its path. */
function refuseNamedTwice(table: string, files: readonly TableFile[]): void {
  const paths = new Set<string>()
  for (const { path } of files) {
    if (paths.has(path)) {
      throw new WorkError(
        `table ${table}: ${path} was added to the table twice, which no rewrite can undo; delete its rows with your engine, and have them materialized again: verify --retract --yes`,
        { retry: 'never' },
      )
    }
    paths.add(path)
  }
}

async function leaveOut(
  table: string,
  leftOut: ReadonlyMap<string, Uint8Array>,
  rows: bigint,
  snapshotId: bigint,
  processing: ProcessorDocument['spec']['processing'],
  rewriter: TableRewriter,
  { io, entropy, clock }: VerifySeams,
): Promise<void> {
  const startedAtMs = clock.now()
  const { inputs, metadata } = await rewriter.inputs(new Set(leftOut.keys()))
  const { rowGroupBytes } = limitsOf(processing)
  const { exemptIds, ...outputs } = outputsOf(metadata, processing)
  const target = {
    io,
    ...outputs,
    exemptIds: new Set(exemptIds),
    rowGroupBytes,
    memoryLimitBytes: processing.memoryLimitBytes,
    newLocation: () => `${dataDirectory(metadata)}/${entropy.uuid()}.parquet`,
    leftOut,
    signal: new AbortController().signal,
  }
  const sequenceNumber = currentSnapshot(metadata)?.['sequence-number'] ?? 0n
  const results: RewriteResult[] = []
  for (const input of inputs) {
    const { specId, file } = input.live
    results.push(await rewriteGroup({ specId, partition: file.partition, inputs: [input], sequenceNumber }, metadata, target))
  }
  const { refused } = await rewriter.dropDuplicates(results, startedAtMs, snapshotId)
  if (refused.length > 0 || inputs.length < leftOut.size) {
    const reason = refused[0]?.reason ?? 'files are no longer in the table'
    throw new WorkError(`table ${table}: not all of ${rows} rows were removed, since ${reason}; look again`, { retry: 'later' })
  }
}

/** Offsets with more than one row, and the files that have rows of them. */
function moreThanOnce({ runs }: PartitionBook): { readonly ranges: OffsetRanges; readonly inFiles: ReadonlySet<number> } {
  const { duplicates } = weighRows([runs.offsets()], runs, () => ({ sequence: 0n, snapshot: null }))
  const ranges = duplicates.get(null) ?? []
  const inFiles = new Set<number>()
  runs.forEach((start, end, file) => {
    let [low, high] = [0, ranges.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (ranges[middle][1] <= start) low = middle + 1
      else high = middle
    }
    if (low < ranges.length && ranges[low][0] < end) inFiles.add(file)
  })
  return { ranges, inFiles }
}

function byPlace(a: TopicPartition, b: TopicPartition): number {
  return a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`
}
