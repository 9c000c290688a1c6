import { dataDirectory } from '../../formats/iceberg/table-location.ts'
import type { SortOrder, TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import type { Task } from '../../model/task.ts'
import type { Clock } from '../../seams/clock.ts'
import type { Entropy } from '../../seams/entropy.ts'
import type { FileIO } from '../../seams/file-io.ts'
import type { TaskResult } from '../../pipeline/flow.ts'
import type { RewriteGroup, RewriteResult } from '../../pipeline/maintain/rewrite-flow.ts'
import { rewriteGroup } from './rewriter.ts'
import type { WorkerLimits } from './worker.ts'

/** A rewrite, and how its files shall be. */
export interface RewriteOrder {
  readonly group: RewriteGroup
  readonly tableUuid: string
  readonly targetFileSizeBytes: number
  /** By which rows are sorted; its id is 0 where it is none of the table's. Null: they stay in their order. */
  readonly sortOrder: SortOrder | null
  /** Columns that keep their metrics in a table of many columns, by field id. */
  readonly exemptIds: readonly number[]
}

/** A rewrite as a task among those that feed tables. Who carries it out looks at the table first: its schema then is that of the outputs. */
export interface RewritePayload {
  /** Without parts: it decides no offset. */
  readonly task: Task
  readonly table: string
  readonly target?: undefined
  readonly rewrite: RewriteOrder
}

export interface RewriteSeams {
  readonly io: FileIO
  readonly clock: Clock
  readonly entropy: Entropy
}

/** How rewrites are carried out: here, or in another thread, of a table as its metadata says it is. */
export type CarryOutRewrite = (
  task: Task,
  order: RewriteOrder,
  metadata: TableMetadata,
  limits: WorkerLimits,
  seams: RewriteSeams,
) => Promise<TaskResult>

/** Carries out one rewrite. Throws what the stores throw and what the engine throws; then the files written so far are orphans. */
export async function carryOutRewrite(...[task, order, metadata, limits, seams]: Parameters<CarryOutRewrite>): Promise<TaskResult> {
  const startedAtMs = seams.clock.now()
  const directory = dataDirectory(metadata)
  const { files, rowsRead, rowsDeleted } = await rewriteGroup(order.group, metadata, {
    io: seams.io,
    sortOrder: order.sortOrder,
    rowGroupBytes: limits.rowGroupBytes,
    targetFileSizeBytes: order.targetFileSizeBytes,
    memoryLimitBytes: limits.rewriteBytes,
    newLocation: () => `${directory}/${seams.entropy.uuid()}.parquet`,
    exemptIds: new Set(order.exemptIds),
    signal: new AbortController().signal,
  })
  return { task, files, parts: [], startedAtMs, rewritten: { rowsRead, rowsDeleted } }
}

/** What carrying out a rewrite came to, for its commit. */
export function rewriteResult({ group }: RewriteOrder, { files, rewritten }: TaskResult): RewriteResult {
  if (rewritten === undefined) throw new WorkError('the result of a rewrite does not say how many rows it read', { retry: 'later' })
  return { group, files, ...rewritten }
}
