import type { ManifestFile } from '../formats/iceberg/data-file.ts'
import type { Snapshot, TableMetadata } from '../formats/iceberg/table-metadata.ts'
import { WorkError } from '../model/failure.ts'
import {
  countOffsets,
  endOf,
  holesOf,
  normalizeRanges,
  type OffsetRange,
  type OffsetRanges,
  subtractRanges,
  unionRanges,
} from '../model/offset-range.ts'
import type { SegmentRef } from '../model/segment.ts'
import type { TopicPartition } from '../model/topic-partition.ts'
import type { ProcessorDocument } from '../spec/document.ts'
import type { TopicMapping } from '../spec/table-mapping.ts'
import { limitsOf } from './limits.ts'
import { layoutOrKafka } from './looked-at.ts'
import type { SourceIdentity } from './processor.ts'
import { enterFiles, liveFiles, readDeletes } from './table-books.ts'
import { forEachAtOnce } from './verify/at-once.ts'
import type { PartitionBook } from './verify/books.ts'
import { PositionDeletes } from './verify/position-deletes.ts'
import { removedFiles } from './verify/removals.ts'
import { splitHoles } from './verify/judge-partition.ts'
import { surveySource } from './verify/survey-source.ts'
import type { KafkaColumns } from './verify/table-files.ts'
import { weighRows } from './verify/weigh-rows.ts'
import type { VerifySeams } from './verifier.ts'
import { readWindows } from './window-reader.ts'

/** What would be assumed of one topic-partition. */
export interface AssumedPartition extends TopicPartition {
  /** What counts as decided: rows that are there, rows that were, and offsets whose segments have no row for them. */
  readonly decided: OffsetRanges
  /** Offsets with a row. */
  readonly rows: bigint
  /** Offsets whose row was removed by a snapshot that the table still knows. */
  readonly removed: bigint
  /** Between rows: control records, and records that can not be read, as their segments say. */
  readonly withoutRow: bigint
  /** Between rows, and segments have them: never materialized, or removed and forgotten. */
  readonly holes: OffsetRanges
  /** Between rows, and no segment has them. */
  readonly gaps: OffsetRanges
  /** Offsets with more than one row. */
  readonly duplicates: OffsetRanges
  /** Where the tail goes on: behind this segment; null: from the first one on. */
  readonly frontier: SegmentRef | null
}

/** A table whose rows are asked, since nothing else tells. */
export interface TableOfRows {
  readonly table: string
  readonly metadata: TableMetadata
  readonly topics: readonly string[]
  readonly mapping: TopicMapping
  readonly snapshot: Snapshot
  readonly history: readonly Snapshot[]
  readonly columns: KafkaColumns
  readonly source: SourceIdentity
  readonly processing: ProcessorDocument['spec']['processing']
  readonly manifestsOf: (snapshot: Snapshot) => Promise<readonly ManifestFile[] | null>
}

export interface AssumeOptions {
  /** Every row is read by its Kafka columns, whatever the files' metadata say. */
  readonly exact: boolean
  readonly progress: (done: number, total: number) => void
}

/** Topic-partitions that are listed at once. */
const partitionsAtOnce = 8

/**
 * What the rows of a table tell about what was decided, topic-partition by topic-partition, with the segments asked about what lies
 * between them. Throws a WorkError where the rows can not be relied on.
 */
export async function assumeFromRows(table: TableOfRows, seams: VerifySeams, options: AssumeOptions): Promise<AssumedPartition[]> {
  const manifests = await table.manifestsOf(table.snapshot)
  if (manifests === null) throw refusal(table, `${table.snapshot['manifest-list']} can not be read; restore that file`)
  const { columns } = table
  const entering = { io: seams.io, columns, prefix: table.source.prefix, ...options }
  const { files, deletes } = await liveFiles(seams.io, manifests, columns)
  const positions = new PositionDeletes()
  await readDeletes(table.table, seams.io, deletes, positions)
  const live = await enterFiles(files, { ...entering, deletes: positions })
  if (live.gone > 0 || live.unknownRows) throw refusal(table, `not all of its files can be read: ${live.notes.join('; ')}`)
  const removed = await removedFiles(table.history, columns, seams.io, table.manifestsOf)
  const gone = await enterFiles(removed.files, { ...entering, progress: undefined, deletes: new PositionDeletes() })

  const assumed: AssumedPartition[] = []
  const books = [...live.books.all()].filter(({ at }) => table.topics.includes(at.topic))
  await forEachAtOnce(books, partitionsAtOnce, async (book) => {
    if (book.altered.length > 0) throw refusal(table, `a file of ${book.at.topic}/${book.at.partition} is not what it says; see verify`)
    if (book.runs.length > 0) assumed.push(await assumePartition(table, book, rowsOf(gone.books.of(book.at)), seams))
  })
  return assumed.sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
}

async function assumePartition(table: TableOfRows, book: PartitionBook, gone: OffsetRanges, seams: VerifySeams): Promise<AssumedPartition> {
  const { at } = book
  const { source } = table
  const live = runsOf(book)
  const removed = subtractRanges(unionRanges(gone, normalizeRanges(book.removals.flatMap(({ ranges }) => ranges))), live)
  const seen = unionRanges(live, removed)
  const between = holesOf(seen)
  const known = { claims: book.segments, frontier: null, end: endOf(seen)!, isRestarted: false }
  const survey = await surveySource(seams.source, source.prefix, at, known, between, [0n, 0x7fffffffffffffffn])
  const bounds = limitsOf(table.processing)
  const found =
    between.length === 0
      ? { rows: [], without: [] }
      : await readWindows(seams.source, at, survey.inWindows, between, layoutOrKafka(table), bounds)
  const { duplicates } = weighRows([live], book.runs, () => ({ sequence: 0n, snapshot: null }))
  return {
    ...at,
    decided: unionRanges(seen, found.without),
    rows: countOffsets(live),
    removed: countOffsets(removed),
    withoutRow: countOffsets(found.without),
    ...splitHoles(subtractRanges(between, found.without), found.rows),
    duplicates: duplicates.get(null) ?? [],
    frontier: survey.lastDecided,
  }
}

function rowsOf(book: PartitionBook): OffsetRanges {
  return unionRanges(runsOf(book), normalizeRanges(book.removals.flatMap(({ ranges }) => ranges)))
}

function runsOf({ runs }: PartitionBook): OffsetRanges {
  const ranges: OffsetRange[] = []
  runs.forEach((start, end) => ranges.push([start, end]))
  return normalizeRanges(ranges)
}

function refusal({ table }: TableOfRows, reason: string): WorkError {
  return new WorkError(`table ${table}: its rows do not tell what was materialized: ${reason}`, { retry: 'never' })
}
