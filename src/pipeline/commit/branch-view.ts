import {
  mainBranch,
  refSnapshotId,
  type Snapshot,
  type SnapshotReference,
  type TableMetadata,
} from '../../formats/iceberg/table-metadata.ts'
import type { TableRequirement, TableUpdate } from '../../formats/iceberg/table-update.ts'
import type { CommitRequest } from '../../seams/catalog.ts'
import { summaryKeys } from './summary-keys.ts'

/** A branch of a table, and what it begins with where it is not there: what main has then, or nothing. */
export interface Branch {
  readonly name: string
  readonly begins: 'as main' | 'empty'
}

/**
 * A table as someone sees it who knows its branch alone: the branch stands in the place of main, and main in the branch's. So whoever
 * reads or keeps a table up does so with the branch, and leaves alone what other references reach. What tells of main
 * alone is not there: our properties; our snapshots that only main has say that they are another branch's.
 */
export function viewOf(metadata: TableMetadata, { name, begins }: Branch): TableMetadata {
  const { [name]: own, [mainBranch]: _main, ...others } = metadata.refs ?? {}
  const main = mainReference(metadata)
  const head = own ?? (begins === 'as main' ? main : undefined)
  const { 'current-snapshot-id': _current, ...rest } = metadata
  const history = ancestorIds(metadata, head?.['snapshot-id'])
  return {
    ...rest,
    ...(head !== undefined && { 'current-snapshot-id': head['snapshot-id'] }),
    refs: { ...others, ...(head !== undefined && { [mainBranch]: head }), ...(main !== undefined && { [name]: endless(main) }) },
    properties: withoutCopies(metadata.properties ?? {}),
    ...(metadata.snapshots !== undefined && { snapshots: metadata.snapshots.map((snapshot) => seenFrom(snapshot, name, history)) }),
  }
}

/** A commit that was made of such a view, as the catalog is to have it. `isThere`: whether the branch was when the view was made. */
export function requestOf({ requirements, updates, idempotencyKey }: CommitRequest, { name }: Branch, isThere: boolean): CommitRequest {
  const swapped = (ref: string) => (ref === mainBranch ? name : ref === name ? mainBranch : ref)
  return {
    idempotencyKey,
    requirements: requirements.map((one): TableRequirement => {
      if (one.type !== 'assert-ref-snapshot-id') return one
      return { ...one, ref: swapped(one.ref), 'snapshot-id': one.ref === mainBranch && !isThere ? null : one['snapshot-id'] }
    }),
    updates: updates.flatMap((one): TableUpdate[] => {
      if (one.action === 'set-snapshot-ref' || one.action === 'remove-snapshot-ref')
        return [{ ...one, 'ref-name': swapped(one['ref-name']) }]
      if (one.action === 'add-snapshot') return [{ ...one, snapshot: labelled(one.snapshot, name) }]
      if (one.action !== 'set-properties') return [one]
      const left = withoutCopies(one.updates)
      return Object.keys(left).length === 0 ? [] : [{ ...one, updates: left }]
    }),
  }
}

/**
 * A commit that was made of such a view, to land on main instead, in the place of what main has: its parent stays the branch's head,
 * both references must be as they were seen, and the branch ends.
 */
export function replacementOf(
  { requirements, updates, idempotencyKey }: CommitRequest,
  { name }: Branch,
  mainWas: SnapshotReference,
): CommitRequest {
  const { 'snapshot-id': mainId, type: _type, ...settings } = mainWas
  return {
    idempotencyKey,
    requirements: [
      ...requirements.map((one) => (one.type === 'assert-ref-snapshot-id' && one.ref === mainBranch ? { ...one, ref: name } : one)),
      { type: 'assert-ref-snapshot-id', ref: mainBranch, 'snapshot-id': mainId },
    ],
    updates: [
      ...updates.map((one) => (one.action === 'set-snapshot-ref' && one['ref-name'] === mainBranch ? { ...one, ...settings } : one)),
      { action: 'remove-snapshot-ref', 'ref-name': name },
    ],
  }
}

function mainReference(metadata: TableMetadata): SnapshotReference | undefined {
  const id = refSnapshotId(metadata)
  return metadata.refs?.[mainBranch] ?? (id === null ? undefined : { 'snapshot-id': id, type: 'branch' })
}

/** Whatever it says, main never ends (table specification, "Snapshot References"): as any other branch it would. */
function endless({ 'max-ref-age-ms': _never, ...main }: SnapshotReference): SnapshotReference {
  return main
}

function ancestorIds(metadata: TableMetadata, head: bigint | undefined): Set<bigint> {
  const byId = new Map(metadata.snapshots?.map((snapshot) => [snapshot['snapshot-id'], snapshot]))
  const ids = new Set<bigint>()
  for (let id: bigint | null | undefined = head; id != null && !ids.has(id); id = byId.get(id)?.['parent-snapshot-id']) ids.add(id)
  return ids
}

function seenFrom(snapshot: Snapshot, branch: string, history: ReadonlySet<bigint>): Snapshot {
  const { [summaryKeys.branch]: label, ...summary } = snapshot.summary
  if (label === branch) return { ...snapshot, summary }
  const isMains = label === undefined && !history.has(snapshot['snapshot-id'])
  return isMains ? labelled(snapshot, mainBranch) : snapshot
}

function labelled(snapshot: Snapshot, branch: string): Snapshot {
  return { ...snapshot, summary: { ...snapshot.summary, [summaryKeys.branch]: branch } }
}

/** The copies of what main's snapshots say. */
function withoutCopies(properties: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { version, progress, requests, accepted, leftOut } = summaryKeys
  const copies = new Set<string>([version, progress, requests, accepted, leftOut])
  return Object.fromEntries(Object.entries(properties).filter(([key]) => !copies.has(key)))
}
