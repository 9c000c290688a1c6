import { topicPartitionName } from '../model/topic-partition.ts'
import { countOffsets, formatRanges, type OffsetRanges } from '../model/offset-range.ts'
import type { PartitionStatus } from '../service/status/partition-status.ts'
import type { DocumentReport, TableStatus } from '../service/status/status.ts'
import type { TableHealth } from '../service/maintain/table-health.ts'
import { printable } from './printable.ts'
import { type Column, tableLines } from './table.ts'
import type { Terminal } from './terminal.ts'
import { formatBytes, formatCount, formatDuration, formatNumberOf, formatTime } from './units.ts'

/** Ranges listed one by one for a topic-partition; the rest is counted. */
const listedRanges = 5
/** Tasks that were set aside, and topic-partitions of one, that are named. */
const listedSetAside = 10

/** Writes statuses for people. */
export function showStatus(statuses: readonly DocumentReport[], nowMs: number, terminal: Terminal): void {
  for (const [i, { name, tables, ...others }] of statuses.entries()) {
    if (i > 0) terminal.out('')
    terminal.out(terminal.style('bold', printable(name)))
    if (tables.length === 0) terminal.out('  no topic of the source matches yet')
    else showTables(tables, nowMs, terminal)
    for (const [word, text] of othersText(others))
      terminal.out(`  ${terminal.style(word === 'note' ? 'yellow' : 'dim', word)}  ${printable(text)}`)
  }
}

/** What is asked of others than source and catalog, a line each. */
function* othersText({ queue, service, requests }: Omit<DocumentReport, 'name' | 'tables'>): Generator<[word: string, text: string]> {
  if (queue !== null && queue.away !== null) yield ['note', `the queue in Redis can not be asked: ${queue.away}`]
  else if (queue !== null) {
    const { depth, active, commits, setAside } = queue
    yield [
      'queue',
      `${formatNumberOf(depth, 'task waits', 'tasks wait')} for a worker, ${formatNumberOf(active, 'is', 'are')} carried out, ${formatNumberOf(commits, 'commit waits', 'commits wait')}, ${formatNumberOf(setAside.length, 'task was', 'tasks were')} set aside`,
    ]
    for (const { table, parts, reason } of setAside.slice(0, listedSetAside)) {
      const of = parts.slice(0, listedSetAside).map((at) => `${topicPartitionName(at)} from offset ${at.offset}`)
      yield ['note', `set aside: ${[table, ...of].join(' ')}: ${reason}`]
    }
  }
  if (service !== null && service.away !== null)
    yield ['note', `${service.address}: ${service.away}, so what the service counted is not known`]
  else if (service !== null) {
    const { gaps, overlaps, segmentsRewritten } = service.counted
    const seen = `${formatNumberOf(gaps, 'gap')}, ${formatNumberOf(overlaps, 'overlap')} and ${formatNumberOf(segmentsRewritten, 'rewritten segment')} seen`
    yield [
      'service',
      `${service.address}, since it began: ${seen}; ${formatNumberOf(service.queueDepth, 'task waits', 'tasks wait')} for a worker; requests: ${requestsText(service.counted.requests)}`,
    ]
  }
  if (Object.keys(requests).length > 0) yield ['requests', `of this command: ${requestsText(requests)}`]
}

function requestsText(requests: DocumentReport['requests']): string {
  return Object.entries(requests)
    .map(([kind, count]) => `${kind} ${formatCount(count)}`)
    .join(', ')
}

function showTables(tables: readonly TableStatus[], nowMs: number, terminal: Terminal): void {
  const { style } = terminal
  for (const line of tableLines(tableColumns(nowMs, terminal.width), tables, style)) terminal.out(line)
  for (const { table, paused, backfills, health, upkeep, leftOut, stopped, firstWaitingRead, firstWaitingNotRead } of tables) {
    if (health !== null) terminal.out(`  health  ${printable(table)}: ${healthText(health)}`)
    for (const { kind, due, reason } of upkeep)
      terminal.out(`  ${due ? style('cyan', 'due') : 'not due'}  ${printable(table)}: ${kind}: ${printable(reason)}`)
    if (paused.length > 0) terminal.out(`  ${style('yellow', 'paused')}  ${printable(table)}: ${printable(paused.join(', '))}`)
    for (const { id, topic, state, left } of backfills) {
      const what = `${printable(table)}: ${id} of ${printable(topic)}, ${state}: ${formatNumberOf(left, 'offset')} left`
      terminal.out(`  ${style('cyan', 'backfill')}  ${what}`)
    }
    if (leftOut !== null) terminal.out(`  ${style('red', 'left out')}  ${printable(table)}: ${printable(leftOut.reason)}`)
    if (stopped !== null) terminal.out(`  ${style('red', 'stopped')}  ${printable(table)}: ${printable(stopped)}`)
    if (firstWaitingRead + firstWaitingNotRead > 0) {
      const read = formatNumberOf(firstWaitingRead, 'segment was', 'segments were')
      const more = formatNumberOf(firstWaitingNotRead, 'other topic-partition')
      const rest = firstWaitingNotRead === 0 ? '' : `; not for ${more}, of which /readyz and the log of the service tell`
      terminal.out(
        `  ${style('yellow', 'note')}  ${printable(table)}: ${read} read to see why what waits longest is not in the table${rest}`,
      )
    }
  }
  const partitions = tables.flatMap(({ table, leftOut, partitions: own }) =>
    own.map((at, i) => ({ ...at, table: i === 0 ? table : '', isTold: at.stopped === leftOut?.reason })),
  )
  if (partitions.length === 0) return
  terminal.out('')
  for (const line of tableLines(partitionColumns(terminal.width), partitions, style)) terminal.out(line)
  for (const { topic, partition, holes, gaps, stopped, isTold } of partitions) {
    if (stopped !== null && !isTold) terminal.out(`  ${style('red', 'stopped')}  ${printable(`${topic}/${partition}: ${stopped}`)}`)
    for (const [what, ranges] of [['holes', holes] as const, ['gaps', gaps] as const]) {
      if (ranges.length > 0) terminal.out(`  ${style('yellow', what)} in ${printable(topic)}/${partition}: ${listRanges(ranges)}`)
    }
  }
}

