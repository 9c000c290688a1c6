import { WorkError } from '../../model/failure.ts'
import type { Task } from '../../model/task.ts'
import type { Catalog } from '../../seams/catalog.ts'
import type { Journal } from '../../seams/journal.ts'
import type { FileIO } from '../../seams/file-io.ts'
import type { TaskQueue } from '../../seams/task-queue.ts'
import type { TaskResult } from '../../pipeline/flow.ts'
import type { CarryOutRewrite, RewriteOrder } from './rewrite-task.ts'
import type { TablePayload } from './task-payload.ts'
import type { CarryOut, TaskTarget, WorkerLimits, WorkerSeams } from './worker.ts'

export interface TaskSeams extends WorkerSeams {
  readonly queue: TaskQueue<TablePayload, TaskResult>
  readonly carryOut: CarryOut
  readonly journal: Journal
  /** How files of tables are rewritten; absent where they are not. */
  readonly rewrites?: Rewrites
  /** Looks at a table before its first task is carried out here, where no feed of this process has; throws a WorkError where it can not. */
  readonly look?: LookAtTable
}

/** What rewrites need beside what other tasks do. */
export interface Rewrites {
  readonly catalog: Pick<Catalog, 'loadTable'>
  readonly namespace: readonly string[]
  readonly io: FileIO
  readonly carryOut: CarryOutRewrite
  /** So many are carried out here at once, as memory and threads are for; others stay in the queue. Absent: as many as there are tasks at once. */
  readonly atOnce?: number
}

export type LookAtTable = (table: string, target: TaskTarget) => Promise<void>

/** Tables that are remembered to have been looked at; of more, the one of longest ago is looked at again. */
const rememberedTables = 500

/**
 * Looks once at each table that tasks are for. A catalog says where the files of a table are reached, and with what keys, only to
 * who loads it.
 */
export function lookOnce(catalog: Pick<Catalog, 'loadTable'>, namespace: readonly string[]): LookAtTable {
  const seen = new Map<string, Promise<unknown>>()
  return async (table, { dataDirectory }) => {
    const key = `${table} ${dataDirectory}`
    let look = seen.get(key)
    if (look === undefined) {
      look = catalog.loadTable({ namespace, name: table })
      seen.set(key, look)
      look.catch(() => seen.delete(key))
      const [oldest] = seen.keys()
      if (seen.size > rememberedTables) seen.delete(oldest)
    }
    await look
  }
}

/** Claims tasks and carries them out, `atOnce` at a time, until `signal` aborts; what was claimed is finished. */
export async function carryOutTasks(atOnce: number, limits: WorkerLimits, seams: TaskSeams, signal: AbortSignal): Promise<void> {
  const { queue, carryOut, journal, look } = seams
  let rewriting = 0
  const lane = async () => {
    for (;;) {
      let isRewriting = false
      // A rewrite that would only wait here keeps no lane from other tasks.
      const accepts = ({ rewrite }: TablePayload) => {
        if (rewrite === undefined) return true
        isRewriting = rewriting < (seams.rewrites?.atOnce ?? Infinity)
        if (isRewriting) rewriting++
        return isRewriting
      }
      const claim = await queue.claim(signal, accepts)
      if (claim === null) return
      const { task, table, target, rewrite } = claim.payload
      try {
        if (rewrite !== undefined) claim.complete(await carryOutRewrite(task, table, rewrite))
        else {
          await look?.(table, target)
          claim.complete(await carryOut(task, target, limits, seams))
        }
      } catch (error) {
        if (!(error instanceof WorkError)) journal.error('a task failed unexpectedly', { task: claim.id, error: error as Error })
        claim.fail(error)
      } finally {
        if (isRewriting) rewriting--
      }
    }
  }
  /** The table is loaded for each: its schema may have changed, and the catalog gives the keys to its files. */
  const carryOutRewrite = async (task: Task, table: string, order: RewriteOrder) => {
    if (seams.rewrites === undefined) throw new WorkError('this process can not rewrite files', { retry: 'later' })
    const { catalog, namespace, io, carryOut: rewrite } = seams.rewrites
    const loaded = await catalog.loadTable({ namespace, name: table })
    if (loaded?.metadata['table-uuid'] !== order.tableUuid)
      throw new WorkError(`table ${table} is gone or was created anew since the rewrite was planned`, { retry: 'now' })
    return rewrite(task, order, loaded.metadata, limits, { io, clock: seams.clock, entropy: seams.entropy })
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
}
