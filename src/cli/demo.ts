import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import type { ProcessorSeams } from '../service/feed/processor-seams.ts'
import { stringifyJson } from '../formats/json/exact.ts'
import { loadDocuments } from '../spec/load.ts'
import { demoJournal } from './demo/demo-journal.ts'
import { copySampleSegments } from './demo/demo-source.ts'
import { sampleTable } from './demo/demo-tables.ts'
import { showStatus } from './status-text.ts'
import { type Column, tableLines } from './table.ts'
import type { Terminal } from './terminal.ts'

const namespace = ['demo']
/** A table whose columns were inferred, and one whose columns the document declares. */
const inferredTable = 'g_gzip'
const declaredTable = 'g_none'
/** Rows of each that are shown. */
const shownRows = 4
/** Columns that are aligned as numbers are. */
const numbers = ['kafka_partition', 'kafka_offset', 'id', 'amount']
/** Characters of a value that are shown. */
const shownCharacters = 38

export interface DemoOptions {
  /** Where segments, catalog and tables go; made if it is not there. */
  readonly directory: string
  /** Print what came of it as one JSON object instead. */
  readonly json: boolean
}

/** The whole road on this machine, with nothing but files: sample segments, tables, a second run that adds nothing, and how to open the tables. */
export async function demo(options: DemoOptions, terminal: Terminal): Promise<{ ok: boolean }> {
  const directory = resolve(options.directory)
  const screen: Terminal = options.json ? { ...terminal, out: () => undefined } : terminal
  const title = (text: string) => screen.out(`\n${screen.style('bold', text)}`)

  await mkdir(directory, { recursive: true })
  const segments = await copySampleSegments(join(directory, 'segments'), Date.now())
  const file = join(directory, 'spec.yaml')
  await writeFile(file, document(directory))
  title(`The document (${relative(process.cwd(), file)})`)
  screen.out(indented(document(directory)))

  const { openDocument } = await import('../compose.ts')
  const { Processor } = await import('../service/feed/processor.ts')
  const { documentStatus } = await import('../service/status/status.ts')
  const [parsed] = loadDocuments(await readFile(file, 'utf8'), file, process.env)
  const opened = await openDocument(parsed, demoJournal(screen))
  try {
    const run = () => new Processor(parsed, opened.source, opened.seams).run(true, new AbortController().signal)
    title(`${segments} segments, written by KafScale's broker, become tables`)
    const first = await timed(run)
    screen.out(screen.style('dim', `  ${first.seconds} s`))
    title('Once more: all of it is decided, so nothing is read and nothing is written')
    const second = await timed(run)
    screen.out(screen.style('dim', `  ${second.seconds} s`))
    title('Status')
    const status = await documentStatus(parsed, opened.source, opened.seams)
    // Upkeep of tables that are a second old says nothing yet.
    const tables = status.tables.map((table) => ({ ...table, health: null, upkeep: [] }))
    showStatus([{ ...status, tables, queue: null, service: null, requests: {} }], Date.now(), screen)
    await showTables(screen, opened.seams, title)
    title('Open the tables')
    screen.out(indented(await howToOpen(directory, opened.seams)))
    const ok = first.ok && second.ok
    if (options.json) terminal.out(stringifyJson({ ok, directory, segments, status }))
    return { ok }
  } finally {
    await opened.close()
  }
}

async function timed(run: () => Promise<boolean>): Promise<{ ok: boolean; seconds: string }> {
  const startedMs = performance.now()
  const ok = await run()
  return { ok, seconds: ((performance.now() - startedMs) / 1000).toFixed(1) }
}

function document(directory: string): string {
  return `apiVersion: kafscale.io/v1
kind: IcebergProcessor
metadata: {name: demo}
spec:
  source:
    topics: ["g-*"]
    directory: ${JSON.stringify(join(directory, 'segments'))}
  sink:
    catalog:
      type: sql
      endpoint: ${JSON.stringify(`sqlite:${join(directory, 'catalog.db')}`)}
      warehouse: ${JSON.stringify(join(directory, 'warehouse'))}
    database: demo
  mappings:
    - topic: g-none                # the other topics' columns are inferred
      value:
        format: json
        columns:
          - {name: event_type, type: string}
          - {name: happened_at, type: timestamptz, unit: ms, path: $.event_ts_ms}
          - {name: amount, type: "decimal(12,2)"}
          - {name: device_os, type: string, path: $.device.os}
`
}

/** An inferred table beside a declared one, a few rows of each. */
async function showTables(terminal: Terminal, seams: ProcessorSeams, title: (text: string) => void): Promise<void> {
  const kafka = ['kafka_partition', 'kafka_offset']
  title(`Some rows of demo.${inferredTable}: its columns were inferred from a sample`)
  await showRows(inferredTable, [...kafka, 'id', 'event_type', 'event_time', 'amount', 'device', '_rescued'], terminal, seams)
  title(`Some rows of demo.${declaredTable}: its columns are declared; what has none is in _rescued`)
  await showRows(declaredTable, [...kafka, 'event_type', 'happened_at', 'amount', 'device_os', '_rescued'], terminal, seams)
}

async function showRows(name: string, names: readonly string[], terminal: Terminal, seams: ProcessorSeams): Promise<void> {
  const sample = await sampleTable({ namespace, name }, shownRows, seams)
  if (sample === null) return
  const columns: Column<Record<string, unknown>>[] = names.map((title) => ({
    title,
    ...(numbers.includes(title) && { align: 'right' as const }),
    cell: (row) => cell(row[title]),
  }))
  for (const line of tableLines(columns, sample.rows, terminal.style)) terminal.out(line)
}

function cell(value: unknown): string {
  const text = cellText(value)
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters - 1)}…` : text
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return new TextDecoder().decode(value).replaceAll(/\p{Cc}/gu, ' ')
  return typeof value === 'object' ? stringifyJson(value) : `${value as string | number | bigint}`
}

/** Commands to paste: both readers open what is on disk now. */
async function howToOpen(directory: string, seams: ProcessorSeams): Promise<string> {
  const sample = await sampleTable({ namespace, name: inferredTable }, 1, seams)
  return `PyIceberg (pip install 'pyiceberg[sql-sqlite,pyarrow]'):

  from pyiceberg.catalog import load_catalog
  catalog = load_catalog("default", type="sql", uri="sqlite:///${join(directory, 'catalog.db')}", warehouse="file://${join(directory, 'warehouse')}")
  print(catalog.load_table("demo.${inferredTable}").scan().to_arrow())

DuckDB:

  INSTALL iceberg; LOAD iceberg;
  SELECT event_type, count(*), sum(amount) FROM iceberg_scan('${(sample?.metadataLocation ?? '').replace(/^file:\/\//, '')}') GROUP BY 1;

This program:

  npx iceberg-processor status -f ${relative(process.cwd(), join(directory, 'spec.yaml'))}`
}

function indented(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n')
}
