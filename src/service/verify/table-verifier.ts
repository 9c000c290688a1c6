import type { TableUnderTest } from './table-under-test.ts'
import type { DataFile } from '../../formats/iceberg/data-file.ts'
import { WorkError } from '../../model/failure.ts'
import { parseIncarnation } from '../../model/incarnation.ts'
import type { OffsetRanges } from '../../model/offset-range.ts'
import { topicPartitionName, type TopicPartition } from '../../model/topic-partition.ts'
import { judgeSurveyed, type SurveyedPartition, surveyPartition } from './partition-verifier.ts'
import { pagesOf, planManifests, planReading } from './plan-verification.ts'
import { RemovalFinder } from './removal-finder.ts'
import { enterFiles, liveFiles } from './table-books.ts'
import { windowsOf } from './scope-windows.ts'
import { readDeletes } from './table-deletes.ts'
import { forEachAtOnce } from '../../pipeline/verify/at-once.ts'
import { inOrder } from '../../pipeline/verify/finding.ts'
import { Findings, joined } from '../../pipeline/verify/findings.ts'
import { slicesOf } from '../../pipeline/verify/slices.ts'
import { isEverything } from '../../pipeline/verify/scope.ts'
import type { SourceFact } from '../../pipeline/verify/source-fact.ts'
import { mayHold } from '../../pipeline/verify/table-files.ts'
import { noCounts, type ReadingPlan, type TableVerification, type VerificationCounts } from '../../pipeline/verify/verification.ts'
import { Reservoir } from '../../pipeline/verify/reservoir.ts'
import type { OwnSegment } from '../../pipeline/verify/survey-source.ts'
import { ValuesVerifier } from './values-verifier.ts'
import type { VerifyOptions, VerifySeams } from './verify-options.ts'

export type RowVerification = Pick<TableVerification, 'counts' | 'findings' | 'unlisted' | 'facts' | 'notes' | 'reading'> & {
  /** Whether a file that the snapshot names is not there. */
  readonly filesGone: boolean
}

/** Topic-partitions, or parts of them, that are listed and judged at once. */
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
  const known = partitionsOf(table)
  const { windows, notes } = await windowsOf(options.scope, known, table, seams)
  const isWhole = isEverything(options.scope)
  const isWanted = (file: DataFile) => isWhole || mayHold(file, columns, windows)
  let reading = planManifests(table.table, manifests, windows.length, options.exact)
  const tell = (more: Partial<ReadingPlan>) => options.tell((reading = { ...reading, ...more }))
  tell({})
  const live = await liveFiles(seams.io, table.metadata, manifests, columns, isWanted)
  const { files } = live
  tell(await planReading(reading, table, live, seams.io))
  const deleted = await readDeletes(table, seams.io, live)
  const entering = { io: seams.io, columns, prefix: source.prefix, exact: options.exact, progress: options.progress }
  const entered = await enterFiles(files, { ...entering, deletes: deleted })
  const removals = new RemovalFinder(table, entering)

  const { values } = options
  const chosen = new Reservoir<OwnSegment>(values === 'all' ? null : values, () => seams.entropy.int63())
  const findings = new Findings()
  const facts: SourceFact[] = []
  let unknowable = 0n
  let counts: VerificationCounts = { ...noCounts, files: files.length, filesRead: entered.read }
  const slices = slicesOf(windows, entered.books)
  tell({ step: 'listing', requests: { ...reading.requests, list: pagesOf(slices, entered.books) } })
  const surveyed: SurveyedPartition[] = []
  await forEachAtOnce(slices, partitionsAtOnce, async (slice) => {
    const survey = await surveyPartition(table, slice, files, entered.books, seams, (segment) => {
      if (values !== null) chosen.offer(segment)
    })
    surveyed.push(survey)
  })
  const comparing = values === null ? null : new ValuesVerifier(table, files, entered, deleted, seams)
  const around = surveyed.flatMap(({ ofSuspects, ofHoles }) => [...ofSuspects, ...ofHoles])
  const segments = { segments: around.length, bytes: around.reduce((sum, { segment }) => sum + segment.size, 0) }
  tell({ step: 'segments', segments, values: comparing?.plan(chosen.items) ?? null })
  await forEachAtOnce(surveyed, partitionsAtOnce, async (one) => {
    const verdict = await judgeSurveyed(table, one, files, entered.books, entered.unknownRows, removals, seams)
    findings.add(verdict.findings)
    for (const fact of verdict.facts) facts.push(fact)
    counts = sumOf(counts, verdict.counts)
    unknowable += verdict.unknowable
  })
  const decided = new Set(known.map(topicPartitionName))
  for (const { at, runs } of isWhole ? entered.books.all() : []) {
    if (!decided.has(topicPartitionName(at))) runs.forEach((start, end) => (counts = { ...counts, others: counts.others + end - start }))
  }
  const told = {
    counts,
    facts: distinct(facts),
    notes: [...notes, ...entered.notes, ...ofOtherSources(table), ...ofUnknowable(unknowable)],
    reading,
    filesGone: entered.gone > 0,
  }
  const found = () => ({ findings: joined(inOrder(findings.kept)), unlisted: findings.unlisted })
  if (comparing === null) return { ...told, ...found() }
  const compared = await comparing.compare(chosen.items, options.progress)
  findings.add(compared.findings)
  return {
    ...told,
    ...found(),
    counts: { ...counts, compared: compared.rows },
    facts: distinct([...facts, ...compared.facts]),
    notes: [...told.notes, ...compared.notes],
  }
}

/** Segments that were listed or read twice are told of once. */
function distinct(facts: readonly SourceFact[]): SourceFact[] {
  return [...new Map(facts.map((fact) => [`${fact.kind} ${fact.key} ${fact.start} ${fact.end}`, fact])).values()]
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
    compared: counts.compared,
  }
}

/** Said where a table stands in its document with a source of which it knows nothing: then nothing that it has was judged. */
function ofOtherSources({ state, source }: TableUnderTest): string[] {
  const sources = new Set([...state.progress.keys()].map((id) => parseIncarnation(id).source))
  if (sources.size === 0 || sources.has(parseIncarnation(source.id).source)) return []
  return [
    `nothing was materialized from ${source.id}, so none of its rows was judged: they are of ${[...sources].join(', ')}. If the source has moved, run with --source-moved`,
  ]
}

/** Said where offsets are missing that may never have been rows: taking them back would make gaps of them. */
function ofUnknowable(offsets: bigint): string[] {
  if (offsets === 0n) return []
  return [
    `of ${offsets} of the missing offsets the segment is gone, and no snapshot that the table still has removed a row there: nothing tells whether they were rows or control records, and --retract --yes makes gaps of them, which --accept takes`,
  ]
}

/** All topic-partitions of which this source has decided something. */
function partitionsOf({ state, source }: TableUnderTest): TopicPartition[] {
  const topics = state.progress.get(source.id) ?? new Map<string, ReadonlyMap<number, OffsetRanges>>()
  return [...topics].flatMap(([topic, partitions]) => [...partitions.keys()].map((partition) => ({ topic, partition })))
}
