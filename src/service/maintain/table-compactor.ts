import { currentSchema, defaultSortOrder, type SortOrder, sortOrderOf, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { sortableOrder } from '../../formats/parquet/sort/row-order.ts'
import { elapsedMs } from '../../model/elapsed.ts'
import { WorkError } from '../../model/failure.ts'
import { sortFields } from '../../spec/layout-terms.ts'
import type { SortTerm } from '../../spec/terms.ts'
import { priorityBands, type TaskQueue, TaskSetAside } from '../../seams/task-queue.ts'
import { parseLayout } from '../../pipeline/commit/stored-layout.ts'
import { summaryKeys } from '../../pipeline/commit/summary-keys.ts'
import type { CommitterSeams } from '../feed/commit-loop.ts'
import type { TaskResult } from '../../pipeline/flow.ts'
import type { RewriteResult } from '../../pipeline/maintain/rewrite-flow.ts'
import { rewriteTotals, type RewriteTotals } from '../../pipeline/maintain/rewrite-totals.ts'
import type { PlannedRewrite, RewritePlan } from '../../pipeline/maintain/plan-rewrites.ts'
import { type RewriteOrder, rewriteResult } from '../tasks/rewrite-task.ts'
import type { Turns } from '../tasks/turns.ts'
import type { TablePayload } from '../tasks/task-payload.ts'
import type { TableRewriter } from './table-rewriter.ts'
import { whenAborted } from '../feed/when-aborted.ts'

export interface CompactorSeams extends CommitterSeams {
  readonly queue: Pick<TaskQueue<TablePayload, TaskResult>, 'submit' | 'forget' | 'withdraw'>
}

/** How a plan's rewrites are carried out. */
export interface CompactionOptions extends Pick<RewriteOrder, 'sortOrder' | 'exemptIds' | 'targetFileSizeBytes'> {
  /** The table's name in the queue, without its namespace. */
  readonly table: string
  /** Rewrites under way at once. */
  readonly atOnce: number
  /** What those of other tables share with them; absent: there are none. */
  readonly turns?: Turns
  /** No further rewrite is begun once it aborts; those under way are finished and committed. */
  readonly signal?: AbortSignal
  readonly progress?: (done: CompactionReport) => void
}

/** What came of a compaction so far. */
export interface CompactionReport extends RewriteTotals {
  /** Rewrites that are in the table, of those that were planned. */
  readonly committed: number
  /** Those whose inputs others changed meanwhile: they are planned anew. */
  readonly refused: number
  /** Those that could not be carried out, and why the first of them could not. */
  readonly failed: number
  readonly problem: string | null
}

/** So many finished rewrites are committed at once, at most. */
const rewritesPerCommit = 20
/** A finished rewrite waits no longer than this for others, ms: what is committed is never done again. */
const commitMs = 60_000

/** About how many bytes of files one thread rewrites between two commits, where it does nothing else (docs/rewriting.md). */
const bytesPerCommit = 1024 * 1024 * 1024

/** What it takes one thread, about, to rewrite files of so many bytes. */
export function rewriteSeconds(bytes: number): number {
  return (bytes / bytesPerCommit) * (commitMs / 1000)
}

/** How many rewrites a commit will have, about: as many as are finished when one is due. */
export function expectedPerCommit({ rewrites, cost }: Pick<RewritePlan, 'rewrites' | 'cost'>, atOnce: number): number {
  const finished = Math.floor((atOnce * bytesPerCommit * rewrites.length) / Math.max(1, cost.inputBytes))
  return Math.max(1, Math.min(rewritesPerCommit, finished))
}

/** How the files of a rewrite shall be, by the table's metadata and the document. */
export function outputsOf(
  metadata: TableMetadata,
  { targetFileSizeBytes }: { readonly targetFileSizeBytes: number },
): Pick<CompactionOptions, 'sortOrder' | 'exemptIds' | 'targetFileSizeBytes'> {
  const sortOrder = sortableOrder(currentSchema(metadata).fields, defaultSortOrder(metadata))
  return { targetFileSizeBytes, sortOrder, exemptIds: kafkaColumnIds(metadata) }
}

/**
 * The order that terms ask for, under the id that the table has it by; 0 where it is none of the table's. Throws a WorkError where a term is
 * none of its columns.
 */
export function askedOrder(table: string, metadata: TableMetadata, terms: readonly SortTerm[]): SortOrder {
  const { fields, problems } = sortFields(terms, currentSchema(metadata).fields)
  if (problems.length > 0) {
    const said = problems.map(({ message }) => message).join('; ')
    throw new WorkError(`table ${table}: to sort by, ${said}`, { retry: 'never' })
  }
  return { 'order-id': sortOrderOf(metadata, fields)?.['order-id'] ?? 0, fields }
}

/**
 * Has the rewrites of a plan carried out as tasks of the lowest priority, by whoever takes them from the queue, and commits them as they
 * are finished. Whatever ends this, what is committed stays, and the rest is orphans and a plan that is made again.
 */
export async function compactTable(
  rewriter: TableRewriter,
  { rewrites }: RewritePlan,
  metadata: TableMetadata,
  options: CompactionOptions,
  seams: CompactorSeams,
): Promise<CompactionReport> {
  const compaction = new Compaction(rewriter, metadata, options, seams)
  return compaction.run(rewrites)
}

class Compaction {
  readonly #rewriter: TableRewriter
  readonly #tableUuid: string
  readonly #options: CompactionOptions
  readonly #seams: CompactorSeams
  readonly #open = new Map<string, { readonly done: Promise<void>; readonly giveUp: () => void }>()
  #finished: RewriteResult[] = []
  /** When the first of them was begun, ms. */
  #oldestMs = Infinity
  readonly #committed: RewriteResult[] = []
  #refused = 0
  #failed = 0
  #problem: string | null = null
  #lastCommitMs: number

  constructor(rewriter: TableRewriter, metadata: TableMetadata, options: CompactionOptions, seams: CompactorSeams) {
    this.#rewriter = rewriter
    this.#tableUuid = metadata['table-uuid']
    this.#options = options
    this.#seams = seams
    this.#lastCommitMs = seams.clock.now()
  }

  async run(rewrites: readonly PlannedRewrite[]): Promise<CompactionReport> {
    const { atOnce, signal } = this.#options
    const waiting = rewrites.values()
    for (;;) {
      while (this.#open.size < atOnce && signal?.aborted !== true) {
        const { value, done } = waiting.next()
        if (done === true) break
        this.#submit(value)
      }
      if (this.#open.size === 0) break
      const open = [...this.#open.values()].map(({ done }) => done)
      await Promise.race([...open, ...(signal === undefined || signal.aborted ? [] : [whenAborted(signal)])])
      if (signal?.aborted === true) await this.#withdraw()
      const isDue = this.#finished.length >= rewritesPerCommit || elapsedMs(this.#seams.clock.now(), this.#lastCommitMs) >= commitMs
      if (this.#finished.length > 0 && isDue) await this.#commit()
    }
    if (this.#finished.length > 0) await this.#commit()
    return this.#report()
  }

  #submit({ id, group, cost }: PlannedRewrite): void {
    const { table, sortOrder, exemptIds, targetFileSizeBytes, turns, signal } = this.#options
    const { queue } = this.#seams
    const order: RewriteOrder = { group, tableUuid: this.#tableUuid, targetFileSizeBytes, sortOrder, exemptIds }
    const task = { id: `${this.#tableUuid}-${id}`, parts: [], bytes: cost.inputBytes + cost.deleteBytes }
    const priority = priorityBands.upkeep + this.#open.size
    const { promise: withdrawn, resolve: withdraw } = Promise.withResolvers<null>()
    const carriedOut = async () => {
      if (signal?.aborted === true) return null
      return Promise.race([queue.submit(task.id, { task, table, rewrite: order }, priority), withdrawn])
    }
    const done = (turns === undefined ? carriedOut() : turns.take(carriedOut)).then(
      (result) => {
        if (result === null) return
        queue.forget(task.id)
        this.#oldestMs = Math.min(this.#oldestMs, result.startedAtMs)
        this.#finished.push(rewriteResult(order, result))
      },
      (error: unknown) => {
        queue.forget(task.id)
        if (!(error instanceof WorkError) || error instanceof TaskSetAside) {
          this.#seams.journal.error('a rewrite failed unexpectedly', { table: this.#rewriter.name, task: task.id, error: error as Error })
        }
        this.#failed++
        this.#problem ??= error instanceof Error ? error.message : String(error)
      },
    )
    this.#open.set(task.id, { done: done.finally(() => this.#open.delete(task.id)), giveUp: () => withdraw(null) })
  }

  /** What nobody has begun is given back. */
  async #withdraw(): Promise<void> {
    await Promise.all([...this.#open].map(async ([id, { giveUp }]) => (await this.#seams.queue.withdraw(id)) && giveUp()))
  }

  async #commit(): Promise<void> {
    const { journal, meter, clock } = this.#seams
    const offered = this.#finished
    const oldestMs = this.#oldestMs
    this.#finished = []
    this.#oldestMs = Infinity
    const { committed, refused } = await this.#rewriter.replace(offered, oldestMs)
    this.#lastCommitMs = clock.now()
    this.#committed.push(...committed.map(lean))
    this.#refused += refused.length
    const table = this.#rewriter.name
    for (const { reason } of refused) journal.info('rewrite refused, planned again', { table, reason })
    if (committed.length > 0) {
      const { inputFiles, inputBytes, outputFiles, outputBytes, rowsDeleted } = rewriteTotals(committed)
      journal.info('files rewritten', { table, inputFiles, outputFiles, inputBytes, outputBytes, rowsDeleted })
      meter.add('upkeep.rewrites.committed', committed.length, { table: this.#options.table })
    }
    if (refused.length > 0) meter.add('upkeep.rewrites.refused', refused.length, { table: this.#options.table })
    this.#options.progress?.(this.#report())
  }

  #report(): CompactionReport {
    return {
      ...rewriteTotals(this.#committed),
      committed: this.#committed.length,
      refused: this.#refused,
      failed: this.#failed,
      problem: this.#problem,
    }
  }
}

/** What is committed is only counted. */
function lean(result: RewriteResult): RewriteResult {
  const inputs = result.group.inputs.map(({ live }) => ({ live, deletes: [] }))
  return { ...result, group: { ...result.group, inputs } }
}

/** The Kafka columns, by what was stored when the table was created: whatever number of columns a table has, they keep their bounds. */
function kafkaColumnIds(metadata: TableMetadata): number[] {
  const text = metadata.properties?.[summaryKeys.layout]
  const layout = text === undefined ? null : parseLayout(text)
  if (layout === null) return []
  const { rescue: _others, ...columns } = layout.columns
  const names = new Set(Object.values(columns))
  return currentSchema(metadata).fields.flatMap(({ id, name }) => (names.has(name) ? [id] : []))
}
