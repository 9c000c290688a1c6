import { snapshotById, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { ancestorsOf, isOurs } from './table-state.ts'
import { summaryKeys } from './summary-keys.ts'

/** A commit drops at most this many snapshots, so that its size stays bounded. */
const maxExpiredPerCommit = 200

/**
 * Ids of the snapshots that a commit drops from the metadata of a table that this program created, so that the metadata stays bounded:
 * those of main that are older than `history.expire.max-snapshot-age-ms` and not among the newest
 * `history.expire.min-snapshots-to-keep`. Kept, whatever their age: what any branch or tag reaches beside main, main's own
 * stricter settings, our newest snapshot and everything after it. Only metadata changes here; files are left to the orphan sweep.
 */
export function expiredSnapshots(metadata: TableMetadata, nowMs: number): bigint[] {
  const properties = metadata.properties ?? {}
  const maxAgeMs = Number(metadata.refs?.main?.['max-snapshot-age-ms'] ?? properties['history.expire.max-snapshot-age-ms'] ?? Number.NaN)
  const minKept = Number(metadata.refs?.main?.['min-snapshots-to-keep'] ?? properties['history.expire.min-snapshots-to-keep'] ?? 1)
  const managed = properties[summaryKeys.layout] !== undefined && properties['gc.enabled'] !== 'false'
  if (!managed || !(maxAgeMs >= 0) || !(minKept >= 1)) return []
  const { ancestors } = ancestorsOf(metadata)
  const newestOfOurs = ancestors.findIndex(isOurs)
  if (newestOfOurs < 0) return []
  const referenced = reachedByOtherRefs(metadata)
  return ancestors
    .slice(Math.max(minKept - 1, newestOfOurs + 1))
    .filter((snapshot) => nowMs - snapshot['timestamp-ms'] > maxAgeMs && !referenced.has(snapshot['snapshot-id']))
    .slice(-maxExpiredPerCommit)
    .map((snapshot) => snapshot['snapshot-id'])
}

function reachedByOtherRefs(metadata: TableMetadata): Set<bigint> {
  const reached = new Set<bigint>()
  for (const [name, ref] of Object.entries(metadata.refs ?? {})) {
    if (name === 'main') continue
    let id: bigint | null = ref['snapshot-id']
    while (id !== null && !reached.has(id)) {
      reached.add(id)
      id = ref.type === 'branch' ? (snapshotById(metadata, id)?.['parent-snapshot-id'] ?? null) : null
    }
  }
  return reached
}
