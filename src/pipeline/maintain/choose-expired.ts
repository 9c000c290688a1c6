import {
  mainBranch,
  type Snapshot,
  snapshotById,
  type SnapshotReference,
  type TableMetadata,
} from '../../formats/iceberg/table-metadata.ts'

/** How much of a table's history is kept. */
export interface ExpirySettings {
  /** Snapshots of a branch that are older than this go. */
  readonly maxAgeMs: number
  /** The newest of a branch, which stay whatever their age. */
  readonly minSnapshots: number
  /** Of main: more than this are thinned. */
  readonly maxSnapshots: number
}

/** What leaves a table's metadata. */
export interface Expired {
  /** Oldest first. */
  readonly snapshots: readonly Snapshot[]
  /** Branches and tags that have come to the age at which they end, as they say themselves. */
  readonly refs: readonly string[]
}

/** One commit drops at most this many, so that its size stays bounded; the oldest go first. */
const maxExpiredAtOnce = 1000

/** What holds where neither the document nor the table says anything. */
const defaults = { maxAgeMs: 72 * 3_600_000, minSnapshots: 20, maxSnapshots: 150 }

/** The document's word, else the table's own (`history.expire.…`), else the defaults. */
export function expirySettings(
  { properties = {} }: Pick<TableMetadata, 'properties'>,
  asked: { readonly maxAgeHours?: number; readonly minSnapshots?: number; readonly maxSnapshots?: number } = {},
): ExpirySettings {
  const own = (key: string) => (/^\d{1,15}$/.test(properties[key] ?? '') ? Number(properties[key]) : undefined)
  const minSnapshots = Math.max(1, asked.minSnapshots ?? own('history.expire.min-snapshots-to-keep') ?? defaults.minSnapshots)
  return {
    maxAgeMs:
      (asked.maxAgeHours === undefined ? own('history.expire.max-snapshot-age-ms') : asked.maxAgeHours * 3_600_000) ?? defaults.maxAgeMs,
    minSnapshots,
    maxSnapshots: Math.max(minSnapshots, asked.maxSnapshots ?? defaults.maxSnapshots),
  }
}

/**
 * Which snapshots and references leave the metadata. Of each branch stay the newest `minSnapshots` and what is not older than `maxAgeMs`, by
 * the branch's own settings where it has some; what a tag names stays; what no reference reaches stays for `maxAgeMs`.
 *
 * Of main, unless it has settings of its own, more than `maxSnapshots` are thinned to three quarters of that: the newest half stays whole,
 * and of the time before it, cut into equal slots, the first snapshot of each. Slots lie at fixed times, so that what was kept once
 * stays until it is too old.
 *
 * `keep`: our newest snapshot in main, which stays with everything after it.
 */
export function chooseExpired(metadata: TableMetadata, settings: ExpirySettings, keep: bigint | null, nowMs: number): Expired {
  const snapshots = metadata.snapshots ?? []
  const age = (snapshot: Snapshot) => nowMs - snapshot['timestamp-ms']
  const ended = new Set(
    Object.entries(metadata.refs ?? {})
      .filter(([name, ref]) => {
        const named = snapshotById(metadata, ref['snapshot-id'])
        return name !== mainBranch && named !== undefined && age(named) > (ref['max-ref-age-ms'] ?? Infinity)
      })
      .map(([name]) => name),
  )
  const kept = new Set<bigint>()
  for (const [name, ref] of refsOf(metadata)) {
    if (ended.has(name)) continue
    kept.add(ref['snapshot-id'])
    if (ref.type === 'tag') continue
    const history = historyOf(metadata, ref['snapshot-id'])
    const minKept = Math.max(1, ref['min-snapshots-to-keep'] ?? settings.minSnapshots)
    const maxAgeMs = ref['max-snapshot-age-ms'] ?? settings.maxAgeMs
    const newestOfOurs = name === mainBranch && keep !== null ? history.findIndex((one) => one['snapshot-id'] === keep) : -1
    for (const [i, snapshot] of history.entries()) {
      if (i < minKept || i <= newestOfOurs || age(snapshot) <= maxAgeMs) kept.add(snapshot['snapshot-id'])
    }
  }
  const reached = new Set([...refsOf(metadata)].flatMap(([name, ref]) => (ended.has(name) ? [] : reachedBy(metadata, ref))))
  for (const snapshot of snapshots) {
    if (!reached.has(snapshot['snapshot-id']) && age(snapshot) <= settings.maxAgeMs) kept.add(snapshot['snapshot-id'])
  }
  for (const id of thinned(metadata, settings, kept, keep)) kept.delete(id)
  const dropped = snapshots
    .filter((snapshot) => !kept.has(snapshot['snapshot-id']))
    .toSorted((one, other) => one['timestamp-ms'] - other['timestamp-ms'])
  return { snapshots: dropped.slice(0, maxExpiredAtOnce), refs: [...ended] }
}

