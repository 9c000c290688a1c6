import { dataDirectory } from '../../formats/iceberg/table-location.ts'
import type { TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import { noRequests } from '../../model/requests.ts'
import type { Catalog, CatalogProfile, CatalogRight, CreateTableRequest, LoadedTable, TableIdentifier } from '../../seams/catalog.ts'
import type { Clock } from '../../seams/clock.ts'
import type { Entropy } from '../../seams/entropy.ts'
import type { Journal } from '../../seams/journal.ts'
import type { Meter } from '../../seams/meter.ts'
import { ObjectNotFound } from '../../seams/object-store.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { mappingFor } from '../../spec/table-mapping.ts'
import { TableCommitter } from '../feed/committer.ts'
import { tableRequest } from '../feed/create-table.ts'
import { catalogAdvice, fileAdvice, type KeyOrigin } from '../../pipeline/doctor/advice.ts'
import { type Check, type CheckName, failed, messageOf, passed, skipped, warned } from '../../pipeline/doctor/check.ts'
import type { WatchedFiles } from '../../pipeline/doctor/watched-files.ts'

export interface ProbeSeams {
  readonly catalog: Catalog
  readonly io: WatchedFiles
  readonly clock: Clock
  readonly entropy: Entropy
  readonly journal: Journal
  readonly meter: Meter
}

/** What every probe table's name begins with. */
export const probePrefix = 'kafscale_doctor_'

/** What a step needs. */
type Rights = readonly [CatalogRight, ...CatalogRight[]]

const contents = new TextEncoder().encode('written by iceberg-processor doctor, which removes it\n')

/** What the steps know of the table by now. */
interface Probe {
  readonly table: TableIdentifier
  readonly name: string
  metadata: TableMetadata | null
  /** Metadata documents that the catalog named. */
  readonly documents: Set<string>
  keys: KeyOrigin
}

/** What makes a probe table: bytes, with neither partitions nor order, whose columns may be of values that are not there yet. Throws as `tableRequest` does. */
export function probeRequest(document: ProcessorDocument, name: string, profile: CatalogProfile): CreateTableRequest {
  const mapping = { ...mappingFor(document, name), partitionBy: [], sortBy: [] }
  return tableRequest(
    document,
    { namespace: document.spec.sink.database.split('.'), name },
    mapping,
    { format: 'binary' },
    noRequests,
    profile,
  )
}

/**
 * Does to a table of a name that nobody uses what `run` does to its own: creates it, writes a file with the access that will be used, reads
 * it, loads the table and commits an empty snapshot; then removes the files and drops the table, whatever went wrong before, also once `signal`
 * aborts. The namespace stays. Tells each step as it ends; never throws what catalog or store throw.
 */
export async function probeTable(
  document: ProcessorDocument,
  sourceId: string,
  seams: ProbeSeams,
  tell: (check: Check) => void,
  signal: AbortSignal,
): Promise<void> {
  const { catalog, io, entropy } = seams
  const name = `${probePrefix}${entropy.uuid().replaceAll('-', '').slice(0, 12)}`
  const table: TableIdentifier = { namespace: document.spec.sink.database.split('.'), name }
  const probe: Probe = {
    table,
    name: [...table.namespace, name].join('.'),
    metadata: null,
    documents: new Set(),
    keys: 'spec.sink.storage',
  }
  let blocked: string | null = null
  let wasCreated = false

  async function step(check: CheckName, rights: Rights, work: () => Promise<string>): Promise<boolean> {
    if (signal.aborted) blocked = 'stopped by a signal'
    if (blocked !== null) {
      tell(skipped(check, blocked))
      return false
    }
    try {
      tell(passed(check, await work()))
      return true
    } catch (error) {
      tell(error instanceof Skipped ? skipped(check, error.message) : failed(check, error, adviceFor(error, rights)))
      return false
    }
  }

  function adviceFor(error: unknown, rights: Rights): string[] {
    const failure = io.failureOf(error)
    if (failure === undefined) return catalogAdvice(error, rights, catalog.profile, document)
    const place = probe.metadata === null ? failure.uri : `${parentOf(probe.metadata.location)}/`
    return fileAdvice(error, failure.action, place, probe.keys, catalog.profile, document)
  }

  function take(loaded: LoadedTable): LoadedTable {
    probe.metadata = loaded.metadata
    if (loaded.config['s3.access-key-id'] !== undefined) probe.keys = 'the catalog'
    if (loaded.metadataLocation !== undefined) probe.documents.add(loaded.metadataLocation)
    for (const entry of loaded.metadata['metadata-log'] ?? []) probe.documents.add(entry['metadata-file'])
    return loaded
  }

  const hasNamespace = await step('namespace', ['createNamespace'], async () => {
    await catalog.ensureNamespace(table.namespace)
    return `${document.spec.sink.database} is there`
  })
  if (!hasNamespace) blocked ??= 'there is no namespace for a probe table'
  await step('create', ['createTable'], async () => {
    const request = probeRequest(document, name, catalog.profile)
    wasCreated = true
    const created = await catalog.createTable(table, request).catch((error: unknown) => {
      // Who is refused by the catalog has made nothing.
      if (error instanceof WorkError && (error.lacking === 'right' || error.lacking === 'identity') && io.failureOf(error) === undefined)
        wasCreated = false
      throw error
    })
    if (created.kind === 'exists') throw new WorkError(`${probe.name} exists already, though it was given a random name`, { retry: 'now' })
    const { location } = take(created.table).metadata
    return `${probe.name} at ${location}, with ${keysText(document, location, probe.keys)}`
  })
  if (probe.metadata === null) blocked ??= 'no probe table could be created'
  const canWrite = await fileSteps(probe, io, entropy, step)
  const load = async () => {
    const loaded = await catalog.loadTable(table, { fresh: true })
    if (loaded === null) throw new WorkError(`${probe.name} was there and does not exist any more`, { retry: 'never' })
    return take(loaded).metadata
  }
  const canLoad = await step(
    'load',
    ['load'],
    async () => `the table as it was created: format version ${(await load())['format-version']}`,
  )
  await step('commit', ['commit'], async () => {
    if (!canWrite) throw new Skipped('a commit writes files, and none can be written')
    if (!canLoad) throw new Skipped('who commits loads the table, which can not be loaded')
    const committer = new TableCommitter(sourceId, table, document.metadata.name, probe.metadata!, seams)
    const { state } = await committer.commit([], [], true)
    return `an empty snapshot, ${state.snapshotId}; the table has ${(await load()).snapshots?.length ?? 0}`
  })
  if (wasCreated) await cleanUp(probe, seams, adviceFor, tell)
}

/** A file beside where data files go, written and read back. Returns whether it was written. */
async function fileSteps(
  probe: Probe,
  io: WatchedFiles,
  entropy: Entropy,
  step: (check: CheckName, rights: Rights, work: () => Promise<string>) => Promise<boolean>,
): Promise<boolean> {
  const uri = () => `${dataDirectory(probe.metadata!)}/${fileName}`
  const fileName = `doctor-${entropy.uuid()}.parquet`
  const isWritten = await step('write', ['writeFiles'], async () => {
    await io.write(uri(), [contents])
    return `${contents.length} bytes, ${fileName}`
  })
  await step('read', ['readFiles'], async () => {
    if (!isWritten) throw new Skipped('no file was written')
    const bytes = await io.read(uri())
    if (Buffer.compare(bytes, contents) !== 0) throw new WorkError(`${uri()} has other bytes than were written`, { retry: 'never' })
    return 'the same bytes'
  })
  return isWritten
}

/** A step that has nothing to work on. */
class Skipped extends Error {}

/** Drops the table, then removes what is left of its files. What can not be removed is named. */
async function cleanUp(
  probe: Probe,
  { catalog, io }: ProbeSeams,
  adviceFor: (error: unknown, rights: Rights) => string[],
  tell: (check: Check) => void,
): Promise<void> {
  try {
    // Without metadata the answer to its creation may have been lost: it may be there all the same.
    const find = () => catalog.loadTable(probe.table, { fresh: true }).catch(() => undefined)
    if (probe.metadata !== null || (await find()) !== null) {
      await catalog.dropTable(probe.table)
      tell(passed('drop', `${probe.name} is gone`))
    }
  } catch (error) {
    if (probe.metadata === null) {
      tell(warned('drop', `whether ${probe.name} was created is not known: ${messageOf(error)}`, [`drop ${probe.name} if it is there`]))
    } else tell(failed('drop', `${probe.name} is left: ${messageOf(error)}`, [`drop ${probe.name}`, ...adviceFor(error, ['drop'])]))
    return
  }
  const files = [...io.written, ...[...probe.documents].filter((uri) => !io.written.has(uri))]
  if (files.length > 0) tell(await removeFiles(files, probe, catalog.profile.removesMetadata === true, io, adviceFor))
}

async function removeFiles(
  files: readonly string[],
  probe: Probe,
  isNeeded: boolean,
  io: WatchedFiles,
  adviceFor: (error: unknown, rights: Rights) => string[],
): Promise<Check> {
  const left: string[] = []
  let reason: unknown = null
  for (const uri of files) {
    try {
      await io.remove(uri)
    } catch (error) {
      // Who may not remove may see all the same that it is gone, or never was there.
      if (await isGone(uri, io)) continue
      left.push(uri)
      reason ??= error
    }
  }
  const need = isNeeded ? 'old metadata files of tables stay for want of it' : 'run does not need it'
  if (left.length === 0) return passed('remove', `the ${files.length} files of ${probe.name} are gone`)
  return warned('remove', `${left.length} files are left: ${messageOf(reason)}; ${need}`, [
    ...(isNeeded ? adviceFor(reason, ['writeFiles']) : []),
    ...left.map((uri) => `remove ${uri}`),
  ])
}

async function isGone(uri: string, io: WatchedFiles): Promise<boolean> {
  try {
    await io.read(uri, { start: 0, end: 1 })
    return false
  } catch (error) {
    return error instanceof ObjectNotFound
  }
}

/** Whose access to the files it is. */
function keysText(document: ProcessorDocument, location: string, keys: KeyOrigin): string {
  if (location.startsWith('file:')) return 'the rights of this process'
  if (keys === 'the catalog') return 'keys that the catalog gave'
  return document.spec.sink.storage.accessKeyId === undefined ? 'keys of the AWS credential chain' : "the document's keys"
}

function parentOf(uri: string): string {
  return uri.replace(/\/+$/, '').replace(/\/[^/]*$/, '')
}
