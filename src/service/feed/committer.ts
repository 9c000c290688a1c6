import type { TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { leftOutWith } from '../../model/left-out.ts'
import { normalizeRanges, type OffsetRanges } from '../../model/offset-range.ts'
import { withDecided } from '../../model/progress.ts'
import type { Requests } from '../../model/requests.ts'
import { type Frontier, type Frontiers, withFrontier } from '../../model/segment.ts'
import { speedWith } from '../../model/speed.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import { withoutRowsWith } from '../../model/without-row.ts'
import type { TableIdentifier } from '../../seams/catalog.ts'
import { appended, noFiles } from '../../pipeline/commit/file-change.ts'
import { encodeRequests } from '../../pipeline/commit/requests-text.ts'
import { selectResults, type Selection } from '../../pipeline/commit/select-results.ts'
import { findTableState, RolledBack, stateAfterRollback, type TableState } from '../../pipeline/commit/table-state.ts'
import { type Attempt, CommitLoop, type CommitterSeams, type Definitions } from './commit-loop.ts'
import type { TaskResult } from '../../pipeline/flow.ts'

/** Offsets at which topic-partitions begin, decided by `startAt` and committed before any row: an empty range marks the place. */
export interface StartMark {
  readonly at: TopicPartition
  readonly ranges: OffsetRanges
  /** The segment that the tail follows from there; absent where there is none before the start. */
  readonly frontier?: Frontier
}

/** What a commit came to. `refused` must be planned again; `held` wait for what they follow. */
export interface CommitReport {
  readonly committed: readonly TaskResult[]
  readonly refused: readonly { readonly result: TaskResult; readonly reason: string }[]
  readonly held: readonly TaskResult[]
  /** Offsets missing in the source between what was decided before and what is decided now. */
  readonly gaps: Selection<TaskResult>['gaps']
  readonly state: TableState
}

/** Attempts of failed commits that are still looked for; older ones were sent long ago. */
const maxUnanswered = 100

/**
 * The committer of one table: joins results into one snapshot on top of the current one. Any number of committers is safe, here
 * and elsewhere: each commit asserts the parent that its results were checked against, so the second of two meets a conflict,
 * reads the progress that the first one wrote, and refuses what is decided now.
 */
export class TableCommitter {
  readonly #loop: CommitLoop
  readonly #specId: number
  readonly #seams: CommitterSeams
  /** What was sent and not seen to have landed, of this commit and of earlier ones that failed: it may have, or may still. */
  #unanswered: Attempt<readonly TaskResult[]>[] = []

  constructor(source: string, table: TableIdentifier, processorName: string, definitions: Definitions, seams: CommitterSeams) {
    this.#loop = new CommitLoop(source, table, processorName, definitions, seams)
    this.#specId = definitions['default-spec-id']
    this.#seams = seams
  }

  /** The source's id in progress, as of the last load. */
  get sourceId(): string {
    return this.#loop.sourceId
  }

  get name(): string {
    return this.#loop.name
  }

  /** The table's state as the catalog has it now. Throws what stops the table (`findTableState`), or that the table is gone. */
  load(options?: { readonly fresh: boolean }): Promise<{ metadata: TableMetadata; state: TableState }> {
    return this.#loop.load(options)
  }

  /** The table's state by metadata that was loaded just now. Throws as `load` does. */
  look(metadata: TableMetadata): Promise<TableState> {
    return this.#loop.look(metadata)
  }

  /**
   * Commits what can be committed of `results`, with `marks`, or an empty snapshot that only carries progress (`keepAlive`).
   * Nothing to commit, nothing is written. Files of a commit that failed or whose outcome is unknown are never deleted.
   */
  commit(results: readonly TaskResult[], marks: readonly StartMark[] = [], keepAlive = false): Promise<CommitReport> {
    return this.#loop.ofThisTable(() => this.#commit(results, marks, keepAlive))
  }

  async #commit(results: readonly TaskResult[], marks: readonly StartMark[], keepAlive: boolean): Promise<CommitReport> {
    let selection!: Selection<TaskResult>
    this.#unanswered = this.#unanswered.slice(-maxUnanswered)
    const landed = await this.#loop.commit(this.#unanswered, (state) => {
      const marked = withMarks(state, marks, this.sourceId)
      selection = selectResults(this.sourceId, marked, results, this.#seams.clock.now())
      if (selection.accepted.length === 0 && marked === state && !keepAlive) return null
      const { accepted, progress, frontiers } = selection
      const parts = accepted.flatMap((result) => result.parts)
      const history = parts.filter((part) => part.history === true)
      const leftOut = leftOutWith(marked, this.sourceId, history)
      const decided = parts.map((part) => ({ ...part, skipped: normalizeRanges(part.skips.map(({ range }) => range)) }))
      const watermarkMs = watermarkOf(frontiers, this.sourceId, state.watermarkMs)
      const rescuedRows = state.rescuedRows === null ? null : state.rescuedRows + rescuedIn(accepted)
      const files = accepted.flatMap((result) => result.files)
      return {
        what: accepted,
        change: appended(files, this.#specId),
        state: {
          ...state,
          progress,
          frontiers,
          leftOut,
          ...withoutRowsWith(state, this.sourceId, decided),
          watermarkMs,
          rescuedRows,
          speed: speedWith(state.speed, accepted),
        },
      }
    })
    if (landed.kind !== 'nothing') this.#unanswered = []
    if (landed.kind === 'found') return this.#afterLanding(landed.what, results, landed.state)
    const { refused, held } = selection
    if (landed.kind === 'nothing') return { committed: [], refused, held, gaps: [], state: landed.state }
    return { committed: landed.what, refused, held, gaps: selection.gaps, state: landed.state }
  }

  /**
   * Changes what is asked of the table, by an empty append that carries everything else: `change` is applied to what is asked in the
   * table then, again after a conflict. Nothing to change, nothing is written.
   */
  changeRequests(change: (requests: Requests) => Requests): Promise<TableState> {
    return this.#loop.ofThisTable(async () => {
      const { state } = await this.#loop.commit([], (before) => {
        const requests = change(before.requests)
        if (encodeRequests(requests) === encodeRequests(before.requests)) return null
        return { what: null, change: noFiles, state: { ...before, requests } }
      })
      return state
    })
  }

  /**
   * Where the table is stopped because it was rolled back or replaced, goes on from what its history says now: an empty append that
   * notes it, so that what was abandoned stops nobody any more. A table that goes on is not touched. `refuse` throws where the table, as it is then,
   * must not go on so.
   */
  acceptRollback(refuse: (metadata: TableMetadata) => Promise<void>): Promise<void> {
    return this.#loop.ofThisTable(async () => {
      try {
        await this.load()
      } catch (error) {
        if (!(error instanceof RolledBack)) throw error
        const propose = async (state: TableState, metadata: TableMetadata) => {
          await refuse(metadata)
          return { what: null, change: noFiles, state }
        }
        await this.#loop.commit([], propose, stateAfterRollback)
        this.#seams.journal.warn('rollback accepted, going on from what the history says now', { table: this.name, error })
      }
    })
  }

  /**
   * Changes what the table says, by an empty append that carries everything else; null: nothing is to be changed. `find`: what the table
   * says before, where it does not say it by itself.
   */
  changeState(
    change: (state: TableState, metadata: TableMetadata) => Promise<TableState | null>,
    find = findTableState,
  ): Promise<TableState> {
    return this.#loop.ofThisTable(async () => {
      const propose = async (before: TableState, metadata: TableMetadata) => {
        const after = await change(before, metadata)
        return after === null ? null : { what: null, change: noFiles, state: after }
      }
      const { state } = await this.#loop.commit([], propose, find)
      return state
    })
  }

  /** An attempt whose answer was lost had landed: its results are committed, the others are judged against what is there now. */
  #afterLanding(accepted: readonly TaskResult[], results: readonly TaskResult[], state: TableState): CommitReport {
    this.#seams.meter.add('commit.found-landed')
    const others = results.filter((result) => !accepted.includes(result))
    const { refused } = selectResults(this.sourceId, state, others, this.#seams.clock.now())
    const gone = new Set(refused.map(({ result }) => result))
    return { committed: accepted, refused, held: others.filter((result) => !gone.has(result)), gaps: [], state }
  }
}

