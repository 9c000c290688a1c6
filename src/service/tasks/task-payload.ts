import type { Task } from '../../model/task.ts'
import type { RewritePayload } from './rewrite-task.ts'
import type { TaskTarget } from './worker.ts'

/** What stands in the queue of tasks. */
export type TablePayload = FeedPayload | RewritePayload

/** A task with the table it feeds. */
export interface FeedPayload {
  readonly task: Task
  readonly table: string
  readonly target: TaskTarget
  readonly rewrite?: undefined
}
