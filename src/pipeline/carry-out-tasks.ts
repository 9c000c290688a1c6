import { WorkError } from '../model/failure.ts'
import type { Journal } from '../seams/journal.ts'
import type { TaskQueue } from '../seams/task-queue.ts'
import type { TaskResult } from './flow.ts'
import type { TablePayload } from './table-feed.ts'
import type { CarryOut, WorkerLimits, WorkerSeams } from './worker.ts'

export interface TaskSeams extends WorkerSeams {
  readonly queue: TaskQueue<TablePayload, TaskResult>
  readonly carryOut: CarryOut
  readonly journal: Journal
}

/** Claims tasks and carries them out, `atOnce` at a time, until `signal` aborts; what was claimed is finished. */
export async function carryOutTasks(atOnce: number, limits: WorkerLimits, seams: TaskSeams, signal: AbortSignal): Promise<void> {
  const { queue, carryOut, journal } = seams
  const lane = async () => {
    for (;;) {
      const claim = await queue.claim(signal)
      if (claim === null) return
      const { task, target } = claim.payload
      try {
        claim.complete(await carryOut(task, target, limits, seams))
      } catch (error) {
        if (!(error instanceof WorkError)) journal.error('a task failed unexpectedly', { task: claim.id, error: error as Error })
        claim.fail(error)
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
}
