import type { ManifestFile } from '../../formats/iceberg/data-file.ts'
import type { Snapshot, TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import {
  countOffsets,
  endOf,
  holesOf,
  intersectRanges,
  maxOffset,
  normalizeRanges,
  type OffsetRange,
  type OffsetRanges,
  subtractRanges,
  unionRanges,
  lastOffset,
} from '../../model/offset-range.ts'
import type { SegmentRef } from '../../model/segment.ts'
import { type TopicPartition, topicPartitionName } from '../../model/topic-partition.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import type { Treatment } from '../tasks/worker.ts'
import type { TopicMapping } from '../../spec/table-mapping.ts'
import { limitsOf } from '../tasks/limits.ts'
import { layoutOrKafka } from '../verify/looked-at.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import { enterFiles, liveFiles } from '../verify/table-books.ts'
import { readDeletes } from '../verify/table-deletes.ts'
import { forEachAtOnce } from '../../pipeline/verify/at-once.ts'
import type { PartitionBook } from '../../pipeline/verify/books.ts'
import { DeletedRows } from '../../pipeline/verify/deleted-rows.ts'
import { removedFiles } from '../../pipeline/verify/removals.ts'
import { splitHoles } from '../../pipeline/verify/judge-partition.ts'
import { surveySource } from '../../pipeline/verify/survey-source.ts'
import type { KafkaColumns } from '../../pipeline/verify/table-files.ts'
import { weighRows } from '../../pipeline/verify/weigh-rows.ts'
import type { VerifySeams } from '../verify/verify-options.ts'
import { nothingInWindows, readWindows } from '../verify/window-reader.ts'

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
  /** Of these, where `onError: skip` leaves out what can not be read. */
  readonly skipped: OffsetRanges
  /** And the control records. */
  readonly control: OffsetRanges
  /** Between rows, or before the first where the source is read from its beginning, and segments have them: never materialized, or removed and forgotten. */
  readonly holes: OffsetRanges
  /** Like holes, and decided all the same: the writer before us had passed over them. */
  readonly passed: OffsetRanges
  /** Decided by what the writer before us said alone: no row is looked for there any more. */
  readonly absent: OffsetRanges
  /** Where holes would be, and no segment has them. */
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
  readonly treatment: Treatment
  readonly startAt: ProcessorDocument['spec']['source']['startAt']
  readonly manifestsOf: (snapshot: Snapshot) => Promise<readonly ManifestFile[] | null>
}

/** The offsets below which the writer before us was done with a topic-partition: by topic and partition, exclusive. */
export type PassedOffsets = ReadonlyMap<string, ReadonlyMap<number, bigint>>

export interface AssumeOptions {
  /** What it passed over counts as decided, row or no row. Null: rows alone count. */
  readonly passed: PassedOffsets | null
  /** Every row is read by its Kafka columns, whatever the files' metadata say. */
  readonly exact: boolean
  readonly progress: (done: number, total: number) => void
}

const allOffsets: OffsetRange = [0n, lastOffset]

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
  const all = await liveFiles(seams.io, table.metadata, manifests, columns)
  const live = await enterFiles(all.files, { ...entering, deletes: await readDeletes(table, seams.io, all) })
  if (live.gone > 0 || live.unknownRows) throw refusal(table, `not all of its files can be read: ${live.notes.join('; ')}`)
  const removed = await removedFiles(table.history, columns, seams.io, table.manifestsOf)
  const gone = await enterFiles(removed.files, { ...entering, progress: undefined, deletes: new DeletedRows() })

  const assumed: AssumedPartition[] = []
  for (const [topic, partitions] of options.passed ?? []) for (const partition of partitions.keys()) live.books.of({ topic, partition })
  const books = [...live.books.all()].filter(({ at }) => table.topics.includes(at.topic))
  await forEachAtOnce(books, partitionsAtOnce, async (book) => {
    if (book.altered.length > 0) throw refusal(table, `a file of ${book.at.topic}/${book.at.partition} is not what it says; see verify`)
    if (book.runs.length > 0) refuseImpossible(table, book)
    const passed = options.passed?.get(book.at.topic)?.get(book.at.partition) ?? 0n
    if (book.runs.length > 0 || passed > 0n) assumed.push(await assumePartition(table, book, rowsOf(gone.books.of(book.at)), passed, seams))
  })
  return assumed.sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
}

