import type { DataFile, ManifestFile } from '../formats/iceberg/data-file.ts'
import { readManifestList } from '../formats/iceberg/manifest-list.ts'
import { snapshotById, type TableMetadata } from '../formats/iceberg/table-metadata.ts'
import { WorkError } from '../model/failure.ts'
import { type OffsetRanges } from '../model/offset-range.ts'
import { currentId } from '../model/incarnation.ts'
import { type Progress, withDecided } from '../model/progress.ts'
import type { Requests } from '../model/requests.ts'
import { excusing, outstanding } from '../model/retraction.ts'
import type { Frontiers } from '../model/segment.ts'
import type { TopicPartition } from '../model/topic-partition.ts'
import type { Catalog, TableIdentifier } from '../seams/catalog.ts'
import type { Clock } from '../seams/clock.ts'
import type { Entropy } from '../seams/entropy.ts'
import type { FileIO } from '../seams/file-io.ts'
import type { Journal } from '../seams/journal.ts'
import type { Meter } from '../seams/meter.ts'
import { buildSnapshot } from './commit/build-snapshot.ts'
import { encodeRequests } from './commit/requests-text.ts'
import { selectResults, type Selection } from './commit/select-results.ts'
import { findTableState, hasCommit, refuseLost, RolledBack, stateAfterRollback, type TableState } from './commit/table-state.ts'
import type { TaskResult } from './flow.ts'

export interface CommitterSeams {
  readonly catalog: Catalog
  readonly io: FileIO
  readonly clock: Clock
  readonly entropy: Entropy
  readonly journal: Journal
  readonly meter: Meter
}

/** Offsets at which topic-partitions begin, decided by `startAt` and committed before any row: an empty range marks the place. */
export interface StartMark {
  readonly at: TopicPartition
  readonly ranges: OffsetRanges
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

/** What results were made for: a commit on top of other definitions would break them. */
export type Definitions = Pick<TableMetadata, 'table-uuid' | 'current-schema-id' | 'default-spec-id'> & {
  /** The source's id in progress, where it is known: another one means another log. */
  readonly sourceId?: string
}

/** Somebody changed a table's schema or partitioning: what was made for the old one is dropped, and the table is opened again. */
export class TableChanged extends WorkError {}

/** What shall be committed on top of a state. */
interface Proposal<T> {
  /** What the files and the new state come from, for when an attempt is found to have landed. */
  readonly what: T
  readonly files: readonly DataFile[]
  readonly state: TableState
}

/** `found`: an attempt whose answer was lost had landed; its state is the table's, which may have gone on since. */
type Landing<T> =
  | { readonly kind: 'committed' | 'found'; readonly what: T; readonly state: TableState }
  | { readonly kind: 'nothing'; readonly state: TableState }

/** A commit that was sent, and the results that it has. */
interface Attempt {
  readonly commitId: string
  readonly what: readonly TaskResult[]
}

/** Attempts of failed commits that are still looked for; older ones were sent long ago. */
const maxUnanswered = 100

/**
 * A commit that was judged this long ago is not sent any more, ms: a process that stood still between the two can not tell for how long,
 * and the age that results may have (`maxResultAgeMs`) would have no bound.
 */
const maxJudgedMs = 600_000

/** How often a commit is built anew after a conflict or an unknown outcome before it is left to the next interval. */
const maxAttempts = 10

/**
 * The committer of one table: joins results into one snapshot on top of the current one. Any number of committers is safe, here
 * and elsewhere: each commit asserts the parent that its results were checked against, so the second of two meets a conflict,
 * reads the progress that the first one wrote, and refuses what is decided now.
 */
export class TableCommitter {
  readonly #source: string
  /** The source's id in progress: that of its current incarnation. Null before the table was loaded. */
  #id: string | null = null
  readonly #table: TableIdentifier
  readonly #processorName: string
  readonly #seams: CommitterSeams
  /** What we saw committed: a table that has less has lost it. */
  #known: { readonly progress: Progress; readonly sequence: bigint } = { progress: new Map(), sequence: 0n }
  /** What was sent and not seen to have landed, of this commit and of earlier ones that failed: it may have, or may still. */
  #unanswered: Attempt[] = []

  readonly #definitions: Definitions

  constructor(source: string, table: TableIdentifier, processorName: string, definitions: Definitions, seams: CommitterSeams) {
    this.#definitions = definitions
    this.#id = definitions.sourceId ?? null
    this.#source = source
    this.#table = table
    this.#processorName = processorName
    this.#seams = seams
  }

  /** The source's id in progress, as of the last load. */
  get sourceId(): string {
    return this.#id ?? this.#source
  }

