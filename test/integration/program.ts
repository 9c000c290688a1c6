import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { inject } from 'vitest'
import { openDocument } from '../../src/compose.ts'
import { memoryJournal } from '../../src/drivers/journal/memory.ts'
import { countingMeter } from '../../src/drivers/meter/counting.ts'
import type { TableMetadata } from '../../src/formats/iceberg/table-metadata.ts'
import { segmentKey } from '../../src/formats/kfs/segment-key.ts'
import { writeSegment } from '../../src/formats/kfs/write.ts'
import { type NewRecord, writeBatch } from '../../src/formats/kafka/write.ts'
import { Processor } from '../../src/service/feed/processor.ts'
import type { ProcessorSeams } from '../../src/service/feed/processor-seams.ts'
import { type Directions, noDirections } from '../../src/service/feed/source-directions.ts'
import type { Catalog, LoadedTable } from '../../src/seams/catalog.ts'
import type { ProcessorDocument } from '../../src/spec/document.ts'
import { loadDocuments } from '../../src/spec/load.ts'
import type { ReaderCatalog } from './readers.ts'
import { s3Client, type S3Endpoint } from './servers.ts'

/** Where tables go: as the document's `spec.sink` says it, and as the readers open it. */
export interface Place {
  readonly sink: { readonly catalog: object; readonly storage?: object }
  readonly reader: ReaderCatalog
}

/** A SQLite catalog in a directory, its tables beside it. */
export function sqliteOnFiles(directory: string): Place {
  const uri = join(directory, 'catalog.db')
  const warehouse = `file://${directory}/warehouse`
  return { sink: { catalog: { type: 'sql', endpoint: `sqlite:${uri}`, warehouse } }, reader: { type: 'sql', uri, warehouse } }
}

/** A SQLite catalog in a directory, its tables under a prefix of the shared bucket. */
export function sqliteOnS3(directory: string, prefix: string): Place {
  const uri = join(directory, 'catalog.db')
  const warehouse = `s3://${inject('bucket')}/${prefix}`
  const s3 = inject('s3')
  return {
    sink: { catalog: { type: 'sql', endpoint: `sqlite:${uri}`, warehouse }, storage: s3Settings(s3) },
    reader: { type: 'sql', uri, warehouse, s3 },
  }
}

/** The Iceberg project's own REST catalog, with its warehouse in the shared bucket. */
export function restOnS3(): Place {
  const s3 = inject('s3')
  const uri = inject('restCatalogUri')
  return { sink: { catalog: { type: 'rest', endpoint: uri }, storage: s3Settings(s3) }, reader: { type: 'rest', uri, s3 } }
}

/** How a document names an S3 server. */
export function s3Settings({ endpoint, region, accessKeyId, secretAccessKey }: S3Endpoint): object {
  return { endpoint, region, accessKeyId, secretAccessKey, pathStyle: true }
}

/** What a test's document says; the rest is as short as a test wants it. */
export interface DocumentParts {
  readonly place: Place
  readonly source: object
  readonly database: string
  readonly name?: string
  readonly tables?: object
  readonly mappings?: readonly object[]
  readonly processing?: object
  readonly queue?: object
  readonly metrics?: object
}

/** The document as JSON text, which the command line reads as well. */
export function documentText({
  place,
  source,
  database,
  name = 'interop',
  tables,
  mappings,
  processing,
  queue,
  metrics,
}: DocumentParts): string {
  return JSON.stringify({
    apiVersion: 'kafscale.io/v1',
    kind: 'IcebergProcessor',
    metadata: { name },
    spec: {
      source: { topics: ['*'], graceSeconds: 0, ...source },
      sink: { ...place.sink, database, ...(tables && { tables }) },
      processing: { parallelism: 2, ...processing },
      // Most tests compare values as bytes.
      mappings: mappings ?? [{ topic: '*', value: { format: 'binary' } }],
      queue,
      metrics,
    },
  })
}

/** The document, checked and with its defaults. */
export function documentOf(parts: DocumentParts): ProcessorDocument {
  return loadDocuments(documentText(parts), 'document.json', {})[0]
}

