import { documentPlan, type DocumentPlan, type TablePlan } from '../../../src/service/status/plan-report.ts'
import type { OutlookSeams } from '../../../src/service/status/table-outlook.ts'
import { load, type Plain, smallest } from '../spec/documents.ts'
import { namespace, sourceId, type World } from './world.ts'

export const source = { id: sourceId, prefix: 'p/' }

/** A document for the world, with what `change` does to it. */
export function documentOf(change: (document: Plain) => void = () => {}) {
  return load(
    smallest((document) => {
      document.spec.source.topics = ['*']
      document.spec.sink = { database: namespace[0] }
      change(document)
    }),
  )
}

/** The plan for the world as it is a minute later. */
export async function planned(
  w: World,
  change?: (document: Plain) => void,
  seams: Partial<OutlookSeams> = {},
  from = source,
): Promise<DocumentPlan> {
  await w.clock.advanceBy(60_000)
  return documentPlan(documentOf(change), from, { ...w.seams, ...seams })
}

/** The plan for the only table. */
export async function plannedTable(w: World, change?: (document: Plain) => void): Promise<TablePlan> {
  const { tables } = await planned(w, change)
  if (tables.length !== 1) throw new Error(`expected one table, found ${tables.length}`)
  return tables[0]
}
