import { formatCrc } from '../../formats/bytes/crc32c.ts'
import { lastOffsetOf } from '../../formats/kafka/batch-header.ts'
import type { SegmentIndex } from '../../formats/kfs/index.ts'
import type { Fault } from '../../model/failure.ts'
import { endOf, formatRanges } from '../../model/offset-range.ts'
import { displayWidth, printable } from '../printable.ts'
import { type Column, tableLines } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { formatCount, formatNumberOf, formatSpan, formatTime } from '../units.ts'
import { controlText, type ListedRecord, preview, recordJson } from './records.ts'
import type { BatchReport, SegmentReport } from './segment-report.ts'

/** The index beside a segment: null where there is none. */
export interface SegmentFacts {
  readonly name: string
  readonly size: number
  readonly index: SegmentIndex | null
}

/** Batches listed for people; `--json` has all. */
const listedBatches = 200
const listedFaults = 50
/** Columns of a terminal. */
const widestKey = 28
const narrowestValue = 30

/** Writes what a segment holds for people. */
export function showSegment(report: SegmentReport, { name, size, index }: SegmentFacts, listed: number, terminal: Terminal): void {
  const { style } = terminal
  const { header, footer } = report
  const line = (title: string, text: string) => terminal.out(`  ${style('dim', title.padEnd(8))}  ${text}`)

  terminal.out(`${style('bold', printable(name))}  segment, ${formatCount(size)} bytes`)
  line('header', header === null ? style('red', 'unreadable') : headerText(header))
  line(
    'footer',
    footer === null ? style('red', 'missing or unreadable') : `last offset ${footer.lastOffset} · body CRC ${crcText(report, terminal)}`,
  )
  line('index', index === null ? style('yellow', 'missing: without it the segment does not count') : indexText(index, terminal))
  line('records', recordsText(report))
  if (report.gaps.length > 0) line('gaps', `${formatRanges(report.gaps.slice(0, 10))}${report.gaps.length > 10 ? ' …' : ''}`)
  if (report.batches.length > 0) {
    terminal.out('')
    for (const text of tableLines(batchColumns(terminal), report.batches.slice(0, listedBatches), style)) terminal.out(text)
    andMore(report.batches.length - listedBatches, 'batch', 'batches', terminal)
  }
  if (listed > 0 && report.records.length > 0) {
    terminal.out('')
    for (const text of tableLines(recordColumns(report.records, terminal.width), report.records, style)) terminal.out(text)
    andMore(report.recordCount - report.records.length, 'record', 'records', terminal)
  }
  showFaults(report.faults, terminal)
}

/** Writes faults, each with its place. */
export function showFaults(faults: readonly (Fault & { readonly key?: string })[], terminal: Terminal): void {
  if (faults.length > 0) terminal.out('')
  for (const { key, kind, position, offset, message } of faults.slice(0, listedFaults)) {
    const place = `${key === undefined ? '' : `${printable(key)}, `}byte ${position}, offset ${offset}`
    terminal.out(`  ${terminal.style('red', `fault (${kind})`)} at ${place}: ${printable(message)}`)
  }
  andMore(faults.length - listedFaults, 'fault', 'faults', terminal)
}

function andMore(count: number, noun: string, plural: string, terminal: Terminal): void {
  if (count > 0) terminal.out(terminal.style('dim', `  and ${formatNumberOf(count, noun, plural)} more`))
}

function headerText({ baseOffset, messageCount, createdMs, flags }: NonNullable<SegmentReport['header']>): string {
  const odd = flags === 0 ? '' : ` · flags ${flags}`
  return `base offset ${baseOffset} · ${formatNumberOf(messageCount, 'message')} · created ${formatTime(createdMs)}${odd}`
}

function crcText({ footer, bodyCrc }: SegmentReport, { style }: Terminal): string {
  if (footer?.bodyCrc === bodyCrc) return `${formatCrc(bodyCrc)} ${style('green', 'ok')}`
  return `${formatCrc(footer?.bodyCrc ?? 0)} ${style('red', `wrong: the bytes have ${formatCrc(bodyCrc)}`)}`
}

