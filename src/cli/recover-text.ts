import { countOffsets, formatRanges, type OffsetRanges } from '../model/offset-range.ts'
import { moneyOnce, type Once, type Prices } from '../pipeline/backfill/bill.ts'
import type { DuplicatedPartition, Duplicates } from '../service/maintain/deduplicate.ts'
import type { LostPartition, RecoverOptions, TableRecovery } from '../service/recover/recovery.ts'
import type { AssumedPartition } from '../service/recover/assume-from-rows.ts'
import { moneyText } from './money-text.ts'
import { printable } from './printable.ts'
import { type Column, tableLines } from './table.ts'
import type { Terminal } from './terminal.ts'
import { formatBytes, formatCount, formatDuration, formatNumberOf } from './units.ts'

/** Ranges of one cell that are written out; the rest is counted. */
const listedRanges = 4

/** Writes for people what would be assumed of tables, or was. */
export function showRecoveries(tables: readonly TableRecovery[], from: RecoverOptions['from'], prices: Prices, terminal: Terminal): void {
  const { style } = terminal
  if (tables.length === 0) terminal.out('The source has no topic of the document yet.')
  for (const table of tables) {
    terminal.out(style('bold', printable(table.table)))
    if (table.problem !== null) terminal.out(`  ${style('red', 'not recovered')}  ${printable(table.problem)}`)
    else if (!table.exists) terminal.out('  no table yet')
    else if (table.sound !== null) terminal.out(`  ${style('green', 'left alone')}  ${printable(table.sound)}`)
    else if (table.duplicates !== null) showDuplicates(table.duplicates, prices, terminal)
    else if (from === 'rows') showAssumed(table, terminal)
    else showLost(table, terminal)
  }
}

function showAssumed({ partitions, done }: TableRecovery, terminal: Terminal): void {
  const { style } = terminal
  for (const line of tableLines(assumedColumns, partitions, style)) terminal.out(line)
  const sum = (of: (one: AssumedPartition) => OffsetRanges) => partitions.reduce((total, one) => total + countOffsets(of(one)), 0n)
  const [holes, duplicates, passed] = [sum(({ holes: own }) => own), sum((one) => one.duplicates), sum((one) => one.passed)]
  if (holes > 0n) {
    const what = `${formatNumberOf(holes, 'offset')} without a row have segments: they were never materialized, or were deleted and nothing tells any more`
    terminal.out(`  ${style('yellow', 'holes')}  ${what}. They stay undecided; backfill --missing materializes them`)
  }
  if (passed > 0n) {
    const what = `${formatNumberOf(passed, 'offset')} have segments and no row, and the writer before us was done with them`
    terminal.out(`  ${style('yellow', 'passed over')}  ${what}. They count as decided; without those offsets they are holes`)
  }
  if (duplicates > 0n) {
    const what = `${formatNumberOf(duplicates, 'offset')} have more than one row; verify says where`
    terminal.out(`  ${style('yellow', 'twice')}  ${what}, and recover --duplicates leaves one of each`)
  }
  if (partitions.length === 0) terminal.out('  no row has the coordinates of a topic of the document')
  else confirm(done, 'this is what was materialized', terminal)
}

function showLost({ lost, done }: TableRecovery, terminal: Terminal): void {
  for (const line of tableLines(lostColumns, lost, terminal.style)) terminal.out(line)
  confirm(done, 'these offsets are materialized again, as far as the source still has them', terminal)
}

/** What it costs to rewrite files without rows that are twice; null where that is done, or nothing is to be. */
export function moneyToRemove({ requests, bytes, coreSeconds }: Duplicates, prices: Prices): Once | null {
  if (requests === null) return null
  return moneyOnce({ gets: requests.get, writes: requests.put, readBytes: bytes, coreSeconds }, prices)
}

function showDuplicates(duplicates: Duplicates, prices: Prices, terminal: Terminal): void {
  const { partitions, rows, files, bytes, requests, coreSeconds, done } = duplicates
  const money = moneyToRemove(duplicates, prices)
  for (const line of tableLines(duplicateColumns, partitions, terminal.style)) terminal.out(line)
  const what = `${formatNumberOf(rows, 'row')} of ${formatNumberOf(files, 'file')} (${formatBytes(bytes)})`
  const takes =
    requests === null || money === null
      ? ''
      : `, which takes about ${formatNumberOf(requests.get, 'GET')} and ${formatNumberOf(requests.put, 'PUT')}, ` +
        `${formatDuration(Math.max(1, Math.round(coreSeconds)) * 1000)} by the speed of the benchmark; ${moneyText(money.total, money)}`
  confirm(done, done ? `without ${what}` : `${what} are removed: of each offset the row that came first stays${takes}`, terminal)
}

function confirm(done: boolean, what: string, { out, style }: Terminal): void {
  out(done ? `  ${style('green', 'written')}  ${what}` : `  ${style('yellow', 'nothing is written yet')}  with --yes: ${what}`)
}

const assumedColumns: readonly Column<AssumedPartition>[] = [
  { title: 'TOPIC', cell: ({ topic }) => printable(topic) },
  { title: 'PARTITION', align: 'right', cell: ({ partition }) => `${partition}` },
  { title: 'DECIDED', cell: ({ decided }) => rangesText(decided) },
  { title: 'ROWS', align: 'right', cell: ({ rows }) => formatCount(rows) },
  { title: 'REMOVED', align: 'right', cell: ({ removed }) => someCount(removed) },
  { title: 'WITHOUT ROW', align: 'right', cell: ({ withoutRow }) => someCount(withoutRow) },
  { title: 'HOLES', cell: ({ holes }) => rangesText(holes) },
  { title: 'PASSED OVER', cell: ({ passed }) => rangesText(passed) },
  { title: 'GAPS', cell: ({ gaps }) => rangesText(gaps) },
  { title: 'TWICE', cell: ({ duplicates }) => rangesText(duplicates) },
]

const duplicateColumns: readonly Column<DuplicatedPartition>[] = [
  { title: 'TOPIC', cell: ({ topic }) => printable(topic) },
  { title: 'PARTITION', align: 'right', cell: ({ partition }) => `${partition}` },
  { title: 'TWICE', cell: ({ ranges }) => rangesText(ranges) },
  { title: 'OFFSETS', align: 'right', cell: ({ offsets }) => formatCount(offsets) },
]

const lostColumns: readonly Column<LostPartition>[] = [
  { title: 'TOPIC', cell: ({ topic }) => printable(topic) },
  { title: 'PARTITION', align: 'right', cell: ({ partition }) => `${partition}` },
  { title: 'LOST', cell: ({ ranges }) => rangesText(ranges) },
  { title: 'OFFSETS', align: 'right', cell: ({ offsets }) => formatCount(offsets) },
  { title: 'SOURCE', cell: ({ source }) => printable(source) },
]

function rangesText(ranges: OffsetRanges): string {
  // An empty one only marks a place.
  const shown = ranges.filter(([start, end]) => start < end)
  if (shown.length === 0) return ''
  const more = shown.length - listedRanges
  return `${formatRanges(shown.slice(0, listedRanges))}${more > 0 ? ` and ${formatCount(more)} more` : ''}`
}

function someCount(count: bigint): string {
  return count === 0n ? '' : formatCount(count)
}
