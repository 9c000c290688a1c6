import { snapshotById } from '../../formats/iceberg/table-metadata.ts'
import { hasIncarnations } from '../../model/incarnation.ts'
import { askedBelow, neverAsked } from '../../model/left-out.ts'
import {
  countOffsets,
  endOf,
  holesOf,
  intersectRanges,
  noOffsets,
  normalizeRanges,
  type OffsetRanges,
  subtractRanges,
  unionRanges,
} from '../../model/offset-range.ts'
import { decidedRanges } from '../../model/progress.ts'
import { frontierOf } from '../../model/segment.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import { isOurs } from '../../pipeline/commit/table-state.ts'
import { limitsOf } from '../tasks/limits.ts'
import { layoutOrKafka } from './looked-at.ts'
import type { RemovalFinder } from './removal-finder.ts'
import type { TableUnderTest } from './table-under-test.ts'
import type { VerifySeams } from './verify-options.ts'
import type { Books, PartitionBook } from '../../pipeline/verify/books.ts'
import type { Finding } from '../../pipeline/verify/finding.ts'
import { judgePartition, splitHoles } from '../../pipeline/verify/judge-partition.ts'
import type { Slice } from '../../pipeline/verify/slices.ts'
import type { SourceFact } from '../../pipeline/verify/source-fact.ts'
import { type ListedSegment, type OwnSegment, type SourceSurvey, surveySource } from '../../pipeline/verify/survey-source.ts'
import type { TableFile } from '../../pipeline/verify/table-files.ts'
import type { VerificationCounts } from '../../pipeline/verify/verification.ts'
import { type RowBalance, weighRows } from '../../pipeline/verify/weigh-rows.ts'
import { nothingInWindows, readWindows, type WindowContents } from './window-reader.ts'

const lastOffset = 0x7fffffffffffffffn

/** What verifying a topic-partition came to. */
export interface PartitionVerification {
  readonly findings: readonly Finding[]
  readonly facts: readonly SourceFact[]
  readonly counts: Partial<VerificationCounts>
  /** Offsets that are missing of which nothing tells any more whether they were rows: their segment is gone, and no known snapshot removed them. */
  readonly unknowable: bigint
}

/** A topic-partition, or a part of one, whose segments were listed. */
export interface SurveyedPartition {
  readonly slice: Slice
  readonly survey: SourceSurvey
  /** The segments that may tell why decided offsets have no row. */
  readonly ofSuspects: readonly ListedSegment[]
  /** The segments that may have the holes. */
  readonly ofHoles: readonly ListedSegment[]
}

/** What the rows of a part of a topic-partition come to. */
interface Weighed {
  readonly own: OffsetRanges
  readonly balance: RowBalance
  /** Decided offsets without a row. */
  readonly suspects: OffsetRanges
  /** Holes and gaps. */
  readonly open: OffsetRanges
  /** What backfills were to bring from below what is decided: holes where there is a segment, and nothing else. */
  readonly below: OffsetRanges
}

/** Weighs the rows of a part of a topic-partition against what was decided. There may be so many ranges that they are not kept: it is done twice. */
function weigh({ state, source }: TableUnderTest, { at, range }: Slice, files: readonly TableFile[], book: PartitionBook): Weighed {
  const within = (ranges: OffsetRanges) => intersectRanges(ranges, [range])
  const decided = decidedRanges(state.progress, source.id, at)
  const own = within(decided)
  const everywhere = [...state.progress.keys()].map((id) => within(decidedRanges(state.progress, id, at)))
  const ageOf = (file: number) => files[file]
  const runs = book.runs.within(range)
  const balance = weighRows(everywhere, runs, ageOf)
  const isRestarted = hasIncarnations(state.progress)
  // What was not restarted went along into the next incarnation, and has its rows once.
  const needed = isRestarted ? weighRows([everywhere.reduce(unionRanges, [])], runs, ageOf).missing : balance.missing
  const open = within(subtractRanges(holesOf(decided), neverAsked(state, source.id, at)))
  return { own, balance, suspects: intersectRanges(needed, own), open, below: within(askedBelow(state, source.id, at)) }
}

