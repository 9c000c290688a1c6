import { createHash } from 'node:crypto'
import type { ManifestList } from '../../formats/iceberg/manifest-list.ts'
import { refSnapshotId, type Snapshot, snapshotById, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import { formatRanges } from '../../model/offset-range.ts'
import { type DecidedSet, decidedSets, noProgress, type Progress, progressBeyond, progressOf, unionProgress } from '../../model/progress.ts'
import { noRequests, type Requests } from '../../model/requests.ts'
import { excusing, type Retraction } from '../../model/retraction.ts'
import type { Frontiers } from '../../model/segment.ts'
import { decodeSpeed, type Speed } from '../../model/speed.ts'
import { topicPartitionName } from '../../model/topic-partition.ts'
import { decodeFrontiers, decodeProgress } from './progress-text.ts'
import { decodeRequests } from './requests-text.ts'
import { formatVersion, knownVersions, notesVersion, summaryKeys } from './summary-keys.ts'

/** What the table says of its own making, as of one snapshot. */
export interface TableState {
  /** The snapshot that a commit must find as its parent; null on an empty table. */
  readonly snapshotId: bigint | null
  readonly progress: Progress
  readonly frontiers: Frontiers
  /** What lies below the starts of topic-partitions of which history is decided (`startOf`). */
  readonly leftOut: Progress
  /** Offsets that `onError: skip` left out, where there are many also some between them (`withoutRowWith`); null where not all our snapshots tell. */
  readonly skipped: Progress | null
  /** Offsets of control records, the same way; not those that an older program decided. */
  readonly control: Progress
  readonly watermarkMs: number | null
  /** Records of which a value went into the rescue column, in all our snapshots; null where not all of them tell. */
  readonly rescuedRows: bigint | null
  /** How fast tasks were, over the last commits that tell; null: none does. */
  readonly speed: Speed | null
  readonly requests: Requests
  /** Offsets without a row about which somebody said that this is known and meant: `verify` does not report them. */
  readonly accepted: Progress
  /** What was taken out of the progress and is not decided again yet; null: nothing. */
  readonly retraction: Retraction | null
  /** Our newest snapshot in this history; null before the first. */
  readonly newest: Snapshot | null
}

/** The state of a table that was just created. */
export const emptyState: TableState = {
  snapshotId: null,
  progress: noProgress,
  frontiers: new Map(),
  leftOut: noProgress,
  skipped: noProgress,
  control: noProgress,
  watermarkMs: null,
  rescuedRows: 0n,
  speed: null,
  requests: noRequests,
  accepted: noProgress,
  retraction: null,
  newest: null,
}

/** Reads a manifest list; null where the file can not be read. */
export type ReadManifestList = (snapshot: Snapshot) => Promise<ManifestList | null>

/**
 * Finds progress: from the current snapshot of main back over other writers' snapshots to our newest one.
 *
 * Throws a WorkError (`retry: never`) that stops the table, rather than guess: where our newest snapshot's progress can not be read,
 * where history ends at an expired snapshot before one of ours is met, and where a snapshot of ours that is no ancestor has decided
 * more than the current history (a rollback, a replaced table, a moved branch).
 *
 * `judged`: our snapshots beside the history that had decided no more than it when they were looked at; they are not looked at again, and new
 * ones are added. Expiry thins a history out, so there may be many. Good as long as the table's progress only grows.
 */
export async function findTableState(
  table: string,
  metadata: TableMetadata,
  readManifestList: ReadManifestList,
  judged: Set<bigint> = new Set(),
): Promise<TableState> {
  const { ancestors, endsAtMissing } = ancestorsOf(metadata)
  const newest = ancestors.find(isOurs) ?? null
  const snapshotId = refSnapshotId(metadata)
  const state =
    newest === null
      ? {
          ...emptyState,
          requests: requestsOf(table, metadata.properties ?? {}, 'the properties'),
          ...stateWithoutSnapshot(table, metadata, endsAtMissing || isCutOff(metadata, ancestors)),
          snapshotId,
        }
      : { ...(await stateOf(table, newest, readManifestList)), snapshotId }
  await refuseRollback(table, metadata, ancestors, state, readManifestList, judged)
  return state
}

/** The table was rolled back or replaced: going on would materialize rows again that somebody took away. */
export class RolledBack extends WorkError {}

/** A newer program wrote the progress: it is known, and not to this program, so that nothing may be assumed in its place. */
export class NewerProgress extends WorkError {}

/**
 * What the current history alone says, of a table that `findTableState` stopped as rolled back: what is committed on top of it goes on
 * from there. What was asked last stays asked, and our snapshots beside the history are abandoned from now on.
 */
export async function stateAfterRollback(table: string, metadata: TableMetadata, readManifestList: ReadManifestList): Promise<TableState> {
  const { ancestors, endsAtMissing } = ancestorsOf(metadata)
  const newest = ancestors.find(isOurs)
  if (newest === undefined && endsAtMissing) throw stop(table, cutOff)
  const state = newest === undefined ? emptyState : await stateOf(table, newest, readManifestList)
  return { ...state, snapshotId: refSnapshotId(metadata), requests: abandoningRequests(table, metadata) }
}

/** What was asked last of a table, with our snapshots beside its history, or before now in it, abandoned. */
export function abandoningRequests(table: string, metadata: TableMetadata): Requests {
  const lastAsked = (metadata.snapshots ?? []).filter(isOursHere).reduce<Snapshot | undefined>(later, undefined)
  const asked =
    lastAsked === undefined
      ? requestsOf(table, metadata.properties ?? {}, 'the properties')
      : requestsOf(table, lastAsked.summary, `snapshot ${lastAsked['snapshot-id']}`)
  return { ...asked, abandonedUpTo: metadata['last-sequence-number'] }
}

/**
 * What our snapshots beside the history, and the copy in the properties, know to be decided and the history does not: what a rollback lost. What
 * the history itself says is abandoned, or was taken back, is not lost by it.
 */
export async function lostByRollback(table: string, metadata: TableMetadata, readManifestList: ReadManifestList): Promise<DecidedSet[]> {
  const { ancestors } = ancestorsOf(metadata)
  const newest = ancestors.find(isOurs)
  const { progress, requests, retraction } = newest === undefined ? emptyState : await stateOf(table, newest, readManifestList)
  let lost = progressOf(progressBeyond(progressOfProperty(table, metadata) ?? noProgress, progress))
  for (const snapshot of besideHistory(metadata, ancestors, requests)) {
    const known = progressOfSnapshot(table, snapshot, await readManifestList(snapshot))
    const had = excusing(progress, retraction, snapshot['sequence-number'] ?? 0n)
    lost = unionProgress(lost, progressOf(progressBeyond(known, had)))
  }
  return decidedSets(lost)
}

/** Our snapshots beside the history that nobody has said to be abandoned. */
function besideHistory(metadata: TableMetadata, ancestors: readonly Snapshot[], { abandonedUpTo }: Requests): Snapshot[] {
  const history = new Set(ancestors.map((snapshot) => snapshot['snapshot-id']))
  return (metadata.snapshots ?? []).filter(
    (snapshot) =>
      isOursHere(snapshot) &&
      !history.has(snapshot['snapshot-id']) &&
      (abandonedUpTo === null || (snapshot['sequence-number'] ?? 0n) > abandonedUpTo),
  )
}

/** The newest of our snapshots that are not in the history, as those from before a table was replaced; null where there is none. */
export function ourLastBeside(metadata: TableMetadata): Snapshot | null {
  return besideHistory(metadata, ancestorsOf(metadata).ancestors, noRequests).reduce<Snapshot | undefined>(later, undefined) ?? null
}

function later(one: Snapshot | undefined, other: Snapshot): Snapshot {
  return one === undefined || (other['sequence-number'] ?? 0n) > (one['sequence-number'] ?? 0n) ? other : one
}

/** Whether a commit of ours with this id is in the history of main. */
export function hasCommit(metadata: TableMetadata, commitId: string): boolean {
  return ancestorsOf(metadata).ancestors.some((snapshot) => snapshot.summary[summaryKeys.commitId] === commitId)
}

/** The snapshots of main, newest first, as far as the metadata still has them. */
export function ancestorsOf(metadata: TableMetadata): { ancestors: Snapshot[]; endsAtMissing: boolean } {
  const ancestors: Snapshot[] = []
  const seen = new Set<bigint>()
  let id = refSnapshotId(metadata)
  while (id !== null && id !== -1n && !seen.has(id)) {
    seen.add(id)
    const snapshot = snapshotById(metadata, id)
    if (snapshot === undefined) return { ancestors, endsAtMissing: true }
    ancestors.push(snapshot)
    id = snapshot['parent-snapshot-id'] ?? null
  }
  return { ancestors, endsAtMissing: false }
}

/**
 * PyIceberg's expiry clears the parent id of what it leaves, so a history that does not begin with the table's first snapshot was cut
 * off too, unless all snapshots that are older are there: then they were made on branches. A table that was replaced begins anew in the same
 * way, with our snapshots still beside its history.
 */
function isCutOff({ snapshots = [] }: TableMetadata, ancestors: readonly Snapshot[]): boolean {
  const first = ancestors.at(-1)?.['sequence-number'] ?? 0n
  const older = snapshots.filter((one) => (one['sequence-number'] ?? 0n) < first).length
  return first > 1n && BigInt(older) < first - 1n && !snapshots.some(isOurs)
}

export function isOurs(snapshot: Snapshot): boolean {
  return snapshot.summary[summaryKeys.commitId] !== undefined
}

/** Beside a history, what was made on another branch tells nothing about it. */
function isOursHere(snapshot: Snapshot): boolean {
  return isOurs(snapshot) && snapshot.summary[summaryKeys.branch] === undefined
}

const fromItsRows =
  'If it has rows of the source, as after CREATE OR REPLACE … AS SELECT, `recover --from-rows` shows what they tell and goes on from there'

const cutOff =
  'its history was expired back to before our newest snapshot, and no copy of the progress is in its properties, so what was materialized is not known. ' +
  '`recover --from-rows` shows what the rows tell; nothing is written before someone confirms it'

/** No snapshot of ours in the history: the property copy where history was cut off, nothing where we never wrote, and else a stop. */
function stateWithoutSnapshot(table: string, metadata: TableMetadata, endsAtMissing: boolean): Partial<TableState> {
  const copy = progressOfProperty(table, metadata)
  if (copy === null) {
    if (!endsAtMissing || metadata.properties?.[summaryKeys.layout] === undefined) return {}
    throw stop(table, cutOff)
  }
  if (!endsAtMissing || hasLaterOfOurs(metadata)) {
    throw rolledBack(
      table,
      `none of its snapshots carries our progress, but its properties say that we wrote it: it was replaced or rolled back. ${fromItsRows}; ` +
        'if it has none, and everything shall be materialized again, run with --accept-rollback',
    )
  }
  const copied = (key: string) => {
    const text = metadata.properties?.[key]
    return text === undefined ? noProgress : readOrStop(table, () => decodeProgress(text, `property ${key}`))
  }
  return {
    progress: copy,
    rescuedRows: null,
    accepted: copied(summaryKeys.accepted),
    leftOut: copied(summaryKeys.leftOut),
    skipped: null,
  }
}

/** Whether a snapshot of ours is younger than the current one: then the copy in the properties tells of rows that are not in the table. */
function hasLaterOfOurs(metadata: TableMetadata): boolean {
  const id = refSnapshotId(metadata)
  const current = (id === null ? undefined : snapshotById(metadata, id))?.['sequence-number'] ?? 0n
  return (metadata.snapshots ?? []).some((snapshot) => isOursHere(snapshot) && (snapshot['sequence-number'] ?? 0n) > current)
}

async function stateOf(table: string, snapshot: Snapshot, readManifestList: ReadManifestList): Promise<Omit<TableState, 'snapshotId'>> {
  const { summary } = snapshot
  const list = await readManifestList(snapshot)
  // Without it the tail would go below its start, and what was accepted or retracted would be forgotten.
  if (list === null && summary[summaryKeys.version] === notesVersion) throw unreadable(table, snapshot, 'what goes with the progress')
  const frontiers = list?.metadata.get(summaryKeys.frontiers)
  const listed = (key: string, what: string) => {
    const text = list?.metadata.get(key)
    return text === undefined ? noProgress : readOrStop(table, () => decodeProgress(text, `${what} of snapshot ${snapshot['snapshot-id']}`))
  }
  const watermark = summary[summaryKeys.watermarkMs]
  const rescued = summary[summaryKeys.rescuedRows]
  return {
    progress: progressOfSnapshot(table, snapshot, list),
    frontiers:
      frontiers === undefined
        ? new Map()
        : readOrStop(table, () => decodeFrontiers(frontiers, `frontiers of snapshot ${snapshot['snapshot-id']}`)),
    watermarkMs: watermark === undefined ? null : Number(watermark),
    rescuedRows: rescued !== undefined && /^\d{1,18}$/.test(rescued) ? BigInt(rescued) : null,
    speed: decodeSpeed(summary[summaryKeys.speed]),
    requests: requestsOf(table, summary, `snapshot ${snapshot['snapshot-id']}`),
    accepted: listed(summaryKeys.accepted, 'accepted offsets'),
    leftOut: listed(summaryKeys.leftOut, 'offsets left out'),
    skipped: list?.metadata.has(summaryKeys.skipped) === true ? listed(summaryKeys.skipped, 'skipped offsets') : null,
    control: listed(summaryKeys.control, 'offsets of control records'),
    retraction: readOrStop(table, () => retractionIn(list, `retracted offsets of snapshot ${snapshot['snapshot-id']}`)),
    newest: snapshot,
  }
}

function retractionIn(list: ManifestList | null, where: string): Retraction | null {
  const [offsets, upTo] = [list?.metadata.get(summaryKeys.retracted), list?.metadata.get(summaryKeys.retractedUpTo)]
  if (offsets === undefined || upTo === undefined) return null
  return { upTo: BigInt(upTo), offsets: decodeProgress(offsets, where) }
}

function progressOfSnapshot(table: string, snapshot: Snapshot, list: ManifestList | null): Progress {
  const { summary } = snapshot
  refuseNewer(table, `snapshot ${snapshot['snapshot-id']} has progress`, summary[summaryKeys.version])
  const text = summary[summaryKeys.progress] ?? list?.metadata.get(summaryKeys.progress)
  if (text === undefined) throw unreadable(table, snapshot, 'the progress')
  const expected = summary[summaryKeys.progressSha256]
  if (expected !== undefined && createHash('sha256').update(text).digest('hex') !== expected) {
    throw stop(
      table,
      `the progress in ${snapshot['manifest-list']} is not what snapshot ${snapshot['snapshot-id']} wrote (its SHA-256 differs). Restore that file`,
    )
  }
  return readOrStop(table, () => decodeProgress(text, `progress of snapshot ${snapshot['snapshot-id']}`))
}

/** The copy in the properties; null: there is none. */
function progressOfProperty(table: string, { properties = {} }: TableMetadata): Progress | null {
  const text = properties[summaryKeys.progress]
  if (text === undefined) return null
  refuseNewer(table, 'the properties have progress', properties[summaryKeys.version] ?? formatVersion)
  return readOrStop(table, () => decodeProgress(text, `property ${summaryKeys.progress}`))
}

function unreadable(table: string, { 'snapshot-id': id, 'manifest-list': list }: Snapshot, what: string): WorkError {
  return stop(table, `${what} of snapshot ${id} lies in ${list}, which can not be read. Restore that file`)
}

function refuseNewer(table: string, what: string, version: string | undefined): void {
  if (version !== undefined && knownVersions.includes(version)) return
  const known = `${knownVersions.slice(0, -1).join(', ')} and ${knownVersions.at(-1)}`
  const reason = `${what} of format version ${version ?? 'none'}, and this program reads ${known}; run the newer version`
  throw version === undefined ? stop(table, reason) : new NewerProgress(stop(table, reason).message, { retry: 'never' })
}

/** What is asked in a summary, or in the properties that a table without a snapshot of ours has from its creation. */
function requestsOf(table: string, keys: Readonly<Record<string, string>>, where: string): Requests {
  const text = keys[summaryKeys.requests]
  return text === undefined ? noRequests : readOrStop(table, () => decodeRequests(text, `requests of ${where}`))
}

function readOrStop<T>(table: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw stop(table, (error as Error).message)
  }
}

