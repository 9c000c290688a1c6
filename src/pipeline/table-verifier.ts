import { type Snapshot, snapshotById, type TableMetadata } from '../formats/iceberg/table-metadata.ts'
import { footerGuessBytes } from '../formats/parquet/read-rows.ts'
import { WorkError } from '../model/failure.ts'
import { countOffsets, endOf, holesOf, intersectRanges, type OffsetRanges, subtractRanges, unionRanges } from '../model/offset-range.ts'
import { hasIncarnations } from '../model/incarnation.ts'
import { decidedRanges } from '../model/progress.ts'
import { frontierOf } from '../model/segment.ts'
import type { TopicPartition } from '../model/topic-partition.ts'
import type { ProcessorDocument } from '../spec/document.ts'
import type { TopicMapping } from '../spec/table-mapping.ts'
import { resolveLayout } from './commit/resolve-layout.ts'
import { isOurs, type TableState } from './commit/table-state.ts'
import type { TableLayout } from './flow.ts'
import { limitsOf } from './limits.ts'
import type { SourceIdentity } from './processor.ts'
import { type History, RemovalFinder } from './removal-finder.ts'
import { type Entered, enterFiles, liveFiles, readDeletes } from './table-books.ts'
import { forEachAtOnce } from './verify/at-once.ts'
import type { Finding } from './verify/finding.ts'
import { judgePartition, splitHoles } from './verify/judge-partition.ts'
import { PositionDeletes } from './verify/position-deletes.ts'
import { surveySource } from './verify/survey-source.ts'
import type { KafkaColumns, TableFile } from './verify/table-files.ts'
import { noCounts, type TableVerification, type VerificationCounts } from './verify/verification.ts'
import { weighRows } from './verify/weigh-rows.ts'
import type { VerifyOptions, VerifySeams } from './verifier.ts'
import { readWindows } from './window-reader.ts'

/** A table with a snapshot, and what its topics' source and mapping are. */
export interface TableUnderTest extends History {
  readonly metadata: TableMetadata
  readonly mapping: TopicMapping
  readonly state: TableState
  readonly snapshot: Snapshot
  readonly source: SourceIdentity
  readonly columns: KafkaColumns
  readonly processing: ProcessorDocument['spec']['processing']
}

export type RowVerification = Pick<TableVerification, 'counts' | 'findings' | 'notes'> & {
  /** Whether a file that the snapshot names is not there. */
  readonly filesGone: boolean
}

/** Topic-partitions that are listed at once. */
const partitionsAtOnce = 8

/**
 * Sets the rows of a snapshot against what was decided and against the source: first all files, then topic-partition by
 * topic-partition. Throws a WorkError where the table can not be judged, and what the stores throw.
 */
export async function verifyRows(table: TableUnderTest, seams: VerifySeams, options: VerifyOptions): Promise<RowVerification> {
  const { columns, source } = table
  const manifests = await table.manifestsOf(table.snapshot)
  if (manifests === null)
    throw new WorkError(`table ${table.table} can not be judged: ${table.snapshot['manifest-list']} can not be read; restore that file`, {
      retry: 'never',
    })
  const { files, deletes } = await liveFiles(seams.io, manifests, columns)
  const partitions = partitionsOf(table)
  options.tell({
    table: table.table,
    files: files.length,
    deleteFiles: deletes.length,
    bytes: bytesToRead(files, options.exact) + deletes.reduce((sum, { bytes }) => sum + bytes, 0),
    partitions: partitions.length,
    exact: options.exact,
  })
  const positions = new PositionDeletes()
  await readDeletes(table.table, seams.io, deletes, positions)
  const entering = { io: seams.io, columns, prefix: source.prefix, exact: options.exact, progress: options.progress }
  const entered = await enterFiles(files, { ...entering, deletes: positions })
  const removals = new RemovalFinder(table, entering)

  const findings: Finding[] = []
  let counts: VerificationCounts = { ...noCounts, files: files.length, filesRead: entered.read }
  const decided = new Set<unknown>()
  await forEachAtOnce(partitions, partitionsAtOnce, async (at) => {
    decided.add(entered.books.of(at))
    const verdict = await verifyPartition(table, at, files, entered, removals, seams)
    findings.push(...verdict.findings)
    counts = sumOf(counts, verdict.counts)
  })
  for (const book of entered.books.all()) {
    if (!decided.has(book)) book.runs.forEach((start, end) => (counts = { ...counts, others: counts.others + end - start }))
  }
  return { counts, findings, notes: entered.notes, filesGone: entered.gone > 0 }
}

interface PartitionVerification {
  readonly findings: readonly Finding[]
  readonly counts: Partial<VerificationCounts>
}

