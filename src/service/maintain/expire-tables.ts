import type { ProcessorDocument } from '../../spec/document.ts'
import { expirySettings } from '../../pipeline/maintain/choose-expired.ts'
import type { ProcessorSeams } from '../feed/processor-seams.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import { type ExpiryReport, expireTable } from './table-expirer.ts'
import { type TableOutcome, workOnTables } from './work-on-tables.ts'

/** Expires snapshots of the tables of a document that there are; of all, or of the one of this name. */
export function expireTables(
  document: ProcessorDocument,
  wanted: string | undefined,
  source: SourceIdentity,
  seams: Pick<ProcessorSeams, 'source' | 'catalog' | 'io' | 'clock' | 'entropy' | 'journal'>,
  { dryRun }: { readonly dryRun: boolean },
): Promise<TableOutcome<ExpiryReport>[]> {
  const asked = document.spec.maintenance?.expiry
  return workOnTables(document, wanted, source, seams, (table) =>
    expireTable(table, (metadata) => expirySettings(metadata, asked), seams, { dryRun, sourcePrefix: source.prefix }),
  )
}
