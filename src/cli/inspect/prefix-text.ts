import { countOffsets, endOf, formatRanges, type OffsetRanges } from '../../model/offset-range.ts'
import { printable } from '../printable.ts'
import { type Column, tableLines } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { formatBytes, formatCount, formatNumberOf, formatSpan } from '../units.ts'
import type { DeepReport } from './deep-report.ts'
import type { ListedPartition, Listing } from './listing.ts'
import { showFaults } from './segment-text.ts'

/** A topic-partition with what reading it told; null where its segments were not read. */
export interface PartitionReport extends ListedPartition {
  readonly deep: DeepReport | null
}

/** What was looked at. */
export interface PrefixFacts {
  /** As people call it. */
  readonly name: string
  /** What all keys begin with. */
  readonly prefix: string
  /** Where keys begin: `s3://bucket`, or a directory. */
  readonly store: string
}

/** Keys and ranges listed for one finding; `--json` has all. */
const listed = 5

/** Writes what lies under a prefix for people. */
export function showPrefix(
  { name, prefix }: PrefixFacts,
  partitions: readonly PartitionReport[],
  foreign: Listing['foreign'],
  terminal: Terminal,
): void {
  const { style } = terminal
  const segments = partitions.reduce((sum, one) => sum + one.segments.length, 0)
  const bytes = partitions.reduce((sum, one) => sum + one.bytes, 0)
  const sums = [formatNumberOf(partitions.length, 'topic-partition'), formatNumberOf(segments, 'complete segment'), formatBytes(bytes)]
  terminal.out(`${style('bold', printable(name))}  ${sums.join(' · ')}`)
  if (partitions.length > 0) {
    terminal.out('')
    for (const line of tableLines(columnsFor(partitions), partitions, style)) terminal.out(line)
  }
  const findings = partitions.flatMap((partition) => findingsOf(partition, terminal))
  if (findings.length > 0) terminal.out(`\n${findings.join('\n')}`)
  showFaults(
    partitions.flatMap(({ deep }) => (deep?.faults ?? []).map((fault) => ({ ...fault, key: fault.key.slice(prefix.length) }))),
    terminal,
  )
  if (foreign.count > 0) {
    const sample = foreign.sample
      .slice(0, listed)
      .map((key) => printable(key.slice(prefix.length)))
      .join(', ')
    terminal.out(`\n  ${formatNumberOf(foreign.count, 'other object')} (${formatBytes(foreign.bytes)}), such as ${sample}`)
  }
  if (segments > 0 && partitions.every(({ deep }) => deep === null)) {
    terminal.out(style('dim', '\n  This is what the listing tells. --deep reads every segment: records, codecs, gaps, overlaps, faults.'))
  }
}

function columnsFor(partitions: readonly PartitionReport[]): Column<PartitionReport>[] {
  const ofDeep = (cell: (deep: DeepReport) => string) => (one: PartitionReport) => (one.deep === null ? '' : cell(one.deep))
  const manyPrefixes = new Set(partitions.map(({ prefix }) => prefix)).size > 1
  return [
    { title: 'PREFIX', cell: ({ prefix }) => (manyPrefixes ? printable(prefix) : '') },
    { title: 'TOPIC', cell: ({ topic }) => printable(topic) },
    { title: 'PARTITION', align: 'right', cell: ({ partition }) => `${partition}` },
    { title: 'SEGMENTS', align: 'right', cell: ({ segments }) => formatCount(segments.length) },
    { title: 'BYTES', align: 'right', cell: ({ bytes }) => formatBytes(bytes) },
    { title: 'BASE OFFSETS', cell: ({ deep, segments }) => (deep === null ? baseOffsets(segments) : '') },
    { title: 'OFFSETS', cell: ofDeep(({ offsets }) => (offsets.length === 0 ? '' : formatSpan(offsets[0][0], endOf(offsets)! - 1n))) },
    { title: 'RECORDS', align: 'right', cell: ofDeep(({ records }) => formatCount(records)) },
    { title: 'CODECS', cell: ofDeep(({ codecs }) => Object.keys(codecs).join(' ')) },
    { title: 'GAPS', align: 'right', cell: ofDeep(({ gaps }) => orBlank(countOffsets(gaps))) },
    { title: 'OVERLAPS', align: 'right', cell: ofDeep(({ overlaps }) => orBlank(countOffsets(overlaps))) },
    { title: 'FAULTS', align: 'right', cell: ofDeep(({ faults }) => orBlank(faults.length)) },
  ]
}

function findingsOf({ topic, partition, withoutIndex, orphanIndexes, deep }: PartitionReport, terminal: Terminal): string[] {
  const lines: string[] = []
  const at = `${printable(topic)}/${partition}`
  const say = (what: string, list: string) => lines.push(`  ${terminal.style('yellow', at)}  ${what}: ${list}`)
  const keys = (what: string, all: readonly string[]) => all.length > 0 && say(what, listKeys(all))
  const ranges = (what: string, all: OffsetRanges) => all.length > 0 && say(what, listRanges(all))
  keys(
    `${formatNumberOf(withoutIndex.length, 'segment')} without index, which ${withoutIndex.length === 1 ? 'does' : 'do'} not count`,
    withoutIndex,
  )
  keys(`${formatNumberOf(orphanIndexes.length, 'index', 'indexes')} without segment`, orphanIndexes)
  if (deep === null) return lines
  ranges('gaps', deep.gaps)
  ranges('overlaps', deep.overlaps)
  if (deep.repeated > 0) say('repeated', `${formatNumberOf(deep.repeated, 'record')} with an offset that the same segment has already`)
  keys(`${formatNumberOf(deep.duplicates.length, 'segment')} with nothing that earlier ones lack`, deep.duplicates)
  keys(`${formatNumberOf(deep.changed.length, 'segment')} written again or removed meanwhile`, deep.changed)
  keys(
    `${formatNumberOf(deep.unreadable.length, 'segment')} not given out`,
    deep.unreadable.map(({ reason }) => reason),
  )
  return lines
}

function baseOffsets(segments: ListedPartition['segments']): string {
  return segments.length === 0 ? '' : formatSpan(segments[0].baseOffset, segments[segments.length - 1].baseOffset)
}

function orBlank(count: number | bigint): string {
  return Number(count) === 0 ? '' : formatCount(count)
}

function listKeys(all: readonly string[]): string {
  return (
    all
      .slice(0, listed)
      .map((key) => printable(key.slice(key.lastIndexOf('/') + 1)))
      .join(', ') + more(all.length)
  )
}

function listRanges(all: OffsetRanges): string {
  return formatRanges(all.slice(0, listed)) + more(all.length)
}

function more(count: number): string {
  return count > listed ? ` and ${formatCount(count - listed)} more` : ''
}

/** The same for programs; offsets exact. */
export function prefixJson({ name, store }: PrefixFacts, partitions: readonly PartitionReport[], foreign: Listing['foreign']): unknown {
  return {
    ok: partitions.every(({ deep }) => deep === null || isSound(deep)),
    kind: 'prefix',
    name,
    store,
    partitions: partitions.map(({ segments, ...partition }) => ({
      ...partition,
      segments: segments.length,
      firstBaseOffset: segments[0]?.baseOffset ?? null,
      lastBaseOffset: segments.at(-1)?.baseOffset ?? null,
    })),
    foreign,
  }
}

/** Whether every segment could be read and none has a fault. */
export function isSound({ faults, unreadable }: DeepReport): boolean {
  return faults.length === 0 && unreadable.length === 0
}
