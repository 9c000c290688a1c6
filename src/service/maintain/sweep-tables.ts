import type { ProcessorDocument } from '../../spec/document.ts'
import { type SweepReport, sweepOrphans } from './orphan-sweep.ts'
import type { ProcessorSeams } from '../feed/processor-seams.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import { type TableOutcome, workOnTables } from './work-on-tables.ts'

/** What an orphan is as old as at least, unless somebody says otherwise: that long after it was written nobody means to commit it any more. */
export const defaultSafeAgeHours = 72

/** Finds the orphans of the tables of a document that there are, of all or of the one of this name; with `remove`, removes them. */
export function sweepTables(
  document: ProcessorDocument,
  wanted: string | undefined,
  source: SourceIdentity,
  seams: Pick<ProcessorSeams, 'source' | 'catalog' | 'io' | 'journal'>,
  { olderThanHours, remove }: { readonly olderThanHours: number | undefined; readonly remove: boolean },
): Promise<TableOutcome<SweepReport>[]> {
  const hours = olderThanHours ?? document.spec.maintenance?.orphans?.olderThanHours ?? defaultSafeAgeHours
  return workOnTables(document, wanted, source, seams, (table) => sweepOrphans(table, { olderThanMs: hours * 3_600_000, remove }, seams))
}
