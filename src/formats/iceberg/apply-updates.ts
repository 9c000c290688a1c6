import {
  addSchema,
  addSortOrder,
  addSpec,
  removeProperties,
  setCurrentSchema,
  setDefaultSortOrder,
  setDefaultSpec,
  setProperties,
  upgradeFormatVersion,
} from './apply-definitions.ts'
import { addSnapshot, dropIntermediateLogEntries, removeSnapshotRef, removeSnapshots, setSnapshotRef } from './apply-snapshots.ts'
import { changeTimeMs, put } from './metadata-draft.ts'
import type { MetadataDraft } from './metadata-draft.ts'
import { mainBranch, refSnapshotId } from './table-metadata.ts'
import type { TableMetadata } from './table-metadata.ts'
import type { TableUpdate } from './table-update.ts'

/**
 * The document that a commit's updates make of `base`, as the REST catalog specification (`TableUpdate`) and the reference
 * implementation have it; `base` itself where they change nothing. Its `metadata-log` is not touched: see `logPrevious`.
 *
 * Throws an InvalidUpdate that says why an update can not be applied; requirements are to be checked before.
 */
export function applyUpdates(base: TableMetadata, updates: readonly TableUpdate[], now: { readonly nowMs: number }): TableMetadata {
  const start = withMainRef(base)
  const draft: MetadataDraft = { base, nowMs: now.nowMs, metadata: start, addedSnapshotIds: new Set() }
  for (const update of updates) apply(draft, update)
  if (draft.metadata === start) return base
  dropIntermediateLogEntries(draft)
  put(draft, { 'last-updated-ms': changeTimeMs(draft) })
  return draft.metadata
}

function apply(draft: MetadataDraft, update: TableUpdate): void {
  switch (update.action) {
    case 'assign-uuid':
      if (update.uuid !== draft.metadata['table-uuid']) put(draft, { 'table-uuid': update.uuid })
      return
    case 'upgrade-format-version':
      return upgradeFormatVersion(draft, update['format-version'])
    case 'add-schema':
      return addSchema(draft, update.schema)
    case 'set-current-schema':
      return setCurrentSchema(draft, update['schema-id'])
    case 'add-spec':
      return addSpec(draft, update.spec)
    case 'set-default-spec':
      return setDefaultSpec(draft, update['spec-id'])
    case 'add-sort-order':
      return addSortOrder(draft, update['sort-order'])
    case 'set-default-sort-order':
      return setDefaultSortOrder(draft, update['sort-order-id'])
    case 'add-snapshot':
      return addSnapshot(draft, update.snapshot)
    case 'set-snapshot-ref': {
      const { action: _action, 'ref-name': name, ...ref } = update
      return setSnapshotRef(draft, name, ref)
    }
    case 'remove-snapshots':
      return removeSnapshots(draft, update['snapshot-ids'])
    case 'remove-snapshot-ref':
      return removeSnapshotRef(draft, update['ref-name'])
    case 'set-location':
      if (update.location !== draft.metadata.location) put(draft, { location: update.location })
      return
    case 'set-properties':
      return setProperties(draft, update.updates)
    case 'remove-properties':
      return removeProperties(draft, update.removals)
  }
}

/** Documents from before references existed have `current-snapshot-id` alone. */
function withMainRef(metadata: TableMetadata): TableMetadata {
  const current = refSnapshotId(metadata)
  if (current === null || metadata.refs?.[mainBranch] !== undefined) return metadata
  return { ...metadata, refs: { ...metadata.refs, [mainBranch]: { 'snapshot-id': current, type: 'branch' } } }
}
