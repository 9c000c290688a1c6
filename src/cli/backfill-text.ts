import type { BackfillDone } from '../compose/backfill.ts'
import type { Backfill } from '../model/backfill.ts'
import { countOffsets } from '../model/offset-range.ts'
import { type TopicPartition, topicPartitionName } from '../model/topic-partition.ts'
import type { BackfillBill } from '../service/backfill/backfiller.ts'
import { printable } from './printable.ts'
import { paceText } from './pace-text.ts'
import { tableLines } from './table.ts'
import type { Terminal } from './terminal.ts'
import { formatBytes, formatCount, formatDuration, formatNumberOf } from './units.ts'

/** A line of a bill: what, how much of it, and a remark. */
interface Item {
  readonly what: string
  readonly estimate: string
  readonly note: string
}

/** What a backfill, or a rebuild, would take. */
export function billLines(bill: BackfillBill, isRebuild: boolean, { style }: Pick<Terminal, 'style'>): string[] {
  const { id, table, topic, topicPartitions, wanted, decided, work, money, notBegun, outside, archived } = bill
  const amount = (value: number) => `${value === 0 ? '0' : value < 0.01 ? '< 0.01' : value.toFixed(2)} ${money.currency}`
  const items: Item[] = [
    { what: 'offsets', estimate: formatCount(wanted - decided), note: decided === 0n ? '' : `${formatCount(decided)} are there already` },
    { what: 'segments', estimate: formatCount(work.segments), note: `of ${formatNumberOf(topicPartitions, 'topic-partition')}` },
    { what: 'bytes to read', estimate: formatBytes(work.bytes), note: '' },
    { what: 'GET', estimate: formatCount(work.gets), note: '' },
    { what: 'LIST', estimate: formatCount(work.lists), note: '' },
    { what: 'PUT', estimate: `~${formatCount(work.puts)}`, note: `about ${formatNumberOf(work.commits, 'commit')}` },
    { what: 'data files', estimate: `~${formatCount(work.files)}`, note: `about ${formatBytes(work.fileBytes)}` },
    {
      what: 'time',
      estimate: `~${formatDuration(Math.max(1, Math.round(work.seconds)) * 1000)}`,
      note: paceNote(bill),
    },
    { what: 'money', estimate: money.total < 0.01 ? amount(money.total) : `~${amount(money.total)}`, note: moneyNote(bill, amount) },
  ]
  const head = style('bold', `${printable(topic)} → ${printable(table)}`) + style('dim', `  backfill ${id}`)
  const lines = [head]
  if (work.segments === 0) lines.push(`  ${nothingText(bill)}`)
  else {
    lines.push(
      ...tableLines<Item>(
        [
          { title: 'WORK', cell: ({ what }) => what },
          { title: 'ESTIMATE', align: 'right', cell: ({ estimate }) => estimate },
          { title: '', cell: ({ note }) => style('dim', note) },
        ],
        items,
        style,
      ),
    )
  }
  if (isRebuild && bill.branch === null) {
    lines.push(
      `  ${style('yellow', 'note')}  the catalog has no branches: a table beside it is made, and how to rename both is said at the end`,
    )
  }
  if (notBegun.length > 0) {
    lines.push(
      `  ${style('yellow', 'note')}  the tail has read nothing yet of ${namesOf(notBegun)}; what history is there is known once it has`,
    )
  }
  if (outside.length > 0) {
    lines.push(
      `  ${style('yellow', 'note')}  nothing is brought of ${formatNumberOf(outside.length, 'topic-partition')}, ${namesOf(outside)}: before the tail, nothing there lies between --from and --to. Where records are not in the order of their times, say offsets`,
    )
  }
  if (archived.segments > 0) {
    lines.push(
      `  ${style('yellow', 'note')}  ${formatNumberOf(archived.segments, 'segment')} in an archive, to be restored first: ${printable(archived.firstKey ?? '')}`,
    )
  }
  return lines
}

/** The first few by name, and how many more there are. */
function namesOf(all: readonly TopicPartition[]): string {
  const names = all.slice(0, 5).map((at) => printable(topicPartitionName(at)))
  return names.join(', ') + (all.length > 5 ? ` and ${formatCount(all.length - 5)} more` : '')
}

function nothingText({ wanted, decided, outside, tooYoung }: BackfillBill): string {
  if (tooYoung > 0)
    return `nothing can be read yet: of ${formatNumberOf(tooYoung, 'topic-partition')} a segment is younger than source.graceSeconds`
  if (decided > 0n) return 'nothing is left to do: the table has it already'
  if (wanted === 0n && outside.length > 0) return 'nothing to do'
  if (wanted === 0n) return 'nothing to do: it lacks nothing of this, and what lies behind everything that it has is left to its tail'
  return 'nothing to do: no segment of the source holds what is wanted'
}

function paceNote({ work, pace }: BackfillBill): string {
  if (pace.by === 'bounds') return 'as fast as it was allowed to be'
  return `of one process with nothing else to do, at ${formatBytes(work.bytes / work.seconds)} a second, ${paceText(pace)}`
}

function moneyNote({ money }: BackfillBill, amount: (value: number) => string): string {
  const parts = [`requests ${amount(money.requests)}`, `cores ${amount(money.compute)}`]
  if (money.transfer > 0) parts.push(`transfer ${amount(money.transfer)}`)
  return `${parts.join(', ')}; and ${amount(money.storagePerMonth)} a month for the files`
}

