import type { DocumentPlan, TablePlan, Work } from '../service/status/plan-report.ts'
import type { BackfillPlan } from '../service/backfill/service-backfills.ts'
import type { Money } from '../pipeline/backfill/bill.ts'
import type { OutlookColumn } from '../service/status/table-outlook.ts'
import type { PartitionNote } from '../service/status/tail-outlook.ts'
import { moneyText } from './money-text.ts'
import { printable } from './printable.ts'
import { paceText } from './pace-text.ts'
import { originText } from './origin-text.ts'
import { type Column, tableLines } from './table.ts'
import type { Style, Terminal } from './terminal.ts'
import { formatBytes, formatCount, formatDuration, formatNumberOf } from './units.ts'

/** Lines for stops, and for notes, of one table at most. */
const listedNotes = 10
/** Characters of a column's type. */
const longestType = 60

/** Writes plans for people. */
export function showPlans(plans: readonly DocumentPlan[], terminal: Terminal): void {
  for (const [i, plan] of plans.entries()) {
    if (i > 0) terminal.out('')
    terminal.out(terminal.style('bold', printable(plan.name)))
    if (plan.tables.length === 0) terminal.out('  no topic of the source matches yet')
    else showTables(plan, terminal)
  }
}

function showTables(plan: DocumentPlan, terminal: Terminal): void {
  const { style } = terminal
  for (const line of tableLines(tableColumns, plan.tables, style)) terminal.out(line)
  for (const table of plan.tables) {
    showNotes(table, terminal)
    for (const one of table.backfills) terminal.out(`  ${style('dim', 'backfill')}  ${printable(table.table)}: ${backfillText(one)}`)
  }
  terminal.out(`  ${totalText(plan)}`)
  for (const table of plan.tables) {
    terminal.out(`\n  ${style('bold', printable(table.table))}  ${style('dim', `columns: ${originText(table)}`)}`)
    if (table.partitionBy.length > 0) terminal.out(`  ${style('dim', `partitioned by ${printable(table.partitionBy.join(', '))}`)}`)
    if (table.columns.length > 0) for (const line of tableLines(columnColumns, table.columns, style)) terminal.out(line)
  }
}

const tableColumns: readonly Column<TablePlan>[] = [
  { title: 'TABLE', cell: ({ table }) => printable(table) },
  { title: 'NOW', cell: ({ metadata }) => (metadata === null ? 'would be made' : 'is there') },
  { title: 'OFFSETS DONE', align: 'right', cell: ({ decided }) => (decided === 0n ? '' : formatCount(decided)) },
  { title: 'TO DO', cell: toDoText },
  { title: 'PARTITIONS', align: 'right', cell: ({ work }) => countText(work.topicPartitions) },
  { title: 'SEGMENTS', align: 'right', cell: ({ work }) => countText(work.segments) },
  { title: 'BYTES', align: 'right', cell: ({ work }) => (work.bytes === 0 ? '' : formatBytes(work.bytes)) },
  { title: 'GETS', align: 'right', cell: ({ work }) => countText(work.gets) },
  { title: 'LISTS', align: 'right', cell: ({ work }) => countText(work.lists) },
  { title: 'TASKS', align: 'right', cell: ({ work }) => countText(work.tasks) },
  { title: 'COMMITS', align: 'right', cell: ({ work }) => aboutText(work.commits) },
  { title: 'FILES', align: 'right', cell: ({ work }) => aboutText(work.files) },
  { title: 'TIME', align: 'right', cell: ({ work }) => (work.tasks === 0 ? '' : `~${secondsText(work.seconds)}`) },
]

function toDoText({ stopped, work, readyInMs, value }: TablePlan): string {
  if (stopped !== null) return 'stopped'
  if (work.segments > 0) return 'read'
  if (readyInMs !== null) return `wait ${formatDuration(readyInMs)}`
  return value === null ? 'wait for a record' : 'nothing'
}

function countText(count: number): string {
  return count === 0 ? '' : formatCount(count)
}

function aboutText(count: number): string {
  return count === 0 ? '' : `~${formatCount(count)}`
}

/** Whole seconds, at least one: it is no measurement. */
function secondsText(seconds: number): string {
  return formatDuration(Math.max(1, Math.round(seconds)) * 1000)
}

