import type { VerifyOptions, VerifySeams } from './verify-options.ts'
import type { ManifestFile } from '../../formats/iceberg/data-file.ts'
import { currentSnapshot, type Snapshot, snapshotById, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import { currentId } from '../../model/incarnation.ts'
import { progressOf } from '../../model/progress.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import type { MappedTable } from '../../spec/table-mapping.ts'
import { ancestorsOf, findTableState, isOurs, type TableState } from '../../pipeline/commit/table-state.ts'
import { TableCommitter } from '../feed/committer.ts'
import { kafkaColumns, manifestListReader } from './looked-at.ts'
import { acceptMissing, retract } from './offset-notes.ts'
import { knownTables } from '../status/known-tables.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import type { Finding } from '../../pipeline/verify/finding.ts'
import { maxFindings } from '../../pipeline/verify/findings.ts'
import { noCounts, type TableVerification } from '../../pipeline/verify/verification.ts'
import type { TableUnderTest } from './table-under-test.ts'
import { verifyRows } from './table-verifier.ts'

/** One document's tables, verified. */
export interface DocumentVerification {
  /** The document's name. */
  readonly name: string
  readonly tables: readonly TableVerification[]
}

/** How often a table is looked at anew when files went while they were read, since somebody rewrote them. */
const maxLooks = 3

/**
 * Verifies the tables of a document against its source; changes nothing but, with `accept`, what the table says was accepted. Throws what
 * the stores and the catalog throw.
 */
export async function verifyDocument(
  document: ProcessorDocument,
  source: SourceIdentity,
  seams: VerifySeams,
  options: VerifyOptions,
): Promise<DocumentVerification> {
  const tables: TableVerification[] = []
  for (const { name, ...mapped } of await knownTables(document, options.table ?? undefined, source, seams)) {
    tables.push(await verifyTable(name, mapped, document, source, seams, options))
  }
  return { name: document.metadata.name, tables }
}

async function verifyTable(
  name: string,
  mapped: MappedTable,
  document: ProcessorDocument,
  source: SourceIdentity,
  seams: VerifySeams,
  options: VerifyOptions,
): Promise<TableVerification> {
  const identifier = { namespace: document.spec.sink.database.split('.'), name }
  const table = [...identifier.namespace, name].join('.')
  let snapshot: bigint | null = null
  const none = { newlyAccepted: null, retraction: null, problem: null }
  const nothing = { table, exists: true, counts: noCounts, findings: [], unlisted: 0, facts: [], notes: [], reading: null, ...none }
  try {
    for (let look = 1; ; look++) {
      const loaded = await seams.catalog.loadTable(identifier)
      if (loaded === null) return { ...nothing, exists: false, snapshot: null }
      const opened = await openTable(table, loaded.metadata, mapped, document, source, seams)
      if (opened === null) return { ...nothing, snapshot: null }
      snapshot = opened.snapshot['snapshot-id']
      const { filesGone, ...verified } = await verifyRows(opened, seams, options)
      // Files that a rewrite replaced may be removed while they are read.
      if (filesGone && look < maxLooks && (await hasMoved(identifier, snapshot, seams))) continue
      const verification = { table, exists: true, snapshot, ...verified, ...none }
      if (verified.unlisted > 0 && (options.retract !== null || options.accept !== null))
        return { ...verification, problem: tooMany(table) }
      const committer = () => new TableCommitter(source.id, identifier, document.metadata.name, loaded.metadata, seams)
      if (options.retract !== null) {
        if (filesGone && options.retract === 'commit') return { ...verification, problem: filesMissing(table) }
        return await retractIn(verification, snapshot, opened.source.id, options.retract === 'commit' ? committer() : null)
      }
      const accepted = options.accept === null ? undefined : snapshotById(loaded.metadata, options.accept)
      return accepted === undefined ? verification : await acceptIn(verification, accepted, opened.source.id, committer())
    }
  } catch (error) {
    if (!(error instanceof WorkError)) throw error
    return { ...nothing, snapshot, problem: error.message }
  }
}

/** Has the table say that what `snapshot` stands for is accepted, and leaves it out of what is reported. */
async function acceptIn(
  verification: TableVerification,
  snapshot: Snapshot,
  sourceId: string,
  committer: TableCommitter,
): Promise<TableVerification> {
  const id = snapshot['snapshot-id']
  const isMeant = ({ kind, snapshot: by }: Finding) => (isOurs(snapshot) ? kind === 'gap' : kind === 'missing' && by === id)
  const { findings, counts } = verification
  const meant = findings.filter(isMeant)
  const newlyAccepted = meant.reduce((sum, { start, end }) => sum + end - start, 0n)
  if (meant.length > 0) {
    const sets = meant.map((finding) => ({ source: sourceId, at: finding, ranges: [[finding.start, finding.end]] as const }))
    await acceptMissing(committer, isOurs(snapshot) ? null : id, progressOf(sets))
  }
  const left = findings.filter((finding) => !isMeant(finding))
  return { ...verification, newlyAccepted, findings: left, counts: { ...counts, accepted: counts.accepted + newlyAccepted } }
}

/** What is not known can not be noted. */
function tooMany(table: string): string {
  return `table ${table}: nothing was noted, since there are more than ${maxFindings} findings: look at its parts, one after another (--topic with --partition, --from and --to)`
}

/** Data files that are gone may come back, and their rows with them. */
function filesMissing(table: string): string {
  return `table ${table}: nothing was retracted, since data files are gone that it still names; restore them, or take them out of the table first`
}

/** Has the table forget that missing rows were decided, so that they are materialized again; without a committer tells what that would be. */
async function retractIn(
  verification: TableVerification,
  snapshot: bigint,
  sourceId: string,
  committer: TableCommitter | null,
): Promise<TableVerification> {
  const { findings } = verification
  const missing = findings.filter(({ kind }) => kind === 'missing')
  const offsets = missing.reduce((sum, { start, end }) => sum + end - start, 0n)
  if (committer === null || missing.length === 0) return { ...verification, retraction: { offsets, done: false } }
  const sets = missing.map((finding) => ({ source: sourceId, at: finding, ranges: [[finding.start, finding.end]] as const }))
  await retract(committer, snapshot, progressOf(sets))
  return { ...verification, findings: findings.filter(({ kind }) => kind !== 'missing'), retraction: { offsets, done: true } }
}

async function hasMoved(identifier: { namespace: string[]; name: string }, snapshot: bigint, seams: VerifySeams): Promise<boolean> {
  const loaded = await seams.catalog.loadTable(identifier)
  return loaded === null || currentSnapshot(loaded.metadata)?.['snapshot-id'] !== snapshot
}

/** What is looked at of a table; null: it has no snapshot yet. */
async function openTable(
  table: string,
  metadata: TableMetadata,
  { mapping }: MappedTable,
  document: ProcessorDocument,
  source: SourceIdentity,
  seams: VerifySeams,
): Promise<TableUnderTest | null> {
  const manifestListOf = manifestListReader(seams.io)
  const state: TableState = await findTableState(table, metadata, manifestListOf)
  const snapshot = currentSnapshot(metadata)
  if (snapshot === null) return null
  return {
    table,
    metadata,
    mapping,
    state,
    snapshot,
    // What is set against the source is the log that it has now; rows of logs before it are known by their progress.
    source: { ...source, id: currentId(state.progress, source.id) },
    history: ancestorsOf(metadata).ancestors,
    columns: kafkaColumns(table, metadata, mapping.kafkaColumns),
    processing: document.spec.processing,
    oldMessageFormats: document.spec.source.oldMessageFormats,
    manifestsOf: async (one): Promise<readonly ManifestFile[] | null> => (await manifestListOf(one))?.manifests ?? null,
  }
}
