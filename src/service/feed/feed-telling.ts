import { countOffsets, formatRanges, type OffsetRanges } from '../../model/offset-range.ts'
import type { Requests } from '../../model/requests.ts'
import type { SegmentRef } from '../../model/segment.ts'
import { fewNames } from '../../model/few-names.ts'
import { type TopicPartition, topicPartitionName } from '../../model/topic-partition.ts'
import type { RecordCounts, TranslatedPart } from '../../model/translated-part.ts'
import type { Journal } from '../../seams/journal.ts'
import type { Meter } from '../../seams/meter.ts'
import type { TableState } from '../../pipeline/commit/table-state.ts'
import type { TaskResult } from '../../pipeline/flow.ts'
import type { StartMark } from './committer.ts'

/** Whom a table's feed tells what it met and did: counted, and written down. */
export interface Telling {
  readonly table: string
  readonly journal: Journal
  readonly meter: Meter
}

/** Ranges that are written out; of more, the number is told. */
const writtenRanges = 20
/** Paths of rescued values that are written out, those met most often. */
const writtenPaths = 10

/** Offsets that the source does not have. Nobody can undo that, so it is told once and gone past. */
export function tellGaps({ table, journal, meter }: Telling, { topic, partition }: TopicPartition, gaps: OffsetRanges): void {
  meter.add('gaps', gaps.length, { table })
  meter.add('offsets.gap', Number(countOffsets(gaps)), { table })
  journal.warn('gap: offsets that the source does not have', {
    table,
    topic,
    partition,
    offsets: formatRanges(gaps.slice(0, writtenRanges)),
    gaps: gaps.length,
  })
}

/** Topic-partitions that are written out of those that begin at once. */
const writtenStarts = 20

/** Topic-partitions begin where the document says, and not at their beginning. */
export function tellStarts({ table, journal }: Telling, marks: readonly StartMark[]): void {
  const starts = fewNames(
    marks.map(({ at, ranges }) => `${topicPartitionName(at)} at ${ranges[0][0]}`),
    writtenStarts,
  )
  journal.info('begun where startAt says; what lies before is left out', { table, partitions: marks.length, starts })
}

const countNames = ['rows', 'control', 'skipped', 'clipped', 'repeated', 'transactional'] as const satisfies readonly (keyof RecordCounts)[]

function mostOften(counts: Readonly<Record<string, number>>, most: number): string[] {
  return Object.entries(counts)
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, most)
    .map(([path, count]) => `${path}: ${count}`)
}

/** What was met while reading: gaps, overlaps, repeats, and everything that was skipped, each with its place. */
export function tellPart(telling: Telling, { at, counts, gaps, skips, rescued }: TranslatedPart): void {
  const { table, journal, meter } = telling
  const where = { table, topic: at.topic, partition: at.partition }
  for (const name of countNames) if (counts[name] > 0) meter.add(`records.${name}`, counts[name], { table })
  if (gaps.length > 0) tellGaps(telling, at, gaps)
  if (counts.clipped > 0) {
    meter.add('overlaps', 1, { table })
    journal.warn('overlap: records whose offsets were decided before are left out', { ...where, records: counts.clipped })
  }
  if (counts.repeated > 0)
    journal.warn('offsets repeat inside a segment; the first record of each is kept', { ...where, records: counts.repeated })
  if (rescued.records > 0) {
    meter.add('records.rescued', rescued.records, { table })
    journal.info('values that no column holds as they are went into the rescue column', {
      ...where,
      records: rescued.records,
      values: mostOften(rescued.paths, writtenPaths),
      paths: Object.keys(rescued.paths).length + (rescued.otherPaths > 0 ? 1 : 0),
    })
  }
  for (const { segment, range, fault } of skips) {
    journal.warn('skipped, as onError says', {
      ...where,
      key: segment.key,
      offsets: formatRanges([range]),
      fault: fault.kind,
      position: fault.position,
      reason: fault.message,
    })
  }
}

/** Why a topic-partition is stopped whose segments fail unexpectedly, alone and again. */
export function setAsideReason(segments: readonly SegmentRef[], error: Error): string {
  const which = segments.length === 1 ? segments[0].key : `one of the ${segments.length} segments up to ${segments.at(-1)!.key}`
  return `${which} can not be turned into rows: ${error.message}. This is a bug, or memoryLimitBytes is more than the process has; it is tried again from time to time`
}

/** What a snapshot brought. */
export function tellCommit({ table, journal, meter }: Telling, committed: readonly TaskResult[], state: TableState): void {
  const files = committed.flatMap((result) => result.files)
  const rows = files.reduce((sum, file) => sum + file.recordCount, 0n)
  const segments = committed.reduce((sum, { task }) => sum + task.parts.reduce((n, part) => n + part.segments.length, 0), 0)
  meter.add('rows.committed', Number(rows), { table })
  meter.add('files.committed', files.length, { table })
  meter.add('segments.committed', segments, { table })
  for (const file of files) meter.observe('data_file_bytes', Number(file.fileSizeInBytes), { table })
  journal.info('committed', {
    table,
    snapshot: state.snapshotId,
    rows,
    files: files.length,
    bytes: files.reduce((sum, file) => sum + file.fileSizeInBytes, 0n),
    segments,
  })
}

/** Which topics stand still from now on, or go on, because somebody asked for it. */
export function tellPaused({ table, journal }: Telling, before: Requests, now: Requests): void {
  const paused = now.pause.filter((topic) => !before.pause.includes(topic))
  const resumed = before.pause.filter((topic) => !now.pause.includes(topic))
  if (paused.length > 0) journal.info('paused: not planned until resumed', { table, topics: paused })
  if (resumed.length > 0) journal.info('resumed', { table, topics: resumed })
}