function totalText(plan: DocumentPlan): string {
  const { total, money, commitIntervalSeconds } = plan
  const { topicPartitions, segments, bytes, gets, lists, tasks, puts, commits, files, fileBytes, seconds }: Work = total
  const looked = `${formatNumberOf(lists, 'LIST')} to see that`
  const isStopped = plan.tables.some(({ stopped, stops }) => stopped !== null || stops.length > 0)
  if (segments === 0) return `nothing to do now${isStopped ? ' but for what is stopped' : ''}; ${looked}`
  const read = `${formatNumberOf(segments, 'segment')} of ${formatNumberOf(topicPartitions, 'topic-partition')}, ${formatBytes(bytes)}`
  const requests = `${formatNumberOf(gets, 'GET')}, ${formatNumberOf(lists, 'LIST')} and about ${formatNumberOf(puts, 'PUT')}`
  const written = `about ${formatNumberOf(files, 'data file')} of ${formatBytes(fileBytes)} in all in about ${formatNumberOf(commits, 'commit')}, of each table one every ${formatDuration(commitIntervalSeconds * 1000)} at most`
  return `in all: ${read}; ${requests}; ${formatNumberOf(tasks, 'task')}; ${written}; about ${secondsText(seconds)} for one process, ${pacesText(plan.tables)}; ${costText(money)}`
}

/** What a backfill of the service would take. */
function backfillText({ id, topic, state, wanted, decided, work, pace, money, notBegun, outside }: BackfillPlan): string {
  const name = `${id} of ${printable(topic)}, ${state}`
  const untouched = notBegun.length === 0 ? '' : `; of ${formatNumberOf(notBegun.length, 'topic-partition')} the tail has read nothing yet`
  const empty = outside.length === 0 ? '' : `; of ${formatNumberOf(outside.length, 'topic-partition')} nothing lies between its times`
  const unknown = untouched + empty
  if (work.segments === 0) return `${name}: nothing to read${unknown}`
  const left = `${formatNumberOf(wanted - decided, 'offset')}${decided === 0n ? '' : ` of ${formatCount(wanted)}`}`
  const read = `${formatNumberOf(work.segments, 'segment')}, ${formatBytes(work.bytes)}`
  const requests = `${formatNumberOf(work.gets, 'GET')}, ${formatNumberOf(work.lists, 'LIST')} and about ${formatNumberOf(work.puts, 'PUT')}`
  const written = `about ${formatNumberOf(work.files, 'data file')} of ${formatBytes(work.fileBytes)} in all in about ${formatNumberOf(work.commits, 'commit')}`
  const time = `about ${secondsText(work.seconds)}, at ${formatBytes(work.bytes / work.seconds)} a second, ${paceText(pace)}`
  return `${name}: ${left} in ${read}; ${requests}; ${written}; ${time}; ${costText(money)}${unknown}`
}

/** What the time of tables with work was reckoned by. */
function pacesText(tables: readonly TablePlan[]): string {
  const [one, ...others] = tables.filter(({ work }) => work.segments > 0)
  if (others.length === 0) return `at ${formatBytes(one.work.bytes / one.work.seconds)} a second, ${paceText(one.pace)}`
  const measured = [one, ...others].filter(({ pace }) => pace.by === 'commits').length
  if (measured === 0) return 'by the speed of the benchmark: no commit of these tables tells yet'
  const all = others.length + 1
  return `by the speed of the last commits of ${measured === all ? 'each table' : `${measured} of ${all} tables, and of the benchmark`}`
}

function costText(money: Money): string {
  return `${moneyText(money.total, money)}, and ${moneyText(money.storagePerMonth, money)} a month for the files`
}

function showNotes({ table, stopped, stops, notes }: TablePlan, terminal: Terminal): void {
  const say = (style: Style, word: string, text: string) => terminal.out(`  ${terminal.style(style, word)}  ${printable(text)}`)
  if (stopped !== null) say('red', 'stopped', `${table}: ${stopped}`)
  const list = (style: Style, word: string, all: readonly PartitionNote[]) => {
    for (const { topic, partition, message } of all.slice(0, listedNotes)) say(style, word, `${topic}/${partition}: ${message}`)
    if (all.length > listedNotes) say(style, word, `${table}: and ${formatCount(all.length - listedNotes)} more`)
  }
  list('red', 'stopped', stops)
  list('yellow', 'note', notes)
}

const columnColumns: readonly Column<OutlookColumn>[] = [
  { title: 'COLUMN', cell: ({ name }) => printable(name) },
  { title: 'TYPE', cell: ({ type }) => cut(printable(type)) },
  { title: 'NULL', cell: ({ required }) => (required ? 'never' : '') },
  { title: 'FROM', cell: fromText },
]

function cut(text: string): string {
  return text.length <= longestType ? text : `${text.slice(0, longestType - 1)}…`
}

const sources = {
  topic: 'Kafka topic',
  partition: 'Kafka partition',
  offset: 'Kafka offset',
  timestamp: 'Kafka timestamp',
  key: 'Kafka key',
  headers: 'Kafka headers',
  value: 'the value, whole',
  rescue: 'what fits no other column',
  incarnation: 'which log, after a restart',
  recordId: 'topic:partition:offset',
} as const

function fromText({ role, path }: OutlookColumn): string {
  if (role === null) return 'nothing of ours'
  return role === 'field' ? printable(path ?? '') : sources[role]
}
