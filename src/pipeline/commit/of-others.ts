import { currentSnapshot, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { summaryKeys } from './summary-keys.ts'
import { ancestorsOf, isOurs } from './table-state.ts'

/** Whether others alone wrote to a table: nothing of ours, nor of somebody by `recover`, says which records its rows are. */
export function isOfOthers(metadata: TableMetadata): boolean {
  if (currentSnapshot(metadata) === null || metadata.properties?.[summaryKeys.progress] !== undefined) return false
  return !ancestorsOf(metadata).ancestors.some(isOurs)
}

/**
 * Whether this program created a table, and nobody has ever written to it: there is nothing in it that anything could be there twice with. It is told by
 * the layout that is stored at the creation; one that was taken back to before its first snapshot has a sequence number, or a copy of the progress.
 */
export function isUnwrittenOfOurs(metadata: TableMetadata): boolean {
  const { properties = {}, snapshots = [] } = metadata
  return (
    properties[summaryKeys.layout] !== undefined &&
    properties[summaryKeys.progress] === undefined &&
    snapshots.length === 0 &&
    currentSnapshot(metadata) === null &&
    metadata['last-sequence-number'] === 0n
  )
}