/** Which of those that would be kept are too many. What was staged to be published later is none of main's history. */
function thinned(
  metadata: TableMetadata,
  { minSnapshots, maxSnapshots, maxAgeMs }: ExpirySettings,
  kept: ReadonlySet<bigint>,
  keep: bigint | null,
): bigint[] {
  const main = metadata.refs?.[mainBranch]
  if (main?.['min-snapshots-to-keep'] !== undefined || main?.['max-snapshot-age-ms'] !== undefined) return []
  const named = new Set([...refsOf(metadata)].map(([, ref]) => ref['snapshot-id']))
  const others = new Set([...refsOf(metadata)].flatMap(([name, ref]) => (name === mainBranch ? [] : reachedBy(metadata, ref))))
  const history = (metadata.snapshots ?? [])
    .filter((one) => kept.has(one['snapshot-id']) && !others.has(one['snapshot-id']) && one.summary['wap.id'] === undefined)
    .toSorted((one, other) => other['timestamp-ms'] - one['timestamp-ms'])
  if (history.length <= maxSnapshots) return []
  // Of these, and of what came after ours, none may go: without one of them the history would end before ours. Clocks may say another order.
  const head = main?.['snapshot-id'] ?? metadata['current-snapshot-id'] ?? -1n
  const since = historyOf(metadata, head).map((one) => one['snapshot-id'])
  const needed = new Set([...named, ...since.slice(0, keep === null ? 0 : since.indexOf(keep) + 1)])
  const whole = Math.max(minSnapshots, Math.floor(maxSnapshots / 2))
  const slots = Math.max(1, Math.floor(maxSnapshots / 4))
  const slotMs = Math.max(1, maxAgeMs / slots)
  const taken = new Set<number>()
  const gone: bigint[] = []
  for (const snapshot of history.slice(whole).toReversed()) {
    const slot = Math.floor(snapshot['timestamp-ms'] / slotMs)
    if (taken.has(slot) && !needed.has(snapshot['snapshot-id'])) gone.push(snapshot['snapshot-id'])
    taken.add(slot)
  }
  return gone
}

/** All references; main is implied by `current-snapshot-id`. */
function* refsOf(metadata: TableMetadata): Generator<[string, SnapshotReference]> {
  yield* Object.entries(metadata.refs ?? {})
  const current = metadata['current-snapshot-id'] ?? -1n
  if (metadata.refs?.[mainBranch] === undefined && current !== -1n) yield [mainBranch, { 'snapshot-id': current, type: 'branch' }]
}

function reachedBy(metadata: TableMetadata, ref: SnapshotReference): bigint[] {
  return ref.type === 'tag' ? [ref['snapshot-id']] : historyOf(metadata, ref['snapshot-id']).map((one) => one['snapshot-id'])
}

/** A snapshot and its ancestors, newest first, as far as the metadata has them. */
function historyOf(metadata: TableMetadata, from: bigint): Snapshot[] {
  const byId = new Map((metadata.snapshots ?? []).map((one) => [one['snapshot-id'], one]))
  const history: Snapshot[] = []
  for (let next = byId.get(from); next !== undefined; next = byId.get(next['parent-snapshot-id'] ?? -1n)) {
    history.push(next)
    byId.delete(next['snapshot-id'])
  }
  return history
}
