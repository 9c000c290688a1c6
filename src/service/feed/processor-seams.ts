import type { Catalog } from '../../seams/catalog.ts'
import type { Clock } from '../../seams/clock.ts'
import type { Entropy } from '../../seams/entropy.ts'
import type { ListedFiles } from '../../seams/file-io.ts'
import type { HighWatermarks } from '../../seams/high-watermarks.ts'
import type { Journal } from '../../seams/journal.ts'
import type { Meter } from '../../seams/meter.ts'
import type { ObjectStore } from '../../seams/object-store.ts'
import type { Leases } from '../../seams/leases.ts'
import type { TaskQueue } from '../../seams/task-queue.ts'
import type { LookAtTable, Rewrites } from '../tasks/carry-out-tasks.ts'
import type { CommitQueue } from './commits.ts'
import type { TaskResult } from '../../pipeline/flow.ts'
import type { TablePayload } from '../tasks/task-payload.ts'
import type { CarryOut } from '../tasks/worker.ts'

/** What a processor needs of the world. */
export interface ProcessorSeams {
  readonly source: ObjectStore
  readonly catalog: Catalog
  readonly io: ListedFiles
  readonly queue: TaskQueue<TablePayload, TaskResult>
  /** Tasks that are carried out at once here, where other processes take them too; absent: `parallelism`. */
  readonly tasksAtOnce?: number
  /** Commits are made by other processes, and tasks carried out by others; absent: both here. */
  readonly commits?: CommitQueue
  /** Absent: no other process feeds the same tables. */
  readonly leases?: Leases
  /** As in `TaskSeams`; absent: all tasks are for tables that this process feeds. */
  readonly look?: LookAtTable
  readonly carryOut: CarryOut
  /** How files of tables are rewritten; absent where they are not. */
  readonly rewrites?: Rewrites
  readonly clock: Clock
  readonly entropy: Entropy
  readonly journal: Journal
  readonly meter: Meter
  /** Absent: whether there is something new is found by listing alone. */
  readonly watermarks?: HighWatermarks
}
