import type { TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { DocumentError, WorkError } from '../../model/failure.ts'
import type { TableIdentifier } from '../../seams/catalog.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { lackOfMemory } from '../../spec/rewrite-memory.ts'
import type { SortTerm } from '../../spec/terms.ts'
import { carryOutTasks } from '../tasks/carry-out-tasks.ts'
import { limitsOf, rewritesAtOnce } from '../tasks/limits.ts'
import type { RewriteCost } from '../../pipeline/maintain/rewrite-cost.ts'
import type { LiveFile } from '../../pipeline/maintain/rewrite-flow.ts'
import type { ProcessorSeams } from '../feed/processor-seams.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import { askedOrder, type CompactionReport, compactTable, expectedPerCommit, outputsOf, rewriteSeconds } from './table-compactor.ts'
import { TableRewriter } from './table-rewriter.ts'
import { type TableOutcome, workOnTables } from './work-on-tables.ts'

/** What the compaction of a table would take, and what came of it. */
export interface Compaction {
  /** Live data files, and of them those that are too small, too large or have too many deletes. */
  readonly files: number
  readonly wanting: number
  readonly rewrites: number
  /** About as many. */
  readonly commits: number
  /** Its requests are all that are made to the warehouse: to plan, to rewrite, and to commit. */
  readonly cost: RewriteCost
  /** About what it takes of one core, and by the clock with nothing else to do, by the benchmark. */
  readonly coreSeconds: number
  readonly seconds: number
  /** Null after a dry run. */
  readonly report: CompactionReport | null
}

export interface CompactOptions {
  readonly dryRun: boolean
  /** By what rows are sorted, in place of the table's sort order; then files are rewritten whatever their size, but for those that are sorted so. */
  readonly sortBy?: readonly SortTerm[]
  /** Files with so many delete files are rewritten whatever those take out. */
  readonly deleteFileThreshold?: number
  readonly signal?: AbortSignal
  /** Bytes of inputs that are committed, of those that were planned. */
  readonly progress?: (table: string, doneBytes: number, totalBytes: number) => void
}

/**
 * Rewrites files of the tables of a document that there are; of all, or of the one of this name. Young files too. Throws a DocumentError
 * where its memory is not for a rewrite.
 */
export async function compactTables(
  document: ProcessorDocument,
  wanted: string | undefined,
  source: SourceIdentity,
  seams: ProcessorSeams,
  options: CompactOptions,
): Promise<TableOutcome<Compaction>[]> {
  const lack = lackOfMemory(document.spec.processing)
  if (!options.dryRun && lack !== null) throw new DocumentError(`spec.processing.memoryLimitBytes: ${lack}`)
  return workOnTables(document, wanted, source, seams, (table) => compactOne(document, table, source, seams, options))
}

async function compactOne(
  document: ProcessorDocument,
  table: TableIdentifier,
  source: SourceIdentity,
  seams: ProcessorSeams,
  { dryRun, sortBy, deleteFileThreshold, signal, progress }: CompactOptions,
): Promise<Compaction> {
  const { processing } = document.spec
  const loaded = await seams.catalog.loadTable(table)
  if (loaded === null) throw new WorkError(`table ${table.name} does not exist`, { retry: 'never' })
  const rewriter = new TableRewriter(source.id, table, document.metadata.name, loaded.metadata, seams)
  const orderOf = (metadata: TableMetadata) => (sortBy === undefined ? null : askedOrder(rewriter.name, metadata, sortBy))
  const { plan, metadata, requests } = await rewriter.plan((current) => {
    const order = orderOf(current)
    const sortOrder = order ?? outputsOf(current, processing).sortOrder
    const isSorted = ({ file }: LiveFile) => order?.['order-id'] !== 0 && file.sortOrderId === order?.['order-id']
    return {
      targetFileSizeBytes: processing.targetFileSizeBytes,
      isQuiet: () => false,
      maxBytes: Infinity,
      ...(sortOrder !== null && { sorting: { order: sortOrder, memoryLimitBytes: limitsOf(processing).rewriteBytes } }),
      ...(order !== null && { mustRewrite: (file: LiveFile) => !isSorted(file) }),
      ...(deleteFileThreshold !== undefined && { deleteFileThreshold }),
    }
  })
  const asked = orderOf(metadata)
  const { files, wanting, rewrites, cost } = plan
  const atOnce = rewritesAtOnce(processing)
  const { commits, gets, puts } = requests(expectedPerCommit(plan, atOnce))
  const all = { ...cost, gets: cost.gets + gets, puts: cost.puts + puts }
  const coreSeconds = rewriteSeconds(cost.inputBytes)
  const seconds = coreSeconds / Math.max(1, Math.min(atOnce, rewrites.length))
  const found = { files, wanting, rewrites: rewrites.length, commits, cost: all, coreSeconds, seconds }
  if (dryRun) return { ...found, report: null }
  const idle = new AbortController()
  const working = carryOutTasks(atOnce, limitsOf(processing), seams, idle.signal)
  try {
    const report = await compactTable(
      rewriter,
      plan,
      metadata,
      {
        ...outputsOf(metadata, processing),
        ...(asked !== null && { sortOrder: asked }),
        table: table.name,
        atOnce,
        ...(signal !== undefined && { signal }),
        progress: ({ inputBytes }) => progress?.(rewriter.name, Number(inputBytes), cost.inputBytes),
      },
      seams,
    )
    return { ...found, report }
  } finally {
    idle.abort()
    await working
  }
}
