import { memoryJournal } from '../../src/drivers/journal/memory.ts'
import { dataDirectory } from '../../src/formats/iceberg/table-location.ts'
import { currentSchema, type SortField, type TableMetadata } from '../../src/formats/iceberg/table-metadata.ts'
import { openDocument } from '../../src/compose.ts'
import { rewriteGroup } from '../../src/service/tasks/rewriter.ts'
import { TableRewriter } from '../../src/service/maintain/table-rewriter.ts'
import type { ProcessorDocument } from '../../src/spec/document.ts'

export interface RewriteWish {
  readonly sortBy?: readonly SortField[]
  readonly targetFileSizeBytes?: number
  readonly memoryLimitBytes?: number
  /** Whether files are rewritten that have the right size; so it is unless this says otherwise. */
  readonly everything?: boolean
}

export interface Rewritten {
  readonly rewrites: number
  readonly inputFiles: number
  readonly inputBytes: number
  readonly outputFiles: number
  readonly outputBytes: number
  readonly rowsRead: number
  readonly rowsDeleted: number
}

/** Rewrites a table of the catalog that a document names, whoever made it, one group after another, and commits that as one replacement. */
export async function rewriteTable(document: ProcessorDocument, table: string, wish: RewriteWish = {}): Promise<Rewritten> {
  const { seams, close } = await openDocument(document, memoryJournal())
  try {
    const identifier = { namespace: document.spec.sink.database.split('.'), name: table }
    const loaded = await seams.catalog.loadTable(identifier)
    if (loaded === null) throw new Error(`there is no table ${table}`)
    const rewriter = new TableRewriter('rewritten', identifier, 'rewritten', loaded.metadata, seams)
    const targetFileSizeBytes = wish.targetFileSizeBytes ?? 512 * 1024 * 1024
    const { plan, metadata } = await rewriter.plan(() => ({
      targetFileSizeBytes,
      isQuiet: () => false,
      maxBytes: Infinity,
      mustRewrite: () => wish.everything ?? true,
    }))
    const startedAtMs = seams.clock.now()
    const results = []
    for (const { group } of plan.rewrites) {
      results.push(
        await rewriteGroup(group, metadata, {
          io: seams.io,
          sortOrder: wish.sortBy === undefined ? null : { 'order-id': 0, fields: wish.sortBy },
          rowGroupBytes: 64 * 1024 * 1024,
          targetFileSizeBytes,
          memoryLimitBytes: wish.memoryLimitBytes ?? 256 * 1024 * 1024,
          newLocation: () => `${dataDirectory(metadata)}/${seams.entropy.uuid()}.parquet`,
          signal: new AbortController().signal,
        }),
      )
    }
    const { committed, refused } = await rewriter.replace(results, startedAtMs)
    if (refused.length > 0) throw new Error(`refused: ${refused.map(({ reason }) => reason).join('; ')}`)
    const inputs = committed.flatMap(({ group }) => group.inputs)
    const outputs = committed.flatMap(({ files }) => files)
    return {
      rewrites: committed.length,
      inputFiles: inputs.length,
      inputBytes: inputs.reduce((sum, { live }) => sum + Number(live.file.fileSizeInBytes), 0),
      outputFiles: outputs.length,
      outputBytes: outputs.reduce((sum, file) => sum + Number(file.fileSizeInBytes), 0),
      rowsRead: committed.reduce((sum, { rowsRead }) => sum + Number(rowsRead), 0),
      rowsDeleted: committed.reduce((sum, { rowsDeleted }) => sum + Number(rowsDeleted), 0),
    }
  } finally {
    await close()
  }
}

/** The order by offset, the latest first. */
export function byOffset(metadata: TableMetadata): SortField[] {
  const field = currentSchema(metadata).fields.find(({ name }) => name === 'kafka_offset')!
  return [{ 'source-id': field.id, transform: 'identity', direction: 'desc', 'null-order': 'nulls-last' }]
}
