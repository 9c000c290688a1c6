import { isDeepStrictEqual } from 'node:util'
import { changeTimeMs, InvalidUpdate, put, StaleUpdate } from './metadata-draft.ts'
import type { MetadataDraft } from './metadata-draft.ts'
import { currentSnapshot, mainBranch, snapshotById } from './table-metadata.ts'
import type { Snapshot, SnapshotLogEntry, SnapshotReference } from './table-metadata.ts'

/** Clocks may differ this much before readers refuse a document whose times go back. */
const clockToleranceMs = 60_000

export function addSnapshot(draft: MetadataDraft, snapshot: Snapshot): void {
  const { metadata } = draft
  const id = snapshot['snapshot-id']
  if (snapshotById(metadata, id) !== undefined) throw new InvalidUpdate(`snapshot ${id} exists already`)
  const last = metadata['last-sequence-number']
  const sequence = snapshot['sequence-number']
  if (sequence === undefined) throw new InvalidUpdate(`snapshot ${id} has no sequence-number`)
  if (sequence <= last && (snapshot['parent-snapshot-id'] ?? null) !== null) {
    throw new StaleUpdate(`snapshot ${id} has sequence number ${sequence}, which is older than the last one, ${last}`)
  }
  const timestampMs = snapshot['timestamp-ms']
  if (timestampMs < draft.base['last-updated-ms'] - clockToleranceMs) {
    throw new InvalidUpdate(
      `snapshot ${id} is of ${timestampMs} ms, more than a minute before the table’s last change at ${draft.base['last-updated-ms']} ms`,
    )
  }
  draft.addedSnapshotIds.add(id)
  draft.lastUpdatedMs = timestampMs
  put(draft, {
    snapshots: [...(metadata.snapshots ?? []), snapshot],
    'last-sequence-number': sequence,
    ...(metadata['format-version'] >= 3 ? { 'next-row-id': nextRowId(snapshot, metadata['next-row-id'] ?? 0n) } : {}),
  })
}

/** The first row id that is still free after a snapshot (table specification, "Row Lineage"). */
function nextRowId(snapshot: Snapshot, next: bigint): bigint {
  const first = snapshot['first-row-id']
  const added = snapshot['added-rows']
  const id = snapshot['snapshot-id']
  if (typeof first !== 'bigint' || typeof added !== 'bigint')
    throw new InvalidUpdate(`snapshot ${id} of a v3 table needs first-row-id and added-rows`)
  if (first < next) throw new StaleUpdate(`snapshot ${id} has first-row-id ${first}, which is behind the table’s next-row-id, ${next}`)
  return first + added
}

export function setSnapshotRef(draft: MetadataDraft, name: string, ref: SnapshotReference): void {
  const { metadata } = draft
  if (isDeepStrictEqual(metadata.refs?.[name], ref)) return
  const id = ref['snapshot-id']
  const snapshot = snapshotById(metadata, id)
  if (snapshot === undefined) throw new InvalidUpdate(`${name} is to name snapshot ${id}, which the table does not have`)
  if (name === mainBranch && ref.type !== 'branch') throw new InvalidUpdate('main is a branch, and can not become a tag')
  if (draft.addedSnapshotIds.has(id)) draft.lastUpdatedMs = snapshot['timestamp-ms']
  put(draft, { refs: { ...metadata.refs, [name]: ref } })
  if (name !== mainBranch) return
  draft.lastUpdatedMs = changeTimeMs(draft)
  const entry: SnapshotLogEntry = { 'snapshot-id': id, 'timestamp-ms': draft.lastUpdatedMs }
  put(draft, { 'current-snapshot-id': id, 'snapshot-log': [...(metadata['snapshot-log'] ?? []), entry] })
}

export function removeSnapshotRef(draft: MetadataDraft, name: string): void {
  const { [name]: removed, ...refs } = draft.metadata.refs ?? {}
  if (removed === undefined) return
  put(draft, { refs, ...(name === mainBranch ? { 'current-snapshot-id': null } : {}) })
}

/** Removes snapshots, the references to them and their statistics. Ids that the table does not have are passed over. */
export function removeSnapshots(draft: MetadataDraft, ids: readonly bigint[]): void {
  const removed = new Set(ids)
  const { metadata } = draft
  const snapshots = metadata.snapshots ?? []
  const kept = snapshots.filter((snapshot) => !removed.has(snapshot['snapshot-id']))
  if (kept.length === snapshots.length) return
  put(draft, { snapshots: kept })
  for (const key of ['statistics', 'partition-statistics']) {
    const files = metadata[key]
    if (Array.isArray(files))
      put(draft, { [key]: files.filter((file: { 'snapshot-id': number | bigint }) => !removed.has(BigInt(file['snapshot-id']))) })
  }
  for (const [name, ref] of Object.entries(metadata.refs ?? {})) {
    if (removed.has(ref['snapshot-id'])) removeSnapshotRef(draft, name)
  }
  // A log with a gap would answer time travel wrongly: what is older than a snapshot that is gone goes too.
  const log = metadata['snapshot-log'] ?? []
  const lastGone = log.findLastIndex((entry) => removed.has(entry['snapshot-id']))
  if (lastGone >= 0) put(draft, { 'snapshot-log': log.slice(lastGone + 1) })
}

/** Takes those snapshots out of the log that were current only between two updates of the same commit. */
export function dropIntermediateLogEntries(draft: MetadataDraft): void {
  const current = currentSnapshot(draft.metadata)?.['snapshot-id']
  const log = draft.metadata['snapshot-log'] ?? []
  const kept = log.filter((entry) => entry['snapshot-id'] === current || !draft.addedSnapshotIds.has(entry['snapshot-id']))
  if (kept.length < log.length) put(draft, { 'snapshot-log': kept })
}
