import { WorkError } from '../../model/failure.ts'
import type { TableIdentifier } from '../../seams/catalog.ts'
import type { FileIO } from '../../seams/file-io.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { knownTables } from '../status/known-tables.ts'
import type { ProcessorSeams } from '../feed/processor-seams.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'

/** What became of work on one table. */
export interface TableOutcome<T> {
  /** With its namespace: `analytics.orders`. */
  readonly table: string
  /** Null where it failed. */
  readonly done: T | null
  /** Why it failed; null where it did not. */
  readonly problem: string | null
}

/**
 * Does something with each table of a document that the catalog has, or with the one that is wanted: none where it is of another document.
 * Whether the source still has a segment of its topics does not matter. What goes wrong with one table keeps no other back.
 */
export async function workOnTables<T>(
  document: ProcessorDocument,
  wanted: string | undefined,
  source: SourceIdentity,
  seams: Pick<ProcessorSeams, 'source' | 'catalog'> & { readonly io: Pick<FileIO, 'read'> },
  work: (table: TableIdentifier) => Promise<T>,
): Promise<TableOutcome<T>[]> {
  const namespace = document.spec.sink.database.split('.')
  const outcomes: TableOutcome<T>[] = []
  for (const { name } of await knownTables(document, wanted, source, seams)) {
    const table = [...namespace, name].join('.')
    try {
      if ((await seams.catalog.loadTable({ namespace, name })) !== null)
        outcomes.push({ table, done: await work({ namespace, name }), problem: null })
    } catch (error) {
      if (!(error instanceof WorkError)) throw error
      outcomes.push({ table, done: null, problem: error.message })
    }
  }
  return outcomes
}
