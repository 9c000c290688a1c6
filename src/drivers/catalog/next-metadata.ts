import { applyUpdates } from '../../formats/iceberg/apply-updates.ts'
import { checkRequirements } from '../../formats/iceberg/check-requirements.ts'
import { InvalidUpdate, StaleUpdate } from '../../formats/iceberg/metadata-draft.ts'
import { newTableMetadata, requestedFormatVersion } from '../../formats/iceberg/new-table.ts'
import type { TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import type { CommitOutcome, CommitRequest, CreateTableRequest } from '../../seams/catalog.ts'

/** The document that a commit wants, or why there is none. */
export type NextMetadata =
  | { readonly kind: 'next'; readonly metadata: TableMetadata }
  | Extract<CommitOutcome, { kind: 'conflict' | 'refused' }>

/** What a catalog's server does with a commit, for catalogs without one. `where` begins the sentence of a reason. */
export function nextMetadata(where: string, base: TableMetadata, request: CommitRequest, nowMs: number): NextMetadata {
  const reason = checkRequirements(base, request.requirements)
  if (reason !== null) return { kind: 'conflict', reason: `${where}: ${reason}` }
  try {
    return { kind: 'next', metadata: applyUpdates(base, request.updates, { nowMs }) }
  } catch (error) {
    if (error instanceof StaleUpdate) return { kind: 'conflict', reason: `${where}: ${error.message}` }
    if (error instanceof InvalidUpdate) return { kind: 'refused', reason: `${where}: ${error.message}` }
    throw error
  }
}

/** What a catalog's server does with a creation. Throws a WorkError where the request contradicts itself. */
export function firstMetadata(
  where: string,
  request: CreateTableRequest,
  made: { uuid: string; location: string; nowMs: number },
): TableMetadata {
  try {
    return newTableMetadata(request, { ...made, formatVersion: requestedFormatVersion(request.properties) })
  } catch (error) {
    throw new WorkError(`${where}: ${(error as Error).message}`, { retry: 'never', cause: error })
  }
}