async function refuseRollback(
  table: string,
  metadata: TableMetadata,
  ancestors: readonly Snapshot[],
  { progress, requests, retraction }: TableState,
  readManifestList: ReadManifestList,
  judged: Set<bigint>,
): Promise<void> {
  const copy = progressOfProperty(table, metadata)
  const more = ancestors.length === 0 || ancestors.some(isOurs) ? '' : `. ${fromItsRows}`
  if (copy !== null) refuseLost(table, copy, progress, 'we, as its properties say,', more)
  for (const snapshot of besideHistory(metadata, ancestors, requests)) {
    if (judged.has(snapshot['snapshot-id'])) continue
    const list = snapshot.summary[summaryKeys.progressIn] === undefined ? null : await readManifestList(snapshot)
    refuseLost(
      table,
      progressOfSnapshot(table, snapshot, list),
      excusing(progress, retraction, snapshot['sequence-number'] ?? 0n),
      `snapshot ${snapshot['snapshot-id']}, which is no longer in its history,`,
      more,
    )
    judged.add(snapshot['snapshot-id'])
  }
}

/** Throws the stop of a table whose progress has lost what `known` had decided; `more` says what else can be done. */
export function refuseLost(table: string, known: Progress, progress: Progress, who: string, more = ''): void {
  const lost = progressBeyond(known, progress)
  if (lost.length === 0) return
  const list = lost.map(({ at, ranges }) => `${topicPartitionName(at)} ${formatRanges(ranges)}`).join('; ')
  throw rolledBack(
    table,
    `${who} had materialized ${list}, and the table as it is now has not: it was rolled back or replaced. ` +
      `These offsets would be materialized again; if that is meant, run with --accept-rollback${more}`,
  )
}

function stop(table: string, reason: string): WorkError {
  return new WorkError(`table ${table} is stopped: ${reason}`, { retry: 'never' })
}

function rolledBack(table: string, reason: string): RolledBack {
  return new RolledBack(`table ${table} is stopped: ${reason}`, { retry: 'never' })
}