async function verifyPartition(
  table: TableUnderTest,
  at: TopicPartition,
  files: readonly TableFile[],
  { books, unknownRows }: Entered,
  removals: RemovalFinder,
  seams: VerifySeams,
): Promise<PartitionVerification> {
  const { state, source, metadata } = table
  const book = books.of(at)
  const own = decidedRanges(state.progress, source.id, at)
  const everywhere = [...state.progress.keys()].map((id) => decidedRanges(state.progress, id, at))
  const ageOf = (file: number) => files[file]
  const balance = weighRows(everywhere, book.runs, ageOf)
  const isRestarted = hasIncarnations(state.progress)
  // What was not restarted went along into the next incarnation, and has its rows once.
  const needed = isRestarted ? weighRows([unionOf(everywhere)], book.runs, ageOf).missing : balance.missing
  const open = holesOf(own)
  const suspects = intersectRanges(needed, own)
  const windows = unionRanges(suspects, open)
  const known = { claims: book.segments, frontier: frontierOf(state.frontiers, source.id, at), end: endOf(own) ?? 0n, isRestarted }
  const survey = await surveySource(seams.source, source.prefix, at, known, windows)
  const limits = limitsOf(table.processing)
  const lookFor = (wanted: OffsetRanges) => readWindows(seams.source, at, survey.inWindows, wanted, layoutOf(table), limits)
  const empty = { rows: [], without: [], control: 0n, skipped: 0n }
  const ofSuspects = suspects.length === 0 ? empty : await lookFor(suspects)
  const ofHoles = open.length === 0 ? empty : await lookFor(open)

  const missing = await removals.find(subtractRanges(suspects, ofSuspects.without), book)
  const untold = missing.get(null) ?? []
  if (unknownRows && untold.length > 0) {
    missing.delete(null)
    for (const range of untold) book.altered.push({ range, snapshot: null })
  }
  const verdict = judgePartition(
    {
      table: table.table,
      at,
      missing,
      duplicates: balance.duplicates,
      ...splitHoles(open, unionRanges(ofHoles.rows, ofHoles.without)),
      altered: book.altered,
      rewritten: survey.rewritten,
    },
    {
      isAccepted: (snapshot) => state.requests.accept.includes(snapshot),
      isOurs: (id) => {
        const snapshot = snapshotById(metadata, id)
        return snapshot !== undefined && isOurs(snapshot)
      },
      accepted: decidedRanges(state.accepted, source.id, at),
    },
  )
  return {
    findings: verdict.findings,
    counts: {
      segments: survey.segments,
      rows: balance.present,
      decided: countOffsets(own),
      control: ofSuspects.control,
      skipped: ofSuspects.skipped,
      removed: verdict.removed,
      accepted: verdict.accepted,
      others: balance.others,
    },
  }
}

function sumOf(counts: VerificationCounts, more: Partial<VerificationCounts>): VerificationCounts {
  const plus = <T extends number | bigint>(a: T, b: T | undefined): T => (b === undefined ? a : (((a as number) + (b as number)) as T))
  return {
    files: counts.files,
    filesRead: counts.filesRead,
    segments: plus(counts.segments, more.segments),
    rows: plus(counts.rows, more.rows),
    decided: plus(counts.decided, more.decided),
    control: plus(counts.control, more.control),
    skipped: plus(counts.skipped, more.skipped),
    removed: plus(counts.removed, more.removed),
    accepted: plus(counts.accepted, more.accepted),
    others: plus(counts.others, more.others),
  }
}

function unionOf(all: readonly OffsetRanges[]): OffsetRanges {
  return all.reduce(unionRanges, [])
}

/** All topic-partitions of which this source has decided something. */
function partitionsOf({ state, source }: TableUnderTest): TopicPartition[] {
  const topics = state.progress.get(source.id) ?? new Map<string, ReadonlyMap<number, OffsetRanges>>()
  return [...topics].flatMap(([topic, partitions]) => [...partitions.keys()].map((partition) => ({ topic, partition })))
}

function bytesToRead(files: readonly TableFile[], exact: boolean): number {
  return files.reduce((sum, { bytes, columnBytes }) => sum + Math.min(bytes, footerGuessBytes + (exact ? columnBytes : 0)), 0)
}

/** How the table is filled; only its Kafka columns where it could not be continued as it is. */
function layoutOf({ table, metadata, mapping, columns }: TableUnderTest): TableLayout {
  try {
    return resolveLayout(table, metadata, mapping)
  } catch (error) {
    if (!(error instanceof WorkError)) throw error
    const kafka = (['topic', 'partition', 'offset'] as const).map((role) => ({ role, field: columns[role] }))
    return { columns: kafka, keyFormat: 'binary', valueFormat: 'binary', record: null, missing: [] }
  }
}