/** Columns wider than Kafka's own numbers can hold what is none of those, and nothing may be written of that. */
function refuseImpossible(table: TableOfRows, { at, runs }: PartitionBook): void {
  const { partition, offset } = table.columns
  if (at.partition < 0 || at.partition > 0x7fffffff) {
    // Numbers of 64 bits are rounded when rows are put together by partition.
    const value = Number.isSafeInteger(at.partition) ? at.partition : `about ${BigInt(at.partition)}`
    throw refusal(table, `rows of ${at.topic} have ${value} in column ${partition.name}, which is no Kafka partition; correct them`)
  }
  const [[first]] = runs.offsets()
  if (first < 0n) {
    throw refusal(table, `rows of ${topicPartitionName(at)} have ${first} in column ${offset.name}, which is no Kafka offset; correct them`)
  }
}

async function assumePartition(
  table: TableOfRows,
  book: PartitionBook,
  gone: OffsetRanges,
  passed: bigint,
  seams: VerifySeams,
): Promise<AssumedPartition> {
  const { at } = book
  const { source } = table
  const live = book.runs.offsets()
  const removed = subtractRanges(unionRanges(gone, removedFrom(book)), live)
  const seen = unionRanges(live, removed)
  const end = maxOffset(endOf(seen) ?? 0n, passed)
  // Where the source is read from its beginning, what comes before the first row is missing like what lies between rows.
  const marks: OffsetRange[] = [[end, end], ...(table.startAt === 'earliest' ? ([[0n, 0n]] as const) : [])]
  const between = holesOf(unionRanges(normalizeRanges(marks), seen))
  const known = { claims: book.segments, frontier: null, end, first: null, isRestarted: false }
  const survey = await surveySource(seams.source, source.prefix, at, known, between, allOffsets, true)
  const { onError, ...formats } = table.treatment
  const bounds = { ...limitsOf(table.processing), ...formats }
  const found =
    between.length === 0 ? nothingInWindows : await readWindows(seams.source, at, survey.inWindows, between, layoutOrKafka(table), bounds)
  const { duplicates } = weighRows([live], book.runs, () => ({ sequence: 0n, snapshot: null }))
  const skipped = onError === 'skip' ? found.unreadable : []
  const withoutRow = unionRanges(found.without, skipped)
  const { holes, gaps } = splitHoles(
    subtractRanges(between, withoutRow),
    [found.rows, found.unreadable, found.withheld].reduce(unionRanges),
  )
  const doneBefore: OffsetRanges = passed > 0n ? [[0n, passed]] : []
  const open = subtractRanges(holes, doneBefore)
  const decided = [seen, withoutRow, doneBefore].reduce(unionRanges)
  // A hole below all that is decided is none without a mark of where the topic-partition starts.
  const isBelow = open.length > 0 && (decided.length === 0 || open[0][0] < decided[0][0])
  return {
    ...at,
    decided: isBelow ? [[open[0][0], open[0][0]], ...decided] : decided,
    rows: countOffsets(live),
    removed: countOffsets(removed),
    withoutRow: countOffsets(withoutRow),
    skipped,
    control: found.without,
    holes: open,
    passed: intersectRanges(holes, doneBefore),
    absent: subtractRanges(subtractRanges(doneBefore, seen), withoutRow),
    gaps,
    duplicates: duplicates.get(null) ?? [],
    frontier: survey.lastDecided,
  }
}

function rowsOf(book: PartitionBook): OffsetRanges {
  return unionRanges(intersectRanges(book.runs.offsets(), [allOffsets]), removedFrom(book))
}

/** What deletes took out of the files that a book is of. */
function removedFrom({ removals }: PartitionBook): OffsetRanges {
  return normalizeRanges(removals.flatMap(({ ranges }) => ranges.within(allOffsets)))
}

function refusal({ table }: TableOfRows, reason: string): WorkError {
  return new WorkError(`table ${table}: its rows do not tell what was materialized: ${reason}`, { retry: 'never' })
}
