import { currentSnapshot, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { summaryKeys } from './summary-keys.ts'
import { ancestorsOf, isOurs } from './table-state.ts'

/** Whether others alone wrote to a table: nothing of ours, nor of somebody by `recover`, says which records its rows are. */
export function isOfOthers(metadata: TableMetadata): boolean {
  if (currentSnapshot(metadata) === null || metadata.properties?.[summaryKeys.progress] !== undefined) return false
  return !ancestorsOf(metadata).ancestors.some(isOurs)
}
