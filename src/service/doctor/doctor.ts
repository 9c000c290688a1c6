import type { TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import type { OldMessages } from '../../formats/kafka/old-messages.ts'
import { frameSegment } from '../../formats/kfs/segment.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import { WorkError } from '../../model/failure.ts'
import { noRequests } from '../../model/requests.ts'
import type { Catalog } from '../../seams/catalog.ts'
import type { Clock } from '../../seams/clock.ts'
import type { FileIO } from '../../seams/file-io.ts'
import type { ObjectStore } from '../../seams/object-store.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { type MappedTable, tablesFor } from '../../spec/table-mapping.ts'
import { isGlob } from '../../spec/topic-glob.ts'
import { declaredValue } from '../../spec/value-column.ts'
import { checkTableName } from '../../pipeline/commit/profile-checks.ts'
import { tableRequest } from '../feed/create-table.ts'
import { refuseUnknownRows } from '../feed/refuse-unknown-rows.ts'
import { catalogAdvice, storeAdvice } from '../../pipeline/doctor/advice.ts'
import { type Check, type CheckName, failed, messageOf, passed, skipped } from '../../pipeline/doctor/check.ts'
import { documentChecks } from '../../pipeline/doctor/document-checks.ts'
import { etcdCheck, queueCheck, queueFailure, type QueueFacts } from '../../pipeline/doctor/service-checks.ts'
import { clockCheck, segmentCheck, topicsCheck } from '../../pipeline/doctor/source-checks.ts'
import { limitsOf } from '../tasks/limits.ts'
import { acceptSegments } from '../../pipeline/plan/accept-segments.ts'
import { discoverPartitions } from '../../pipeline/plan/discover-partitions.ts'
import { listSegments } from '../../pipeline/plan/list-segments.ts'
import { probePrefix, probeRequest, type ProbeSeams, probeTable } from './probe-table.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'

/** What a document names, opened when it is asked for: what can not be opened is a finding like any other. */
export interface DoctorTools {
  openSource(): Promise<ObjectStore>
  /** `isMissing`: the catalog is a file that is not there, and is not to be made now. */
  openSink(): Promise<ProbeSeams & { readonly isMissing: boolean; close(): Promise<void> }>
  /** Absent where the document names none. */
  readonly askQueue?: () => Promise<QueueFacts>
  readonly askEtcd?: () => Promise<readonly { readonly endpoint: string; readonly error: string | null }[]>
  /** Listens where metrics will be served, and stops again. */
  readonly metrics?: { readonly address: string; listen(): Promise<void> }
  readonly clock: Clock
}

export interface DoctorOptions {
  /** Leaves out what creates, writes and drops. */
  readonly readOnly: boolean
  /** Ends it early; what was made is removed all the same. */
  readonly signal: AbortSignal
  /** Told of each line as soon as it is known. */
  readonly tell: (check: Check) => void
}

/** Topic-partitions in which a segment is looked for, and objects of each that are listed. */
const maxPartitions = 16
const maxObjects = 1000
/** Tables that are there already and are loaded. */
const maxTables = 16

/** Checks everything that a document names, one after the other; what fails does not keep the rest from being checked. */
export async function examineDocument(
  document: ProcessorDocument,
  source: SourceIdentity,
  tools: DoctorTools,
  { readOnly, signal, tell }: DoctorOptions,
): Promise<void> {
  for (const check of documentChecks(document)) tell(check)
  const partitions = await examineSource(document, source, tools, tell)
  await examineSink(document, source, partitions, tools, { readOnly, signal, tell })
  await examineServices(tools, tell)
}

async function examineSource(
  document: ProcessorDocument,
  { id, prefix }: SourceIdentity,
  { openSource, clock }: DoctorTools,
  tell: (check: Check) => void,
): Promise<readonly TopicPartition[]> {
  const { topics, graceSeconds, oldMessageFormats, s3 } = document.spec.source
  let current: CheckName = 'source'
  const rest = new Set<CheckName>(['source', ...(s3 === undefined ? [] : ['clock' as const]), 'topics', 'segment'])
  const say = (check: Check): void => {
    rest.delete(check.check)
    tell(check)
  }
  let partitions: readonly TopicPartition[] = []
  let store: ObjectStore | undefined
  try {
    store = await openSource()
    const beforeMs = clock.now()
    const dateMs = await firstPage(store, prefix)
    const afterMs = clock.now()
    say(passed('source', `${id} can be listed`))
    if (s3 !== undefined) say(clockCheck(dateMs, beforeMs, afterMs))
    current = 'topics'
    partitions = await discoverPartitions(store, prefix, topics)
    say(topicsCheck(partitions, topics, id))
    current = 'segment'
    const old = oldMessageFormats === 'convert' ? limitsOf(document.spec.processing) : null
    say(await readOneSegment(store, prefix, partitions, graceSeconds * 1000, old))
  } catch (error) {
    say(failed(current, error, storeAdvice(error, current === 'segment' ? 's3:GetObject' : 's3:ListBucket', id, 'spec.source.s3')))
    for (const check of rest) tell(skipped(check, 'the source can not be read'))
  } finally {
    await store?.close()
  }
  return partitions
}

/** The store's own time, with the first page of a listing. */
async function firstPage(store: ObjectStore, prefix: string): Promise<number> {
  for await (const { dateMs } of store.list({ prefix, delimiter: '/' })) return dateMs
  return NaN
}

async function readOneSegment(
  store: ObjectStore,
  prefix: string,
  partitions: readonly TopicPartition[],
  graceMs: number,
  old: OldMessages,
): Promise<Check> {
  for (const at of partitions.slice(0, maxPartitions)) {
    const { objects, listedAtMs } = await listSegments(store, prefix, at, null, { maxBytes: Infinity, maxObjects })
    const [segment] = acceptSegments(objects, listedAtMs, graceMs).segments
    if (segment === undefined) continue
    const bytes = await store.get(segment.key)
    return segmentCheck(segment.key, bytes.length, frameSegment(bytes, segment, old))
  }
  return skipped('segment', 'no segment is ready to be read yet')
}

async function examineSink(
  document: ProcessorDocument,
  source: SourceIdentity,
  partitions: readonly TopicPartition[],
  { openSink }: DoctorTools,
  { readOnly, signal, tell }: DoctorOptions,
): Promise<void> {
  const { catalog: settings, database } = document.spec.sink
  let seams: Awaited<ReturnType<DoctorTools['openSink']>>
  try {
    seams = await openSink()
  } catch (error) {
    tell(failed('catalog', error))
    return
  }
  const { catalog } = seams
  try {
    const probe = refusalOf(() => probeRequest(document, `${probePrefix}0`, catalog.profile))
    const listed = await catalog.listTables(database.split('.')).catch((error: unknown) => {
      // A name that is none here is answered with a refusal: whoever refuses is there, and knows who asks.
      if (probe !== null && error instanceof WorkError && error.lacking === undefined && error.retry === 'never') return null
      throw error
    })
    const existing = listed ?? []
    const answers = `${settings.endpoint} answers${listed === null ? '' : `; tables in ${database}: ${listed.length}`}`
    tell(passed('catalog', seams.isMissing ? `${settings.endpoint} is not there yet; run makes it` : answers))
    const names = nameChecks(document, partitions, existing, catalog)
    for (const check of probe === null || names.some(({ result }) => result === 'failed') ? names : [failed('names', probe)]) tell(check)
    for (const check of await tableChecks(document, partitions, existing, seams)) tell(check)
    if (readOnly) tell(skipped('create', 'nothing is created, written or dropped with --read-only'))
    else if (probe !== null) tell(skipped('create', 'what is said of names and types keeps every table from being created'))
    else await probeTable(document, source.id, seams, tell, signal)
  } catch (error) {
    tell(failed('catalog', error, catalogAdvice(error, ['list'], catalog.profile, document)))
    tell(skipped('create', 'the catalog can not be used'))
  } finally {
    await seams.close()
  }
}

function refusalOf(work: () => unknown): Error | null {
  try {
    work()
    return null
  } catch (error) {
    return error as Error
  }
}

/** Whether the catalog takes the names of the tables, and the columns of those that are not there yet as far as the document says them. */
function nameChecks(
  document: ProcessorDocument,
  partitions: readonly TopicPartition[],
  existing: readonly string[],
  { profile }: Catalog,
): Check[] {
  const { database } = document.spec.sink
  let mapped: ReadonlyMap<string, MappedTable>
  try {
    mapped = mappedTables(document, partitions)
  } catch (error) {
    return [failed('names', error)]
  }
  const checks: Check[] = []
  for (const [name, { mapping }] of mapped) {
    const table = { namespace: database.split('.'), name }
    try {
      checkTableName(table, profile)
      if (existing.includes(name)) continue
      tableRequest(document, table, mapping, declaredValue(mapping.value) ?? { format: 'binary' }, noRequests, profile)
    } catch (error) {
      // The database's name is the same in each.
      if (!checks.some(({ found }) => found === messageOf(error))) checks.push(failed('names', error))
    }
  }
  if (checks.length > 0) return checks
  const count = `${mapped.size} ${mapped.size === 1 ? 'table' : 'tables'}`
  return [mapped.size === 0 ? skipped('names', 'no table is known yet') : passed('names', `${count}: names and declared columns are taken`)]
}

function mappedTables(document: ProcessorDocument, partitions: readonly TopicPartition[]): ReadonlyMap<string, MappedTable> {
  const named = document.spec.source.topics.filter((topic) => !isGlob(topic))
  return tablesFor(document, new Set([...named, ...partitions.map(({ topic }) => topic)]))
}

/** Whether tables that are there already can be loaded: who may do everything with a table of its own may lack rights in those of others. */
async function tableChecks(
  document: ProcessorDocument,
  partitions: readonly TopicPartition[],
  existing: readonly string[],
  { catalog, io }: Pick<ProbeSeams, 'catalog' | 'io'>,
): Promise<Check[]> {
  let mapped: ReadonlyMap<string, MappedTable>
  let names: string[]
  try {
    mapped = mappedTables(document, partitions)
    names = [...mapped.keys()].filter((name) => existing.includes(name)).slice(0, maxTables)
  } catch {
    // Told of with the names.
    return []
  }
  const unknown: Check[] = []
  for (const name of names) {
    try {
      const loaded = await catalog.loadTable({ namespace: document.spec.sink.database.split('.'), name }, { fresh: true })
      if (loaded !== null) unknown.push(...(await unknownRows(name, loaded.metadata, mapped.get(name)!, partitions, io)))
    } catch (error) {
      return [failed('tables', error, catalogAdvice(error, ['load'], catalog.profile, document))]
    }
  }
  return names.length === 0 ? [] : [passed('tables', `${names.join(', ')} can be loaded`), ...unknown]
}

/** A failed line where `run` would refuse a table for the rows that others wrote to it. */
async function unknownRows(
  name: string,
  metadata: TableMetadata,
  { topics, mapping }: MappedTable,
  partitions: readonly TopicPartition[],
  io: Pick<FileIO, 'read'>,
): Promise<Check[]> {
  try {
    const own = partitions.filter(({ topic }) => topics.includes(topic))
    await refuseUnknownRows(name, metadata, mapping, own, io)
    return []
  } catch (error) {
    if (!(error instanceof WorkError)) throw error
    return [failed('tables', error)]
  }
}

async function examineServices({ askQueue, askEtcd, metrics }: DoctorTools, tell: (check: Check) => void): Promise<void> {
  if (askQueue !== undefined) tell(await askQueue().then(queueCheck, queueFailure))
  if (askEtcd !== undefined) {
    tell(await askEtcd().then(etcdCheck, (error: unknown) => etcdCheck([{ endpoint: 'etcd', error: messageOf(error) }])))
  }
  if (metrics !== undefined) {
    const outcome = await metrics.listen().then(
      () => passed('metrics', `${metrics.address} is free`),
      (error: unknown) => failed('metrics', error),
    )
    tell(outcome)
  }
}