function healthText({ dataFiles, dataBytes, filesAtTarget, deleteFiles, deleteRatio, ...one }: TableHealth): string {
  const parts: string[] = []
  if (dataFiles !== null && dataBytes !== null) {
    const atTarget = filesAtTarget === null || dataFiles === 0 ? '' : ` (${formatCount(filesAtTarget)} would do at the target size)`
    parts.push(`${formatNumberOf(dataFiles, 'file')}, ${formatBytes(dataBytes)}${atTarget}`)
  }
  if (deleteFiles !== null && deleteFiles > 0) {
    const rows = deleteRatio === null ? '' : ` (${(deleteRatio * 100).toFixed(1)} % of the rows)`
    parts.push(`${formatNumberOf(deleteFiles, 'delete file')}${rows}`)
  }
  if (one.manifests !== null) parts.push(formatNumberOf(one.manifests, 'manifest'))
  parts.push(formatNumberOf(one.snapshots, 'snapshot'))
  if (one.branchesAndTags > 0) parts.push(formatNumberOf(one.branchesAndTags, 'branch or tag', 'branches and tags'))
  parts.push(`${formatBytes(one.metadataBytes)} of metadata`)
  return parts.join(', ')
}

function tableColumns(nowMs: number, width: number): Column<TableStatus>[] {
  const columns: Column<TableStatus>[] = [
    { title: 'TABLE', cell: ({ table }) => printable(table) },
    { title: 'ROWS', align: 'right', cell: ({ rows }) => (rows === null ? '' : formatCount(rows)) },
    { title: 'RESCUED', align: 'right', cell: ({ rescuedRows }) => (rescuedRows ? formatCount(rescuedRows) : '') },
    {
      title: 'LAST COMMIT',
      cell({ exists, lastCommitMs }) {
        if (!exists) return 'no table yet'
        return lastCommitMs === null ? 'none yet' : `${formatDuration(Math.max(0, nowMs - lastCommitMs))} ago`
      },
    },
    {
      title: 'OLDEST LEFT',
      align: 'right',
      cell: ({ oldestUnmaterializedRecordAgeSeconds: age }) => (age === null ? '' : formatDuration(age * 1000)),
    },
    { title: 'MEAN FILE', align: 'right', cell: ({ meanDataFileBytes: mean }) => (mean === null ? '' : formatBytes(mean)) },
    { title: 'WATERMARK', cell: ({ watermarkMs }) => (watermarkMs === null ? '' : formatTime(watermarkMs)) },
    { title: 'SNAPSHOT', cell: ({ snapshotId }) => (snapshotId === null ? '' : `${snapshotId}`) },
  ]
  return columns.filter(({ title }) => width >= wideColumns || title !== 'SNAPSHOT')
}

/** From this width on, everything is shown; below, what the other columns tell as well is left out. `--json` has it all. */
const wideColumns = 120

function partitionColumns(width: number): Column<PartitionStatus & { readonly table: string }>[] {
  return everyPartitionColumn.filter(({ title }) => width >= wideColumns || title !== 'END')
}

const everyPartitionColumn: readonly Column<PartitionStatus & { readonly table: string }>[] = [
  { title: 'TABLE', cell: ({ table }) => printable(table) },
  { title: 'TOPIC', cell: ({ topic }) => printable(topic) },
  { title: 'PARTITION', align: 'right', cell: ({ partition }) => `${partition}` },
  { title: 'NEXT', align: 'right', cell: ({ next }) => (next === null ? '–' : `${next}`) },
  { title: 'END', align: 'right', cell: ({ endOffset }) => (endOffset === null ? '–' : `${endOffset}`) },
  { title: 'BEHIND', align: 'right', cell: behindSegments },
  { title: 'OFFSETS', align: 'right', cell: behindOffsets },
  { title: 'BYTES', align: 'right', cell: ({ lagBytes }) => (lagBytes ? formatBytes(lagBytes) : '') },
  { title: 'TIME', align: 'right', cell: ({ lagSeconds }) => (lagSeconds ? formatDuration(lagSeconds * 1000) : '') },
  { title: 'HOLES', align: 'right', cell: ({ holes }) => (holes.length === 0 ? '' : formatCount(countOffsets(holes))) },
  { title: 'GAPS', align: 'right', cell: ({ gaps }) => (gaps.length === 0 ? '' : formatCount(countOffsets(gaps))) },
]

function behindSegments({ inSource, lagSegments, stopped }: PartitionStatus): string {
  if (stopped !== null) return 'stopped'
  if (!inSource) return 'no segment'
  if (lagSegments === null) return '–'
  return lagSegments === 0 ? 'up to date' : formatNumberOf(lagSegments, 'segment')
}

function behindOffsets({ lagOffsets }: PartitionStatus): string {
  return lagOffsets ? formatCount(lagOffsets) : ''
}

function listRanges(ranges: OffsetRanges): string {
  const more = ranges.length - listedRanges
  const rest = more > 0 ? ` and ${formatCount(more)} more` : ''
  return `${formatRanges(ranges.slice(0, listedRanges))}${rest} (${formatNumberOf(countOffsets(ranges), 'offset')})`
}