function indexText({ entries, interval, fault }: SegmentIndex, { style }: Terminal): string {
  if (fault !== null) return style('red', `fault (${fault.kind}) at byte ${fault.position}: ${fault.message}`)
  return `${formatNumberOf(entries.length, 'entry', 'entries')}, one in ${formatNumberOf(interval, 'message')}`
}

function recordsText({ recordCount, repeatedCount, ranges }: SegmentReport): string {
  const end = endOf(ranges)
  if (end === undefined) return formatCount(recordCount)
  const repeated = repeatedCount === 0 ? '' : ` · ${formatCount(repeatedCount)} with an offset that repeats`
  return `${formatCount(recordCount)} · offsets ${formatSpan(ranges[0][0], end - 1n)}${repeated}`
}

/** A cell of a batch whose header can be believed. */
function of(cell: (header: NonNullable<BatchReport['header']>) => string): (batch: BatchReport) => string {
  return ({ header }) => (header === null ? '' : cell(header))
}

function batchColumns({ style }: Terminal): Column<BatchReport>[] {
  return [
    { title: 'POSITION', align: 'right', cell: ({ position }) => `${position}` },
    { title: 'BYTES', align: 'right', cell: ({ length }) => (length === 0 ? '?' : formatCount(length)) },
    { title: 'OFFSETS', cell: of((header) => formatSpan(header.baseOffset, lastOffsetOf(header))) },
    { title: 'RECORDS', align: 'right', cell: of(({ recordCount }) => formatCount(recordCount)) },
    { title: 'CODEC', cell: of(({ codec }) => codec) },
    { title: 'NEWEST TIMESTAMP', cell: of(({ maxTimestampMs }) => formatTime(maxTimestampMs)) },
    { title: 'PRODUCER', cell: of(producerText) },
    { title: 'ATTRIBUTES', cell: of(attributesText) },
    {
      title: 'CRC',
      cell: ({ header, fault }) => (header !== null ? style('green', 'ok') : style('red', fault?.kind === 'crc' ? 'wrong' : '?')),
    },
  ]
}

function producerText({ producerId, producerEpoch, baseSequence }: NonNullable<BatchReport['header']>): string {
  return producerId < 0n ? '' : `${producerId}/${producerEpoch}/${baseSequence}`
}

function attributesText(header: NonNullable<BatchReport['header']>): string {
  const words = [header.timestampType === 'LogAppendTime' && 'append-time', header.isTransactional && 'txn', header.isControl && 'control']
  return words.filter((word) => word !== false).join(', ')
}

function recordColumns(records: readonly ListedRecord[], width: number): Column<ListedRecord>[] {
  const fixed: Column<ListedRecord>[] = [
    { title: 'OFFSET', align: 'right', cell: ({ offset }) => `${offset}` },
    { title: 'TIMESTAMP', cell: ({ timestampMs }) => formatTime(timestampMs) },
    { title: 'HEADERS', align: 'right', cell: ({ headers }) => (headers.length === 0 ? '' : `${headers.length}`) },
    { title: 'KEY', cell: ({ key, isControl }) => (isControl ? '' : preview(key, widestKey)) },
  ]
  // The value takes what the others leave.
  const taken = displayWidth(tableLines(fixed, records, (_style, text) => `${text}|`)[0])
  const room = Math.max(narrowestValue, width - taken - 1)
  return [...fixed, { title: 'VALUE', cell: ({ key, value, isControl }) => (isControl ? controlText(key) : preview(value, room)) }]
}

/** The same for programs: every number exact, bytes in base64. */
export function segmentJson(report: SegmentReport, { name, size, index }: SegmentFacts, listed: number): unknown {
  const { footer, records, ...rest } = report
  return {
    ok: report.faults.length === 0,
    kind: 'segment',
    name,
    size,
    ...rest,
    footer: footer === null ? null : { ...footer, bodyCrcOk: footer.bodyCrc === report.bodyCrc },
    index,
    ...(listed > 0 && { records: records.map(recordJson) }),
  }
}