/** What one run came to. */
export interface Run {
  /** What the command line makes its exit code of: whether nothing was stopped. */
  readonly ok: boolean
  readonly totals: ReadonlyMap<string, number>
  /** The errors in the journal, each with its table. */
  readonly errors: string
}

/** `run --once` in this process, with its counts and its journal at hand; `seams` replaces some of what the document opens. */
export function runOnce(
  document: ProcessorDocument,
  seams: Partial<ProcessorSeams> = {},
  directions: Partial<Directions> = {},
): Promise<Run> {
  return run(document, seams, true, new AbortController().signal, directions)
}

/** `run` in this process until `signal` aborts. */
export function runUntil(signal: AbortSignal, document: ProcessorDocument, seams: Partial<ProcessorSeams> = {}): Promise<Run> {
  return run(document, seams, false, signal)
}

async function run(
  document: ProcessorDocument,
  seams: Partial<ProcessorSeams>,
  once: boolean,
  signal: AbortSignal,
  directions: Partial<Directions> = {},
): Promise<Run> {
  const meter = countingMeter()
  const journal = memoryJournal()
  const opened = await openDocument(document, journal, meter)
  try {
    const ok = await new Processor(document, opened.source, { ...opened.seams, ...seams }, { ...noDirections, ...directions }).run(
      once,
      signal,
    )
    const errors = journal.lines
      .filter(({ level }) => level === 'error')
      .map(({ message, fields }) => `${message}: ${String(fields['table'])}: ${String(fields['error'] ?? fields['reason'])}`)
    return { ok, totals: meter.totals(), errors: errors.join('\n') }
  } finally {
    await opened.close()
  }
}

/** Records to write: what is not given is null, none, or a time in 2026. */
export type SomeRecord = Partial<NewRecord>

/** Writes one segment of one batch into a directory with the bucket's layout. */
export async function addSegment(
  directory: string,
  at: { readonly topic: string; readonly partition: number },
  baseOffset: bigint,
  records: readonly SomeRecord[],
): Promise<void> {
  const whole = records.map((record): NewRecord => ({ timestampMs: 1_767_225_600_000n, key: null, value: null, headers: [], ...record }))
  const batch = writeBatch({ baseOffset, codec: 'none', records: whole })
  const { segment, index } = writeSegment({ baseOffset, batches: [batch], createdMs: 1_767_225_600_000 })
  for (const [extension, bytes] of [
    ['kfs', segment],
    ['index', index],
  ] as const) {
    const path = join(directory, segmentKey('', at, baseOffset, extension))
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, bytes)
  }
}

/** Puts all files under a directory into a bucket of its own name, under their paths; the bucket is made. */
export async function uploadDirectory(s3: S3Endpoint, bucket: string, directory: string): Promise<string[]> {
  const client = s3Client(s3)
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const keys = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
  for (let i = 0; i < keys.length; i += 16) {
    await Promise.all(
      keys
        .slice(i, i + 16)
        .map(async (key) => client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: await readFile(join(directory, key)) }))),
    )
  }
  client.destroy()
  return keys
}

/** The document's catalog, for a test's own look; closed afterwards. */
export async function withCatalog<T>(document: ProcessorDocument, use: (catalog: Catalog) => Promise<T>): Promise<T> {
  const opened = await openDocument(document, memoryJournal())
  try {
    return await use(opened.seams.catalog)
  } finally {
    await opened.close()
  }
}

/** A table as the document's catalog has it now. Throws where there is no such table. */
export async function loadTable(document: ProcessorDocument, name: string): Promise<LoadedTable> {
  const loaded = await withCatalog(document, (catalog) => catalog.loadTable({ namespace: document.spec.sink.database.split('.'), name }))
  if (loaded === null) throw new Error(`there is no table ${name}`)
  return loaded
}

/** Its metadata. */
export async function loadMetadata(document: ProcessorDocument, name: string): Promise<TableMetadata> {
  return (await loadTable(document, name)).metadata
}
