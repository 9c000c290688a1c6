import { countOffsets, formatRanges, type OffsetRanges } from '../model/offset-range.ts'
import type { DocumentStatus, PartitionStatus, TableStatus } from '../pipeline/status.ts'
import { printable } from './printable.ts'
import { type Column, tableLines } from './table.ts'
import type { Terminal } from './terminal.ts'
import { formatBytes, formatCount, formatDuration, formatNumberOf, formatTime } from './units.ts'

/** Ranges listed one by one for a topic-partition; the rest is counted. */
const listedRanges = 5

/** Writes statuses for people. */
export function showStatus(statuses: readonly DocumentStatus[], nowMs: number, terminal: Terminal): void {
  for (const [i, { name, tables }] of statuses.entries()) {
    if (i > 0) terminal.out('')
    terminal.out(terminal.style('bold', printable(name)))
    if (tables.length === 0) terminal.out('  no topic of the source matches yet')
    for (const table of tables) showTable(table, nowMs, terminal)
  }
}

function showTable(table: TableStatus, nowMs: number, terminal: Terminal): void {
  const { style } = terminal
  terminal.out(`\n  ${style('cyan', printable(table.table))}  ${tableFacts(table, nowMs).join(' · ')}`)
  if (table.stopped !== null) terminal.out(`  ${style('red', 'stopped')}  ${printable(table.stopped)}`)
  if (table.partitions.length > 0) {
    for (const line of tableLines(columns, table.partitions, style)) terminal.out(line)
  }
  for (const at of table.partitions) {
    for (const [what, ranges] of [['holes', at.holes] as const, ['gaps', at.gaps] as const]) {
      if (ranges.length > 0) terminal.out(`  ${style('yellow', what)} in ${printable(at.topic)}/${at.partition}: ${listRanges(ranges)}`)
    }
  }
}

function tableFacts({ exists, snapshotId, lastCommitMs, watermarkMs, rows }: TableStatus, nowMs: number): string[] {
  if (!exists) return ['not created yet']
  if (snapshotId === null) return ['no snapshot yet']
  const facts: string[] = []
  if (rows !== null) facts.push(formatNumberOf(rows, 'row'))
  if (lastCommitMs !== null)
    facts.push(`last commit ${formatTime(lastCommitMs)} (${formatDuration(Math.max(0, nowMs - lastCommitMs))} ago)`)
  if (watermarkMs !== null) facts.push(`watermark ${formatTime(watermarkMs)}`)
  return [...facts, `snapshot ${snapshotId}`]
}

const columns: readonly Column<PartitionStatus>[] = [
  { title: 'TOPIC', cell: ({ topic }) => printable(topic) },
  { title: 'PARTITION', align: 'right', cell: ({ partition }) => `${partition}` },
  { title: 'NEXT', align: 'right', cell: ({ next }) => orDash(next, String) },
  { title: 'END', align: 'right', cell: ({ endOffset }) => orDash(endOffset, String) },
  { title: 'BEHIND', align: 'right', cell: ({ lagSegments }) => orDash(lagSegments, (count) => formatNumberOf(count, 'segment')) },
  { title: 'OFFSETS', align: 'right', cell: behindOffsets },
  { title: 'BYTES', align: 'right', cell: ({ lagBytes }) => orDash(lagBytes, formatBytes) },
  { title: 'TIME', align: 'right', cell: ({ lagSeconds }) => orDash(lagSeconds, (seconds) => formatDuration(seconds * 1000)) },
  { title: 'HOLES', align: 'right', cell: ({ holes }) => (holes.length === 0 ? '' : formatCount(countOffsets(holes))) },
  { title: 'GAPS', align: 'right', cell: ({ gaps }) => (gaps.length === 0 ? '' : formatCount(countOffsets(gaps))) },
]

function behindOffsets({ next, endOffset }: PartitionStatus): string {
  if (next === null || endOffset === null) return '–'
  return formatCount(endOffset > next ? endOffset - next : 0n)
}

function orDash<T>(value: T | null, text: (value: T) => string): string {
  return value === null ? '–' : text(value)
}

function listRanges(ranges: OffsetRanges): string {
  const more = ranges.length - listedRanges
  const rest = more > 0 ? ` and ${formatCount(more)} more` : ''
  return `${formatRanges(ranges.slice(0, listedRanges))}${rest} (${formatNumberOf(countOffsets(ranges), 'offset')})`
}
