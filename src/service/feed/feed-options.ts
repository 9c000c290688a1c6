import type { TaskResult } from '../../pipeline/flow.ts'
import type { Clock } from '../../seams/clock.ts'
import type { Journal } from '../../seams/journal.ts'
import type { Meter } from '../../seams/meter.ts'
import type { TaskQueue } from '../../seams/task-queue.ts'
import type { FeedBounds } from '../tasks/limits.ts'
import type { TablePayload } from '../tasks/task-payload.ts'
import type { TableWatch } from './table-watch.ts'

/** How one table is fed. */
export interface FeedOptions {
  readonly table: string
  readonly commitIntervalMs: number
  readonly bounds: FeedBounds
  /** Our newest snapshot is renewed before it is this old or when others have committed since; null: never only for that. */
  readonly keepAliveMs: number
  readonly once: boolean
}

/** What a feed works with. */
export interface FeedSeams {
  readonly queue: TaskQueue<TablePayload, TaskResult>
  readonly clock: Clock
  readonly journal: Journal
  readonly meter: Meter
  readonly watch: TableWatch
}
