import { WorkError } from '../../model/failure.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import type { CommitterSeams } from '../feed/commit-loop.ts'
import type { ProcessorSeams } from '../feed/processor-seams.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import { type ManifestsReport, TableRewriter } from './table-rewriter.ts'
import { type TableOutcome, workOnTables } from './work-on-tables.ts'

/** Writes the manifests of the tables of a document again; of all, or of the one of this name. */
export function rewriteManifestsOf(
  document: ProcessorDocument,
  wanted: string | undefined,
  source: SourceIdentity,
  seams: CommitterSeams & Pick<ProcessorSeams, 'source'>,
  options: { readonly dryRun: boolean },
): Promise<TableOutcome<ManifestsReport>[]> {
  return workOnTables(document, wanted, source, seams, async (table) => {
    const loaded = await seams.catalog.loadTable(table)
    if (loaded === null) throw new WorkError(`table ${table.name} does not exist`, { retry: 'never' })
    return new TableRewriter(source.id, table, document.metadata.name, loaded.metadata, seams).rewriteManifests(options)
  })
}