/** Weighs the rows of a topic-partition, or of a part of one, against what was decided, and lists its segments. */
export async function surveyPartition(
  table: TableUnderTest,
  slice: Slice,
  files: readonly TableFile[],
  books: Books,
  seams: VerifySeams,
  onSegment: (segment: OwnSegment) => void,
): Promise<SurveyedPartition> {
  const { state, source } = table
  const { at, range } = slice
  const book = books.of(at)
  const { own, suspects, open, below } = weigh(table, slice, files, book)
  const known = {
    claims: book.segments,
    frontier: frontierOf(state.frontiers, source.id, at),
    end: endOf(decidedRanges(state.progress, source.id, at)) ?? 0n,
    first: own[0]?.[0] ?? null,
    isRestarted: hasIncarnations(state.progress),
  }
  const windows = [suspects, open, below].reduce(unionRanges)
  const survey = await surveySource(seams.source, source.prefix, at, known, windows, range, slice.isFirst, (one) => {
    const [offsets] = intersectRanges([one.range], [range])
    if (offsets !== undefined) onSegment({ ...one, range: offsets })
  })
  const having = (ranges: OffsetRanges) =>
    survey.inWindows.filter(({ segment, reach }) => intersectRanges(ranges, [[segment.baseOffset, reach ?? lastOffset]]).length > 0)
  return { slice, survey, ofSuspects: having(suspects), ofHoles: having(unionRanges(open, below)) }
}

/** Says what is wrong with a topic-partition: the segments are read where rows are missing, and around holes. */
export async function judgeSurveyed(
  table: TableUnderTest,
  { slice, survey, ...surveyed }: SurveyedPartition,
  files: readonly TableFile[],
  books: Books,
  unknownRows: boolean,
  removals: RemovalFinder,
  seams: VerifySeams,
): Promise<PartitionVerification> {
  const { state, source, metadata } = table
  const { at, range } = slice
  const book = books.of(at)
  const { own, balance, suspects, open, below } = weigh(table, slice, files, book)
  const within = (ranges: OffsetRanges) => intersectRanges(ranges, [range])
  const limits = { ...limitsOf(table.processing), oldMessageFormats: table.oldMessageFormats }
  const lookFor = (wanted: OffsetRanges, segments: readonly ListedSegment[]) =>
    wanted.length === 0 ? Promise.resolve(nothingInWindows) : readWindows(seams.source, at, segments, wanted, layoutOrKafka(table), limits)
  const ofSuspects = await lookFor(suspects, surveyed.ofSuspects)
  const ofHoles = await lookFor(unionRanges(open, below), surveyed.ofHoles)

  const skipped = skippedIn(table, at, ofSuspects)
  const missing = await removals.find(subtractRanges(subtractRanges(suspects, ofSuspects.without), skipped), book)
  const unattributed = normalizeRanges(missing.get(null) ?? [])
  const withoutRow = intersectRanges(intersectRanges(unattributed, unknownIn(ofSuspects)), decidedRanges(state.control, source.id, at))
  const untold = subtractRanges(unattributed, withoutRow)
  if (withoutRow.length > 0) missing.set(null, untold)
  const found = [ofHoles.without, ofHoles.unreadable, ofHoles.withheld].reduce(unionRanges, ofHoles.rows)
  const altered = book.altered.flatMap((one) => within([one.range]).map((part) => ({ ...one, range: part })))
  if (unknownRows && untold.length > 0) {
    missing.delete(null)
    for (const part of untold) altered.push({ range: part, snapshot: null })
  }
  const accepted = decidedRanges(state.accepted, source.id, at)
  const verdict = judgePartition(
    {
      table: table.table,
      at,
      missing,
      duplicates: balance.duplicates,
      holes: splitHoles(unionRanges(open, below), found).holes,
      gaps: splitHoles(open, found).gaps,
      altered,
      rewritten: survey.rewritten.flatMap((one) => within([one])),
    },
    {
      isAccepted: (snapshot) => state.requests.accept.includes(snapshot),
      isOurs: (id) => {
        const snapshot = snapshotById(metadata, id)
        return snapshot !== undefined && isOurs(snapshot)
      },
      accepted,
    },
  )
  return {
    unknowable: unknownRows ? 0n : countOffsets(subtractRanges(intersectRanges(untold, ofSuspects.untold), accepted)),
    findings: verdict.findings,
    facts: [...survey.facts, ...ofSuspects.faulty, ...ofHoles.faulty],
    counts: {
      segments: survey.segments,
      rows: balance.present,
      decided: countOffsets(own),
      control: ofSuspects.control + countOffsets(withoutRow),
      skipped: countOffsets(skipped),
      removed: verdict.removed,
      accepted: verdict.accepted,
      others: balance.others,
    },
  }
}

/** The offsets of which the source does not tell what they were. */
function unknownIn({ unreadable, withheld, untold }: WindowContents): OffsetRanges {
  return [unreadable, withheld, untold].reduce(unionRanges)
}

/**
 * Which of the offsets that can not be read, or whose segment is gone, were skipped, as the table says. Where it does not, since an older
 * program wrote it: all that can not be read, if the document has unreadable ones skipped, and else none.
 */
function skippedIn({ state, source, mapping }: TableUnderTest, at: TopicPartition, contents: WindowContents): OffsetRanges {
  if (state.skipped !== null) return intersectRanges(unknownIn(contents), decidedRanges(state.skipped, source.id, at))
  return mapping.onError === 'skip' ? contents.unreadable : noOffsets
}
