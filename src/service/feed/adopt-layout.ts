import { WorkError } from '../../model/failure.ts'
import type { Catalog, LoadedTable, TableIdentifier } from '../../seams/catalog.ts'
import type { Entropy } from '../../seams/entropy.ts'
import type { Journal } from '../../seams/journal.ts'
import type { TopicMapping } from '../../spec/table-mapping.ts'
import { currentSchema } from '../../formats/iceberg/table-metadata.ts'
import { checkPartitions } from '../../pipeline/commit/profile-checks.ts'
import { type LayoutChange, layoutChange } from '../../pipeline/commit/layout-change.ts'
import { Refusal } from '../../pipeline/commit/refusal.ts'

/** How often a change that met another one is made anew. */
const maxAttempts = 5

/**
 * Makes a table's partitioning and order those of the document, where it names them; otherwise the table's hold. A new spec or order is
 * added and becomes the default, and what was made for the old one meanwhile is refused when it is committed. Returns the table then.
 */
export async function adoptLayout(
  table: TableIdentifier,
  mapping: TopicMapping,
  loaded: LoadedTable,
  { catalog, entropy, journal }: { readonly catalog: Catalog; readonly entropy: Entropy; readonly journal: Journal },
): Promise<LoadedTable> {
  const name = [...table.namespace, table.name].join('.')
  let found = loaded
  for (let attempt = 1; ; attempt++) {
    const change = changeOrStop(name, found, mapping)
    if (change === null) return found
    const { what, requirements, updates } = change
    for (const update of updates)
      if (update.action === 'add-spec') checkPartitions(table, currentSchema(found.metadata), update.spec, catalog.profile)
    const outcome = await catalog.commitTable(table, { requirements, updates, idempotencyKey: entropy.uuidV7() })
    if (outcome.kind === 'committed') {
      journal.info('the table is laid out as the document says from now on; files that are there stay as they are', { table: name, what })
      return outcome.table
    }
    const reason = `table ${name}: its ${what.join(' and ')} could not be changed to what the document says: ${outcome.reason}`
    if (outcome.kind === 'refused')
      throw new WorkError(`${reason}; leave ${what.map(keyOf).join(' and ')} out to go on as it is`, { retry: 'never' })
    if (attempt === maxAttempts) throw new WorkError(reason, { retry: 'later' })
    const now = await catalog.loadTable(table, { fresh: true })
    if (now === null) throw new WorkError(`table ${name} is gone`, { retry: 'later' })
    found = now
  }
}

function keyOf(what: LayoutChange['what'][number]): string {
  return what === 'partitions' ? 'partitionBy' : 'sortBy'
}

function changeOrStop(name: string, { metadata }: LoadedTable, mapping: TopicMapping): LayoutChange | null {
  try {
    return layoutChange(metadata, mapping)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    throw new WorkError(`table ${name} can not be continued: ${error.message}`, { retry: 'never' })
  }
}
