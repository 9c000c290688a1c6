import { snapshotById, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import type { TableRequirement, TableUpdate } from '../../formats/iceberg/table-update.ts'
import { WorkError } from '../../model/failure.ts'
import type { Catalog, TableIdentifier } from '../../seams/catalog.ts'
import type { Entropy } from '../../seams/entropy.ts'
import type { FileIO } from '../../seams/file-io.ts'
import type { Journal } from '../../seams/journal.ts'
import { findTableState } from '../../pipeline/commit/table-state.ts'
import { chooseExpired, type Expired, type ExpirySettings } from '../../pipeline/maintain/choose-expired.ts'
import { removeFiles } from '../../pipeline/maintain/remove-files.ts'
import { type FileKind, unreachedFiles } from '../../pipeline/maintain/unreached-files.ts'
import { type ComparedClocks, refuseClockAhead } from './clock-ahead.ts'
import { withUpkeepTime } from './upkeep-times.ts'
import { manifestListReader } from '../verify/looked-at.ts'

export interface ExpirerSeams extends ComparedClocks {
  readonly catalog: Catalog
  readonly io: FileIO
  readonly entropy: Entropy
  readonly journal: Journal
}

/** What an expiry took out of a table, or would. */
export interface ExpiryReport {
  readonly snapshots: readonly bigint[]
  /** Branches and tags that came to their own `max-ref-age-ms`. */
  readonly refs: readonly string[]
  /** Snapshots that stay. */
  readonly kept: number
  /** Files that nothing names any more, by what they are. */
  readonly files: Readonly<Record<FileKind, number>>
  /** Of those files, as far as the manifests tell. */
  readonly bytes: number
  /** To the object store, where nobody else commits in between: what was read, and what was written and removed or would be. */
  readonly requests: { readonly gets: number; readonly puts: number; readonly deletes: number }
  /** Files that could not be removed: the orphan sweep names them later. */
  readonly left: number
}

/** How often it is tried again after another commit came first, or an answer was lost. */
const maxAttempts = 5

/**
 * Takes snapshots out of a table's history, and then removes the files that none of those left names. Nothing is removed before the
 * catalog shows the table without those snapshots; what is then not removed, for whatever reason, is an orphan. The commit asserts that no
 * branch or tag has moved, so none can come to name a snapshot that goes. No writer's commit is hindered: it builds on the current
 * snapshot, which stays.
 *
 * `dryRun`: says what would go, and changes nothing. Throws a WorkError where the table is stopped or says `gc.enabled=false`, and where this
 * machine's clock can not tell what is old, which is compared with that of the source's store at `sourcePrefix`.
 */
export async function expireTable(
  table: TableIdentifier,
  settings: (metadata: TableMetadata) => ExpirySettings,
  seams: ExpirerSeams,
  { dryRun, sourcePrefix, signal }: { readonly dryRun: boolean; readonly sourcePrefix: string; readonly signal?: AbortSignal },
): Promise<ExpiryReport> {
  const name = [...table.namespace, table.name].join('.')
  let gets = 0
  const io: Pick<FileIO, 'read'> = {
    read(uri, range) {
      gets++
      return seams.io.read(uri, range)
    },
  }
  for (let attempt = 1; ; attempt++) {
    const before = await load(table, name, seams)
    const expired = await choose(name, before, settings(before), { ...seams, io })
    if (expired.snapshots.length === 0 && expired.refs.length === 0) return report(expired, before, gets)
    await refuseClockAhead(`table ${name}: no snapshot is expired`, sourcePrefix, seams)
    const after = dryRun ? without(before, expired) : await drop(table, name, before, expired, seams)
    if (after !== null) {
      try {
        const files = unreachedFiles(expired.snapshots, before, after, io)
        const removed = await removeFiles(files, dryRun ? null : seams.io, seams.journal, signal)
        const deletes = Object.values(removed.files).reduce((sum, count) => sum + count, removed.left)
        // Where this program itself keeps the metadata documents: to look for the table, to choose, to commit on, and to see that it is done.
        const own = seams.catalog.profile.removesMetadata === true ? 1 : 0
        return { ...report(expired, after, gets), ...removed, requests: { gets: gets + 4 * own, puts: own, deletes } }
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        const problem = dryRun ? 'what would go can not be told' : 'the snapshots are expired, and their files are left to the orphan sweep'
        throw new WorkError(`table ${name}: ${problem}: ${reason}`, { retry: 'later', cause: error })
      }
    }
    if (attempt === maxAttempts) {
      throw new WorkError(`table ${name}: expiry met other commits ${maxAttempts} times; it is tried again later`, { retry: 'later' })
    }
    await seams.clock.sleep(100 * 2 ** attempt, signal)
  }
}

async function load(table: TableIdentifier, name: string, { catalog }: ExpirerSeams): Promise<TableMetadata> {
  const loaded = await catalog.loadTable(table, { fresh: true })
  if (loaded === null) throw new WorkError(`table ${name} does not exist`, { retry: 'never' })
  return loaded.metadata
}

async function choose(
  name: string,
  metadata: TableMetadata,
  settings: ExpirySettings,
  { catalog, io, clock }: Pick<ExpirerSeams, 'catalog' | 'clock'> & { readonly io: Pick<FileIO, 'read'> },
): Promise<Expired> {
  if (catalog.profile.ownUpkeep !== undefined) {
    throw new WorkError(`table ${name}: ${catalog.profile.ownUpkeep} expires snapshots by itself`, { retry: 'never' })
  }
  if (metadata.properties?.['gc.enabled']?.toLowerCase() === 'false') {
    throw new WorkError(`table ${name} says gc.enabled=false: other tables may share its files, so no snapshot is expired`, {
      retry: 'never',
    })
  }
  if (metadata['format-version'] < 2) throw new WorkError(`table ${name} is of format version 1, which is not expired`, { retry: 'never' })
  // A table that is stopped keeps everything that may tell how it came to that.
  const { newest } = await findTableState(name, metadata, manifestListReader(io))
  // A history that is cut off before there is a snapshot of ours in it looks as if ours had been cut off with it.
  if (newest === null) return { snapshots: [], refs: [] }
  return chooseExpired(metadata, settings, newest['snapshot-id'], clock.now())
}

/** The metadata after the commit; null where it has to be tried again. */
async function drop(
  table: TableIdentifier,
  name: string,
  before: TableMetadata,
  { snapshots, refs }: Expired,
  seams: ExpirerSeams,
): Promise<TableMetadata | null> {
  const { catalog, clock, entropy, journal } = seams
  const ids = snapshots.map((one) => one['snapshot-id'])
  const requirements: TableRequirement[] = [
    { type: 'assert-table-uuid', uuid: before['table-uuid'] },
    ...Object.entries(before.refs ?? {}).map(([ref, named]): TableRequirement => ({
      type: 'assert-ref-snapshot-id',
      ref,
      'snapshot-id': named['snapshot-id'],
    })),
  ]
  const updates: TableUpdate[] = [
    ...refs.map((ref): TableUpdate => ({ action: 'remove-snapshot-ref', 'ref-name': ref })),
    ...(ids.length === 0 ? [] : [{ action: 'remove-snapshots', 'snapshot-ids': ids } as const]),
    ...(catalog.profile.propertiesInCommit
      ? [{ action: 'set-properties', updates: withUpkeepTime(before, 'expiry', clock.now()) } as const]
      : []),
  ]
  const outcome = await catalog.commitTable(table, { requirements, updates, idempotencyKey: entropy.uuidV7() })
  if (outcome.kind === 'refused') {
    throw new WorkError(`table ${name}: the catalog refused to expire snapshots: ${outcome.reason}`, {
      retry: 'later',
      lacking: outcome.lacking,
    })
  }
  if (outcome.kind !== 'committed') journal.info('expiry met another commit or had no answer', { table: name, reason: outcome.reason })
  if (outcome.kind === 'conflict') return null
  // Neither an answer that was lost nor one that confirms is believed: what counts is that the table no longer has the snapshots.
  const after = await load(table, name, seams)
  if (after['table-uuid'] !== before['table-uuid']) throw new WorkError(`table ${name} was created anew`, { retry: 'never' })
  return ids.some((id) => snapshotById(after, id) !== undefined) ? null : after
}

function without(metadata: TableMetadata, expired: Expired): TableMetadata {
  const gone = new Set(expired.snapshots.map((one) => one['snapshot-id']))
  const stays = (file: unknown) => !gone.has(BigInt((file as { 'snapshot-id': number | bigint })['snapshot-id']))
  const left = ['statistics', 'partition-statistics'].flatMap((key) => {
    const files = metadata[key]
    return Array.isArray(files) ? [[key, files.filter(stays)] as const] : []
  })
  return { ...metadata, ...Object.fromEntries(left), snapshots: metadata.snapshots?.filter((one) => !gone.has(one['snapshot-id'])) }
}

function report({ snapshots, refs }: Expired, after: TableMetadata, gets: number): ExpiryReport {
  return {
    snapshots: snapshots.map((one) => one['snapshot-id']),
    refs,
    kept: after.snapshots?.length ?? 0,
    files: { data: 0, deletes: 0, manifest: 0, manifestList: 0, statistics: 0 },
    bytes: 0,
    requests: { gets, puts: 0, deletes: 0 },
    left: 0,
  }
}