  get name(): string {
    return [...this.#table.namespace, this.#table.name].join('.')
  }

  /** The table's state as the catalog has it now. Throws what stops the table (`findTableState`), or that the table is gone. */
  async load(
    options?: { readonly fresh: boolean },
    find: typeof findTableState = findTableState,
  ): Promise<{ metadata: TableMetadata; state: TableState }> {
    const loaded = await this.#seams.catalog.loadTable(this.#table, options)
    if (loaded === null)
      throw new WorkError(`table ${this.name} does not exist any more; restore it, or restart to create it`, { retry: 'never' })
    this.#refuseChange(loaded.metadata)
    return { metadata: loaded.metadata, state: await this.#stateIn(loaded.metadata, find) }
  }

  /** What goes wrong with this table's files or settings stops this table, and no other. */
  async #ofThisTable<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof WorkError) throw error
      throw new WorkError(`table ${this.name} is stopped: ${error instanceof Error ? error.message : String(error)}`, {
        retry: 'never',
        cause: error,
      })
    }
  }

  /**
   * Commits what can be committed of `results`, with `marks`, or an empty snapshot that only carries progress (`keepAlive`).
   * Nothing to commit, nothing is written. Files of a commit that failed or whose outcome is unknown are never deleted.
   */
  commit(results: readonly TaskResult[], marks: readonly StartMark[] = [], keepAlive = false): Promise<CommitReport> {
    return this.#ofThisTable(() => this.#commit(results, marks, keepAlive))
  }

