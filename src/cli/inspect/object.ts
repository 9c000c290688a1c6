import { stringifyJson } from '../../formats/json/exact.ts'
import { parseIndex, type SegmentIndex } from '../../formats/kfs/index.ts'
import { parseSegmentFileName } from '../../formats/kfs/segment-key.ts'
import { ObjectNotFound, type ObjectStore } from '../../seams/object-store.ts'
import type { ExitCode } from '../command.ts'
import { printable } from '../printable.ts'
import { tableLines } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { formatCount, formatNumberOf } from '../units.ts'
import { inspectSegment } from './segment-report.ts'
import { segmentJson, showFaults, showSegment } from './segment-text.ts'

/** How an object is to be shown. */
export interface ObjectOptions {
  /** Records to list; 0 for none. */
  readonly listed: number
  readonly json: boolean
}

/** Index entries listed for people; `--json` has all. */
const listedEntries = 200

/** Looks into one segment or index. Bytes that begin like neither are taken as what their name says, else as a segment. */
export async function inspectObject(
  store: ObjectStore,
  key: string,
  name: string,
  options: ObjectOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const bytes = await store.get(key)
  const fileName = parseSegmentFileName(key.slice(key.lastIndexOf('/') + 1))
  const magic = Buffer.from(bytes.subarray(0, 4)).toString('latin1')
  const isIndex = magic === 'IDX\0' || (magic !== 'KAFS' && key.endsWith('.index'))
  if (isIndex) {
    const index = parseIndex(bytes)
    if (options.json) terminal.out(stringifyJson({ ok: index.fault === null, kind: 'index', name, size: bytes.length, ...index }))
    else showIndex(index, name, bytes.length, terminal)
    return index.fault === null ? 0 : 1
  }
  const report = inspectSegment(bytes, { baseOffset: fileName?.baseOffset ?? null, listed: options.listed })
  const facts = { name, size: bytes.length, index: await indexOf(store, key) }
  if (options.json) terminal.out(stringifyJson(segmentJson(report, facts, options.listed)))
  else showSegment(report, facts, options.listed, terminal)
  return report.faults.length === 0 ? 0 : 1
}

async function indexOf(store: ObjectStore, key: string): Promise<SegmentIndex | null> {
  try {
    return key.endsWith('.kfs') ? parseIndex(await store.get(key.replace(/kfs$/, 'index'))) : null
  } catch (error) {
    if (error instanceof ObjectNotFound) return null
    throw error
  }
}

function showIndex({ entries, interval, fault }: SegmentIndex, name: string, size: number, terminal: Terminal): void {
  const { style } = terminal
  const facts = `${formatNumberOf(entries.length, 'entry', 'entries')}, one in ${formatNumberOf(interval, 'message')}`
  terminal.out(`${style('bold', printable(name))}  index, ${formatCount(size)} bytes · ${facts}`)
  if (entries.length > 0) {
    const columns = [
      { title: 'OFFSET', align: 'right' as const, cell: (entry: (typeof entries)[number]) => `${entry.offset}` },
      { title: 'POSITION', align: 'right' as const, cell: (entry: (typeof entries)[number]) => `${entry.position}` },
    ]
    terminal.out('')
    for (const line of tableLines(columns, entries.slice(0, listedEntries), style)) terminal.out(line)
  }
  if (entries.length > listedEntries) terminal.out(style('dim', `  and ${formatCount(entries.length - listedEntries)} more`))
  showFaults(fault === null ? [] : [fault], terminal)
}