/** The state with these marks. They count only where nothing is decided yet: another process may have begun meanwhile. */
export function withMarks(state: TableState, marks: readonly StartMark[], sourceId: string): TableState {
  let { progress, frontiers } = state
  for (const { at, ranges, frontier } of marks) {
    if (progress.get(sourceId)?.get(at.topic)?.has(at.partition) === true) continue
    progress = withDecided(progress, sourceId, at, ranges)
    if (frontier !== undefined) frontiers = withFrontier(frontiers, sourceId, at, frontier)
  }
  return progress === state.progress ? state : { ...state, progress, frontiers }
}

function rescuedIn(results: readonly TaskResult[]): bigint {
  return BigInt(results.reduce((sum, { parts }) => sum + parts.reduce((n, { rescued }) => n + rescued.records, 0), 0))
}

/** Event time up to which every topic-partition has delivered, ms; it never goes back. Null while no record had a timestamp. */
function watermarkOf(frontiers: Frontiers, source: string, before: number | null): number | null {
  let least: number | null = null
  for (const partitions of (frontiers.get(source) ?? new Map<string, ReadonlyMap<number, { maxTimestampMs: number | null }>>()).values()) {
    for (const { maxTimestampMs } of partitions.values()) {
      if (maxTimestampMs !== null && (least === null || maxTimestampMs < least)) least = maxTimestampMs
    }
  }
  return before !== null && (least === null || least < before) ? before : least
}