  async #commit(results: readonly TaskResult[], marks: readonly StartMark[], keepAlive: boolean): Promise<CommitReport> {
    let selection!: Selection<TaskResult>
    this.#unanswered = this.#unanswered.slice(-maxUnanswered)
    const landed = await this.#append(this.#unanswered, (state) => {
      const marked = this.#withMarks(state, marks)
      selection = selectResults(this.sourceId, { progress: marked.progress, frontiers: state.frontiers }, results, this.#seams.clock.now())
      if (selection.accepted.length === 0 && !marked.changed && !keepAlive) return null
      const { accepted, progress, frontiers } = selection
      const watermarkMs = watermarkOf(frontiers, this.sourceId, state.watermarkMs)
      const rescuedRows = state.rescuedRows === null ? null : state.rescuedRows + rescuedIn(accepted)
      const files = accepted.flatMap((result) => result.files)
      return { what: accepted, files, state: { ...state, progress, frontiers, watermarkMs, rescuedRows } }
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
    return this.#ofThisTable(async () => {
      const { state } = await this.#append([], (before) => {
        const requests = change(before.requests)
        if (encodeRequests(requests) === encodeRequests(before.requests)) return null
        return { what: null, files: [], state: { ...before, requests } }
      })
      return state
    })
  }

  /**
   * Where the table is stopped because it was rolled back or replaced, goes on from what its history says now: an empty append that
   * notes it, so that what was abandoned stops nobody any more. A table that goes on is not touched.
   */
  acceptRollback(): Promise<void> {
    return this.#ofThisTable(async () => {
      try {
        await this.load()
      } catch (error) {
        if (!(error instanceof RolledBack)) throw error
        this.#seams.journal.warn('rollback accepted, going on from what the history says now', { table: this.name, error })
        await this.#append([], (state) => ({ what: null, files: [], state }), stateAfterRollback)
      }
    })
  }

  /** Changes what the table says, by an empty append that carries everything else; null: nothing is to be changed. */
  changeState(change: (state: TableState, metadata: TableMetadata) => Promise<TableState | null>): Promise<TableState> {
    return this.#ofThisTable(async () => {
      const { state } = await this.#append([], async (before, metadata) => {
        const after = await change(before, metadata)
        return after === null ? null : { what: null, files: [], state: after }
      })
      return state
    })
  }

  /**
   * Commits what `propose` makes of the table's state, and after a conflict of its state then; null: there is nothing to commit.
   * `attempts` are those that were sent before, and gets those that are sent now.
   */
  async #append<T>(
    attempts: { readonly commitId: string; readonly what: T }[],
    propose: (state: TableState, metadata: TableMetadata) => Proposal<T> | null | Promise<Proposal<T> | null>,
    find: typeof findTableState = findTableState,
  ): Promise<Landing<T>> {
    const { catalog, clock, entropy, journal, meter } = this.#seams
    let reuse: { manifest: ManifestFile; files: string } | null = null
    for (let attempt = 1; ; attempt++) {
      // A commit whose outcome is unknown is looked for past every cache.
      const judgedMs = clock.now()
      const { metadata, state } = await this.load({ fresh: attempts.length > 0 }, find)
      const landed = attempts.find(({ commitId }) => hasCommit(metadata, commitId))
      if (landed !== undefined) return { kind: 'found', what: landed.what, state }
      const proposal = await propose(state, metadata)
      if (proposal === null) return { kind: 'nothing', state }
      const { what, files, state: proposed } = proposal
      const fileNames = files.map((file) => file.filePath).join('\n')
      const commitId = entropy.uuid()
      const built = await buildSnapshot(
        metadata,
        state.snapshotId,
        {
          ...proposed,
          retraction: outstanding(proposed.retraction, proposed.progress),
          processorName: this.#processorName,
          commitId,
          files,
        },
        reuse?.files === fileNames ? reuse.manifest : null,
        { io: this.#seams.io, entropy, nowMs: clock.now(), propertiesInCommit: catalog.profile.propertiesInCommit },
      )
      // It is never older than the tasks whose files it lists, and their results are judged by their age before each attempt.
      if (built.newManifest !== null) reuse = { manifest: built.newManifest, files: fileNames }
      const stoodMs = clock.now() - judgedMs
      if (stoodMs > maxJudgedMs) {
        journal.info('a commit was not sent, since it was judged too long ago; building anew', { table: this.name, attempt, stoodMs })
        if (attempt === maxAttempts) throw this.#gaveUp('overdue')
        continue
      }
      attempts.push({ commitId, what })
      const { requirements, updates, snapshot } = built
      const outcome = await catalog.commitTable(this.#table, { requirements, updates, idempotencyKey: entropy.uuidV7() })
      meter.add(`commit.${outcome.kind}`)
      if (outcome.kind === 'committed') {
        // A catalog that says yes without having it is not believed: the snapshot is looked for in the answer, then in the table.
        if (snapshotById(outcome.table.metadata, snapshot['snapshot-id']) !== undefined) {
          this.#known = { progress: proposed.progress, sequence: snapshot['sequence-number'] ?? 0n }
          return { kind: 'committed', what, state: { ...proposed, snapshotId: snapshot['snapshot-id'], newest: snapshot } }
        }
        journal.warn('the catalog confirmed a commit that its answer does not show', { table: this.name, commitId })
      } else if (outcome.kind === 'refused') {
        throw new WorkError(`table ${this.name}: the catalog refused the commit: ${outcome.reason}`, {
          retry: 'later',
          lacking: outcome.lacking,
        })
      } else {
        journal.info(outcome.kind === 'conflict' ? 'commit conflict, building anew' : 'commit state unknown, looking for it', {
          table: this.name,
          commitId,
          attempt,
          reason: outcome.reason,
        })
      }
      if (attempt === maxAttempts) throw this.#gaveUp(outcome.kind)
      await clock.sleep(backoffMs(attempt, outcome.kind))
    }
  }

  #gaveUp(outcomes: string): WorkError {
    return new WorkError(`table ${this.name}: ${maxAttempts} attempts to commit met ${outcomes} outcomes; the next interval tries again`, {
      retry: 'later',
    })
  }

  /** Somebody changed the table's schema or partitioning while we wrote for the old one: it is opened again. */
  #refuseChange(metadata: TableMetadata): void {
    const changed = (['table-uuid', 'current-schema-id', 'default-spec-id'] as const).find(
      (key) => metadata[key] !== this.#definitions[key],
    )
    if (changed === undefined) return
    const what = `table ${this.name} was changed: its ${changed} was ${this.#definitions[changed]} and is ${metadata[changed]}`
    if (changed === 'table-uuid')
      throw new WorkError(`${what}: it was created anew; restart if it shall be filled from the beginning`, { retry: 'never' })
    throw new TableChanged(what, { retry: 'now' })
  }

  /** An attempt whose answer was lost had landed: its results are committed, the others are judged against what is there now. */
  #afterLanding(accepted: readonly TaskResult[], results: readonly TaskResult[], state: TableState): CommitReport {
    this.#seams.meter.add('commit.found-landed')
    const others = results.filter((result) => !accepted.includes(result))
    const { refused } = selectResults(this.sourceId, state, others, this.#seams.clock.now())
    const gone = new Set(refused.map(({ result }) => result))
    return { committed: accepted, refused, held: others.filter((result) => !gone.has(result)), gaps: [], state }
  }

  async #stateIn(metadata: TableMetadata, find: typeof findTableState): Promise<TableState> {
    const state = await find(this.name, metadata, async (snapshot) => {
      try {
        return readManifestList(await this.#seams.io.read(snapshot['manifest-list']))
      } catch (error) {
        if (error instanceof WorkError && error.retry !== 'never') throw error
        this.#seams.journal.warn('a manifest list can not be read', {
          table: this.name,
          file: snapshot['manifest-list'],
          reason: String(error),
        })
        return null
      }
    })
    const { progress, retraction } = state
    refuseLost(this.name, this.#known.progress, excusing(progress, retraction, this.#known.sequence), 'this process')
    this.#known = { progress, sequence: state.newest?.['sequence-number'] ?? 0n }
    const id = currentId(state.progress, this.#source)
    // What was planned for the log that ended must not be committed any more, under any id.
    if (this.#id !== null && id !== this.#id) {
      throw new TableChanged(`table ${this.name}: ${this.#id} goes on as ${id}, since its log was restarted`, { retry: 'now' })
    }
    this.#id = id
    return state
  }

  /** Marks count only where nothing is decided yet: another process may have begun meanwhile. */
  #withMarks(state: TableState, marks: readonly StartMark[]): { progress: Progress; changed: boolean } {
    let { progress } = state
    let changed = false
    for (const { at, ranges } of marks) {
      if (progress.get(this.sourceId)?.get(at.topic)?.has(at.partition) === true) continue
      progress = withDecided(progress, this.sourceId, at, ranges)
      changed = true
    }
    return { progress, changed }
  }
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

function backoffMs(attempt: number, kind: 'conflict' | 'unknown' | 'committed'): number {
  return Math.min(kind === 'conflict' ? 50 * 2 ** attempt : 500 * 2 ** attempt, 30_000)
}
