import { WorkError } from '../model/failure.ts'
import type { Catalog } from '../seams/catalog.ts'
import type { Journal } from '../seams/journal.ts'
import type { TaskQueue } from '../seams/task-queue.ts'
import type { TaskResult } from './flow.ts'
import type { TablePayload } from './table-feed.ts'
import type { CarryOut, TaskTarget, WorkerLimits, WorkerSeams } from './worker.ts'

export interface TaskSeams extends WorkerSeams {
  readonly queue: TaskQueue<TablePayload, TaskResult>
  readonly carryOut: CarryOut
  readonly journal: Journal
  /** Looks at a table before its first task is carried out here, where no feed of this process has; throws a WorkError where it can not. */
  readonly look?: LookAtTable
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
  const lane = async () => {
    for (;;) {
      const claim = await queue.claim(signal)
      if (claim === null) return
      const { task, table, target } = claim.payload
      try {
        await look?.(table, target)
        claim.complete(await carryOut(task, target, limits, seams))
      } catch (error) {
        if (!(error instanceof WorkError)) journal.error('a task failed unexpectedly', { task: claim.id, error: error as Error })
        claim.fail(error)
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
}
