import type { Task } from '../../model/task.ts'
import type { FeedBounds } from '../tasks/limits.ts'

/** What a table has under way: tasks that were handed out, tasks whose results wait for their commit, and whether commits fail. */
export interface UnderWay {
  readonly tasks: readonly Pick<Task, 'bytes'>[]
  readonly waiting: readonly Pick<Task, 'bytes'>[]
  readonly commitsFail: boolean
}

/** Whether nothing more is planned for now: there is enough under way, or it can not be committed. */
export function isFull(underWay: UnderWay, bounds: FeedBounds): boolean {
  const { tasks, waiting, commitsFail } = underWay
  const most = commitsFail ? bounds.maxTasksInFlight : bounds.maxUncommittedTasks
  return tasks.length >= bounds.maxTasksInFlight || tasks.length + waiting.length >= most || holdsMuch(underWay, bounds)
}

/** Whether what was read and is not committed has come to its bound: then it is committed before its time. */
export function holdsMuch({ tasks, waiting }: UnderWay, { maxUncommittedTasks, maxUncommittedBytes }: FeedBounds): boolean {
  if (waiting.length >= maxUncommittedTasks) return true
  const bytesOf = (some: UnderWay['tasks']) => some.reduce((sum, { bytes }) => sum + bytes, 0)
  return bytesOf(tasks) + bytesOf(waiting) >= maxUncommittedBytes
}
