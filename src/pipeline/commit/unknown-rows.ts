import { currentSnapshot, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { summaryKeys } from './summary-keys.ts'
import { ancestorsOf, isOurs } from './table-state.ts'

/** Whether others alone wrote to a table: nothing of ours says which records its rows are. */
export function isOfOthers(metadata: TableMetadata): boolean {
  if (currentSnapshot(metadata) === null || metadata.properties?.[summaryKeys.progress] !== undefined) return false
  return !ancestorsOf(metadata).ancestors.some(isOurs)
}

/**
 * What is to be known before the first commit to a table that others filled, a copy of one of ours perhaps: the log is read from where it
 * begins, whatever of it is a row already. Null where the table has no rows, or where we, or somebody by `recover`, said what they are.
 */
export function unknownRows(metadata: TableMetadata): string | null {
  if (!isOfOthers(metadata)) return null
  const rows = currentSnapshot(metadata)?.summary['total-records']
  if (rows === '0') return null
  return (
    `has ${rows === undefined ? 'rows' : `${rows} rows`} that others wrote, and nothing tells whether these are records of the source: ` +
    'those that are will be there twice, since the log is read from spec.source.startAt on. ' +
    'Before the first run, `recover --from-rows` shows what the rows tell, and with --yes goes on from there'
  )
}