/** What came of it, beside what was expected. */
export function doneLines(
  { bill, outcome, report, requests, following, seconds }: BackfillDone,
  detached: boolean,
  { style }: Pick<Terminal, 'style'>,
): string[] {
  if (report === null && bill.work.segments === 0 && bill.tooYoung === 0) return replacedLines(bill, outcome, following)
  if (report === null)
    return detached ? [`Asked for in the table; the service begins when it looks at the table next: status shows how far it is.`] : []
  const rows: readonly (readonly [string, string, string])[] = [
    ['segments', formatCount(bill.work.segments), formatCount(report.segments)],
    ['bytes read', formatBytes(bill.work.bytes), formatBytes(requests.bytes)],
    ['GET', formatCount(bill.work.gets), formatCount(requests.gets)],
    ['LIST', formatCount(bill.work.lists), formatCount(requests.lists)],
    ['PUT', `~${formatCount(bill.work.puts)}`, formatCount(requests.puts)],
    ['data files', `~${formatCount(bill.work.files)}`, formatCount(report.files)],
    ['their bytes', `~${formatBytes(bill.work.fileBytes)}`, formatBytes(Number(report.fileBytes))],
    ['time', `~${formatDuration(Math.max(1, Math.round(bill.work.seconds)) * 1000)}`, formatDuration(Math.round(seconds * 1000))],
  ]
  const lines = tableLines<(typeof rows)[number]>(
    [
      { title: 'WORK', cell: ([what]) => what },
      { title: 'ESTIMATE', align: 'right', cell: ([, estimate]) => estimate },
      { title: 'ACTUAL', align: 'right', cell: ([, , actual]) => actual },
    ],
    rows,
    style,
  )
  const words = {
    done: style('green', 'done'),
    stopped: style('red', 'stopped'),
    left: style('yellow', 'not finished: the same command goes on'),
    paused: style('yellow', 'paused'),
    cancelled: style('yellow', 'cancelled'),
  }
  lines.push(`${words[outcome ?? 'left']}  ${formatNumberOf(report.rows, 'row')} in ${formatNumberOf(report.commits, 'commit')}`)
  for (const { at, ranges } of report.missing.slice(0, 10)) {
    lines.push(
      `  ${style('yellow', 'missing')} in the source: ${formatNumberOf(countOffsets(ranges), 'offset')} of ${printable(at.topic)}/${at.partition}`,
    )
  }
  if (bill.besides !== null && outcome === 'done') lines.push(...renameLines(bill, bill.besides))
  lines.push(...replacedLines(bill, outcome, following))
  for (const { at, reason } of report.stops)
    lines.push(`  ${style('red', 'stopped')}  ${printable(at.topic)}/${at.partition}: ${printable(reason)}`)
  return lines
}

/** What is left to do for a table that was made beside the live one: it knows where its tail begins. */
function renameLines({ table, topic }: BackfillBill, live: string): string[] {
  const name = table.slice(table.lastIndexOf('.') + 1)
  return [
    `${printable(table)} has what was asked for of ${printable(topic)}, up to when this began. Once it has all that it should have, of each topic of ${printable(live)}, name it in the document to put it in the live table's place:`,
    `  mappings: [{topic: ${printable(topic)}, table: ${printable(name)}}]`,
    `or stop the service, and rename both in your engine:`,
    `  ALTER TABLE ${printable(live)} RENAME TO ${printable(live)}_before;`,
    `  ALTER TABLE ${printable(table)} RENAME TO ${printable(live)};`,
    'Either way the service goes on where the backfill began, by the progress in the table.',
  ]
}

/** That main has what was made on the branch, and what it took to follow main until then. */
function replacedLines({ table, branch }: BackfillBill, outcome: BackfillDone['outcome'], following: BackfillDone['following']): string[] {
  if (branch === null || outcome !== 'done') return []
  const { gets = 0, lists = 0, bytes = 0 } = following ?? {}
  return [
    ...(gets + lists === 0
      ? []
      : [
          `Beside that, what main took up meanwhile was read: ${formatBytes(bytes)}, ${formatNumberOf(gets, 'GET')}, ${formatNumberOf(lists, 'LIST')}.`,
        ]),
    `${printable(table)} has what was made on branch ${printable(branch)}, which ended. What it had before stays until its snapshots expire.`,
  ]
}

/** The backfills that a table remembers. */
export function listLines(topic: string, backfills: readonly Backfill[]): string[] {
  const own = backfills.filter((one) => one.topic === topic)
  if (own.length === 0) return [`The table remembers no backfill of ${printable(topic)}.`]
  return tableLines<Backfill>(
    [
      { title: 'ID', cell: ({ id }) => id },
      { title: 'STATE', cell: ({ state }) => state },
      { title: 'BY', cell: ({ by }) => (by === 'service' ? 'the service' : 'a command') },
      { title: 'PARTITIONS', align: 'right', cell: ({ ranges }) => (ranges.size === 0 ? '' : formatCount(ranges.size)) },
      {
        title: 'OFFSETS',
        align: 'right',
        cell: ({ ranges }) =>
          ranges.size === 0 ? '' : formatCount([...ranges.values()].reduce((sum, one) => sum + countOffsets(one), 0n)),
      },
    ],
    own,
    (_, text) => text,
  )
}
