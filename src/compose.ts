import { realpathSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { openCatalog } from './compose/catalogs.ts'
import { openFleet, type Role } from './compose/fleet.ts'
import { type DocumentFile, followDocuments } from './compose/follow-documents.ts'
import { partOf } from './compose/serve-role.ts'
import { type OpenedDocument, ServedDocument } from './compose/served-document.ts'
import { openServing } from './compose/serving.ts'
import { documentReport } from './compose/status-report.ts'
import { openGrantedStore, openSourceStore, openWarehouseStore } from './compose/stores.ts'
import { boundListing } from './compose/bound-heaps.ts'
import { openThreads } from './compose/threads.ts'
import { openWatermarks, passedOffsets } from './compose/watermarks.ts'
import { grantingCatalog } from './drivers/catalog/granting.ts'
import { meteringCatalog } from './drivers/catalog/metering.ts'
import { systemClock } from './drivers/clock/system.ts'
import { systemEntropy } from './drivers/entropy/system.ts'
import { grantedFiles } from './drivers/io/granted-files.ts'
import { uriFiles } from './drivers/io/uri-files.ts'
import { pinoJournal } from './drivers/journal/pino.ts'
import { countingMeter } from './drivers/meter/counting.ts'
import { inProcessQueue } from './drivers/queue/in-process.ts'
import { mainBranch } from './formats/iceberg/table-metadata.ts'
import { DocumentError } from './model/failure.ts'
import { meteringStore, meteringWarehouse } from './drivers/store/metering.ts'
import type { Prices } from './pipeline/backfill/bill.ts'
import { onBranch } from './service/backfill/branch-catalog.ts'
import { lookOnce } from './service/tasks/carry-out-tasks.ts'
import { rewritesAtOnce } from './service/tasks/limits.ts'
import { meteredTasks } from './service/tasks/metered-task.ts'
import { tablesOfSource } from './service/status/known-tables.ts'
import type { ProcessorSeams } from './service/feed/processor-seams.ts'
import type { SourceIdentity } from './model/source-identity.ts'
import { type DocumentPause, pauseTopics, refuseUnknownTopic } from './service/feed/pause-topics.ts'
import { type DocumentPlan, documentPlan } from './service/status/plan-report.ts'
import { nothingRemembered, type Remembered } from './service/feed/remembered.ts'
import { type Directions } from './service/feed/source-directions.ts'
import type { DocumentReport } from './service/status/status.ts'
import type { PassedOffsets } from './service/recover/assume-from-rows.ts'
import type { DocumentRecovery, RecoverOptions } from './service/recover/recovery.ts'
import type { DocumentVerification } from './service/verify/verifier.ts'
import type { VerifyOptions } from './service/verify/verify-options.ts'
import { type DocumentOutlook, documentOutlook } from './service/status/table-outlook.ts'
import type { TableOutcome } from './service/maintain/work-on-tables.ts'
import type { Journal } from './seams/journal.ts'
import type { Meter } from './seams/meter.ts'
import type { WarehouseStore } from './seams/object-store.ts'
import type { ProcessorDocument } from './spec/document.ts'
import { notYet } from './spec/not-yet.ts'
import type { MappedTable } from './spec/table-mapping.ts'
import { documentError } from './spec/problems.ts'
import { secretsIn } from './spec/secret.ts'

/** The composition root: the one place that knows which driver is which. */

const entropy = systemEntropy(systemClock)

export interface Opened {
  readonly source: SourceIdentity
  readonly seams: ProcessorSeams
  close(): Promise<void>
}

/**
 * Everything that a document names, opened; with `readOnly`, nothing that is missing is made. Throws a DocumentError for what `run` can
 * not do yet.
 */
export async function openDocument(
  document: ProcessorDocument,
  journal: Journal,
  meter: Meter = countingMeter(),
  readOnly = false,
): Promise<Opened> {
  refuseUnavailable(document)
  const stores = { clock: systemClock, entropy, meter }
  const metered = async (store: Promise<WarehouseStore>) => meteringWarehouse(await store, meter)
  const files = grantedFiles(
    uriFiles((bucket) => metered(openWarehouseStore(document, bucket, stores))),
    (access) => uriFiles((bucket) => metered(openGrantedStore(document, bucket, access, stores))),
    systemClock,
  )
  const granting = grantingCatalog(meteringCatalog(await openCatalog(document, files, readOnly), meter), files.grant)
  const { branch } = document.spec.sink.tables
  const catalog = branch === mainBranch ? granting : onBranch(granting, { name: branch, begins: 'as main' })
  const store = await openSourceStore(document, { clock: systemClock, entropy, meter })
  // Who only looks lists once.
  const watermarks = readOnly ? undefined : await openWatermarks(document, journal)
  const { processing } = document.spec
  const threads = openThreads(Math.min(processing.parallelism, availableParallelism()), rewritesAtOnce(processing))
  return {
    source: sourceIdentity(document),
    seams: {
      source: meteringStore(store, 'source', meter),
      catalog,
      io: files,
      queue: inProcessQueue(),
      carryOut: meteredTasks(threads.carryOut, meter, systemClock),
      rewrites: {
        catalog,
        namespace: document.spec.sink.database.split('.'),
        io: files,
        carryOut: threads.rewrite,
        atOnce: threads.rewritesAtOnce,
      },
      clock: systemClock,
      entropy,
      journal,
      meter,
      ...(watermarks !== undefined && { watermarks }),
    },
    async close() {
      await watermarks?.close()
      await threads.close()
      await store.close()
      await files.close()
      await catalog.close()
    },
  }
}

export interface RunOptions {
  /** What this process does for the documents. */
  readonly role: Role
  readonly once: boolean
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  /** Ends the work in good order. */
  readonly signal: AbortSignal
  /** Bounds that: what is not finished is given up. */
  readonly hurry?: AbortSignal
  readonly json: boolean
  /** Where metrics are served, whatever the documents say. */
  readonly metricsAddress?: string
  /** What is said of tables and sources that stopped. */
  readonly directions?: Directions
  /** Where the documents come from, for those that shall follow its changes. */
  readonly file?: DocumentFile
}

/** Serves documents side by side. `ok: false`: something was stopped, and the log says what. */
export async function runDocuments(documents: readonly ProcessorDocument[], options: RunOptions): Promise<{ ok: boolean }> {
  for (const document of documents) refuseUnavailable(document)
  refuseManySources(documents, options.directions)
  const seen = new Set(documents)
  const secrets = () => [...seen].flatMap((document) => secretsIn(document.spec).flatMap(({ secret }) => secret.known))
  const journal = pinoJournal({ level: options.logLevel, secrets })
  const serving = await openServing(documents, options.metricsAddress, secrets)
  for (const { address, port } of serving.addresses) journal.info('metrics, health and status are served', { address, port })
  const open = async (document: ProcessorDocument, remembered: Remembered): Promise<OpenedDocument> => {
    seen.add(document)
    const { source, seams, close } = await openDocument(document, journal, serving.meter(document))
    const fleet = await openFleet(document, source, journal).catch(async (error: unknown) => {
      // A changed document that is refused must leave nothing open, or the process does not end any more.
      await close()
      throw error
    })
    const shared =
      fleet === null
        ? {}
        : {
            queue: fleet.tasks,
            tasksAtOnce: fleet.tasksAtOnce,
            leases: fleet.leases,
            look: lookOnce(seams.catalog, document.spec.sink.database.split('.')),
          }
    const run: OpenedDocument['run'] = (signal, hurry) => {
      const part = partOf(options.role, document, source, { ...seams, ...shared }, fleet, { ...options, remembered })
      serving.watch(document, () => part.health())
      return part.run(signal, hurry)
    }
    return {
      run,
      async close() {
        await fleet?.close()
        await close()
      },
    }
  }
  const served = documents.map((document) => {
    const remembered = nothingRemembered()
    return new ServedDocument(document, (one) => open(one, remembered))
  })
  const ended = new AbortController()
  // A document that can not be served ends the others in good order: what they hold is finished, and then the error is told.
  const failed = new AbortController()
  const signal = AbortSignal.any([options.signal, failed.signal])
  const stop = AbortSignal.any([signal, ended.signal])
  const following =
    options.file === undefined ? Promise.resolve() : followDocuments(served, options.file, { clock: systemClock, journal }, stop)
  following.catch(() => failed.abort())
  const done = await Promise.allSettled(
    served.map(async (one) => {
      try {
        return await one.run(signal, options.hurry ?? new AbortController().signal)
      } catch (error) {
        failed.abort()
        throw error
      }
    }),
  )
  ended.abort()
  await following
  await serving.close()
  for (const result of done) if (result.status === 'rejected') throw result.reason
  return { ok: done.every((result) => result.status === 'fulfilled' && result.value) }
}

/** What is said of a source must not be taken for another one's. */
function refuseManySources(documents: readonly ProcessorDocument[], directions: Directions | undefined): void {
  const flag = directions?.sourceMoved == null ? directions?.sourceRestarted === true && '--source-restarted' : '--source-moved'
  const sources = new Set(documents.map((document) => sourceIdentity(document).id))
  if (typeof flag === 'string' && sources.size > 1) {
    throw new DocumentError(
      `${flag} is about one source, and the documents name ${[...sources].join(', ')}; run the document that is meant alone`,
    )
  }
}

/** How far the tables of documents have come; changes nothing. */
export function documentStatuses(documents: readonly ProcessorDocument[]): Promise<DocumentReport[]> {
  return lookInto(documents, documentReport)
}

/** The tables of the topics that documents' sources have; changes nothing. */
export function documentTables(documents: readonly ProcessorDocument[]): Promise<ReadonlyMap<string, MappedTable>[]> {
  return lookInto(documents, (document, source, seams) => tablesOfSource(document, source, seams.source))
}

/** What a run would do with documents now; changes nothing. */
export function documentPlans(documents: readonly ProcessorDocument[], prices: Prices): Promise<DocumentPlan[]> {
  return lookInto(documents, (document, source, seams) => {
    // Once it is open, which bounds the heap for those that carry out tasks.
    boundListing()
    return documentPlan(document, source, seams, prices)
  })
}

/** What the tables of documents are, or would be made with; of all of them, or of the one of this name. Changes nothing. */
export function documentOutlooks(documents: readonly ProcessorDocument[], table: string | undefined): Promise<DocumentOutlook[]> {
  return lookInto(documents, (document, source, seams) => documentOutlook(document, table, source, seams))
}

/**
 * Pauses or resumes topics, by requests in the tables: those that `wanted` names or matches, or all of the documents. Throws a
 * DocumentError where no document has such a topic.
 */
export async function pauseInDocuments(
  documents: readonly ProcessorDocument[],
  what: 'pause' | 'resume',
  wanted: string | undefined,
): Promise<DocumentPause[]> {
  // Only what is paused may need a table that is not there yet.
  const readOnly = what === 'resume'
  const done = await lookInto(documents, (document, source, seams) => pauseTopics(document, what, wanted, source, seams), readOnly)
  refuseUnknownTopic(wanted, done)
  return done
}

/** Sets the tables of documents against their sources; changes nothing. */
export async function documentVerifications(
  documents: readonly ProcessorDocument[],
  options: VerifyOptions,
): Promise<DocumentVerification[]> {
  const { verifyDocument } = await import('./service/verify/verifier.ts')
  const readOnly = options.accept === null && options.retract !== 'commit'
  return lookInto(documents, (document, source, seams) => verifyDocument(document, source, seams, options), readOnly)
}

/** What would be assumed of tables of which it is not known what was materialized; writes it where that was confirmed. */
export async function documentRecoveries(
  documents: readonly ProcessorDocument[],
  {
    passedPrefix,
    given,
    ...options
  }: Omit<RecoverOptions, 'passed' | 'isPassedWhole'> & { readonly passedPrefix: string | null; readonly given: PassedOffsets | null },
): Promise<DocumentRecovery[]> {
  const { recoverDocument } = await import('./service/recover/recovery.ts')
  const recover = async (document: ProcessorDocument, source: SourceIdentity, seams: ProcessorSeams) =>
    recoverDocument(document, source, seams, {
      ...options,
      passed: passedPrefix === null ? given : await passedOffsets(document, passedPrefix),
      isPassedWhole: given !== null,
    })
  return lookInto(documents, recover, !options.commit)
}

/** Does something with the tables of documents, one after the other. */
export async function workInDocuments<T>(
  documents: readonly ProcessorDocument[],
  work: (document: ProcessorDocument, source: SourceIdentity, seams: ProcessorSeams) => Promise<readonly TableOutcome<T>[]>,
): Promise<TableOutcome<T>[]> {
  const outcomes = await lookInto(documents, (...opened) => {
    // What looks through manifests is a stream of short-lived objects too.
    boundListing()
    return work(...opened)
  })
  return outcomes.flat()
}

/** Opens one document after the other, to look, and with `readOnly` make nothing that is missing. */
async function lookInto<T>(
  documents: readonly ProcessorDocument[],
  look: (document: ProcessorDocument, source: SourceIdentity, seams: ProcessorSeams) => Promise<T>,
  readOnly = true,
): Promise<T[]> {
  const seen: T[] = []
  for (const document of documents) {
    const opened = await openDocument(document, silentJournal, countingMeter(), readOnly)
    try {
      seen.push(await look(document, opened.source, opened.seams))
    } finally {
      await opened.close()
    }
  }
  return seen
}

/** For commands, which tell by themselves. */
export const silentJournal: Journal = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** What identifies a document's source in progress, and what stands before a topic in its keys. */
export function sourceIdentity(document: ProcessorDocument): SourceIdentity {
  const { s3, directory } = document.spec.source
  if (s3 !== undefined) return { id: `s3://${s3.bucket}/${s3.prefix}`, prefix: s3.prefix }
  const path = realPath(resolve(directory!))
  return { id: `${pathToFileURL(path).href.replace(/\/+$/, '')}/`, prefix: '' }
}

/** One directory has one name in progress, whatever link leads to it. */
function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

function refuseUnavailable(document: ProcessorDocument): void {
  const problems = notYet(document)
  if (problems.length > 0) throw documentError(problems.map((problem) => ({ ...problem, document: document.metadata.name })))
}
