import type { ManifestFile } from '../../formats/iceberg/data-file.ts'
import { readManifestList } from '../../formats/iceberg/manifest-list.ts'
import { refSnapshotId, type Snapshot, snapshotById, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import { currentId } from '../../model/incarnation.ts'
import { type Progress, progressBeyond } from '../../model/progress.ts'
import { excusing, outstanding } from '../../model/retraction.ts'
import type { Catalog, CommitOutcome, TableIdentifier } from '../../seams/catalog.ts'
import type { Clock } from '../../seams/clock.ts'
import type { Entropy } from '../../seams/entropy.ts'
import type { FileIO } from '../../seams/file-io.ts'
import type { Journal } from '../../seams/journal.ts'
import type { Meter } from '../../seams/meter.ts'
import { ObjectNotFound } from '../../seams/object-store.ts'
import type { Turns } from '../tasks/turns.ts'
import { type BuiltCommit, buildSnapshot } from '../../pipeline/commit/build-snapshot.ts'
import type { FileChange } from '../../pipeline/commit/file-change.ts'
import { findTableState, hasCommit, refuseLost, type TableState } from '../../pipeline/commit/table-state.ts'

export interface CommitterSeams {
  readonly catalog: Catalog
  readonly io: FileIO
  readonly clock: Clock
  readonly entropy: Entropy
  readonly journal: Journal
  readonly meter: Meter
  /** Of who commits beside a table's feed: what is sent waits for its turn, so that no append is built anew because of it. Absent: nobody is waited for. */
  readonly turn?: Turns
}

/** What results were made for: a commit on top of other definitions would break them. */
export type Definitions = Pick<TableMetadata, 'table-uuid' | 'current-schema-id' | 'default-spec-id'> & {
  /** The source's id in progress, where it is known: another one means another log. */
  readonly sourceId?: string
}

/** Somebody changed a table's schema or partitioning: what was made for the old one is dropped, and the table is opened again. */
export class TableChanged extends WorkError {}

/** The stop of a table that is gone. One that was renamed would be filled a second time, and one that was dropped could not be restored any more. */
export function tableGone(name: string): WorkError {
  return new WorkError(`table ${name} does not exist any more; restore it, or restart to create it`, { retry: 'never' })
}

/** The stop of a table in whose place another one stands. */
export function tableCreatedAnew(name: string, was: string, is: string): WorkError {
  return new WorkError(
    `table ${name} was changed: its table-uuid was ${was} and is ${is}: it was created anew; restart if it shall be filled from the beginning`,
    { retry: 'never' },
  )
}

/** What shall be committed on top of a state. */
export interface Proposal<T> {
  /** What the files and the new state come from, for when an attempt is found to have landed. */
  readonly what: T
  readonly change: FileChange
  readonly state: TableState
}

/** `found`: an attempt whose answer was lost had landed; its state is the table's, which may have gone on since. */
export type Landing<T> =
  | { readonly kind: 'committed' | 'found'; readonly what: T; readonly state: TableState }
  | { readonly kind: 'nothing'; readonly state: TableState }

/** A commit that was sent, and what it has. */
export interface Attempt<T> {
  readonly commitId: string
  readonly what: T
}

/** What one call of `commit` is about, and what its attempts leave to those that follow. */
interface Aim<T> {
  readonly attempts: Attempt<T>[]
  readonly propose: (state: TableState, metadata: TableMetadata) => Proposal<T> | null | Promise<Proposal<T> | null>
  readonly find: typeof findTableState
  /** The manifests that list `files`, which another attempt that adds the same files need not write again. */
  written: { readonly manifests: readonly ManifestFile[]; readonly files: string } | null
}

/** An attempt that did not land: the next one is built on what the table is then. */
interface Again {
  readonly kind: 'again'
  readonly outcome: 'outdated' | 'overdue' | Exclude<CommitOutcome['kind'], 'refused'>
  readonly waitMs: number
}

/** What was seen committed, and the sequence number of the snapshot that said so. */
interface Known {
  readonly progress: Progress
  readonly sequence: bigint
}

/**
 * A commit that was judged this long ago is not sent any more, ms: a process that stood still between the two can not tell for how long,
 * and the age that results may have (`maxResultAgeMs`) would have no bound.
 */
const maxJudgedMs = 600_000

/**
 * A commit is built on a state that this loop loaded no longer ago than this, ms: where others have committed since, it meets a conflict as it
 * would have otherwise, and is built anew on a state loaded then.
 */
const reusedMs = 5000

/** How often a commit is built anew after a conflict or an unknown outcome before it is left to the next interval. */
const maxAttempts = 10
/** Who commits beside the feed builds so often while that goes on; then the feed waits, since one that commits all the time would come first each time. */
const patientAttempts = 2

/**
 * How every snapshot of this program comes into a table, whatever it does: on top of the state just read, asserting its parent, built
 * anew after a conflict, looked for after an unknown outcome. Any number of processes may do so at once: who comes second meets a conflict, and
 * proposes again from what the first one left.
 */
export class CommitLoop {
  readonly #source: string
  /** The source's id in progress: that of its current incarnation. Null before the table was loaded. */
  #id: string | null = null
  readonly #table: TableIdentifier
  readonly #processorName: string
  readonly #seams: CommitterSeams
  /** What we saw committed: a table that has less has lost it. */
  #known: Known = { progress: new Map(), sequence: 0n }
  /** As `findTableState` takes it. */
  readonly #judged = new Set<bigint>()
  readonly #definitions: Partial<Definitions>
  /** What was loaded last, and not committed on. */
  #loaded: { readonly metadata: TableMetadata; readonly state: TableState; readonly atMs: number } | null = null

  /** `definitions`: what the table must still have; what is not named there may change. */
  constructor(source: string, table: TableIdentifier, processorName: string, definitions: Partial<Definitions>, seams: CommitterSeams) {
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
    const known = this.#known
    const loaded = await this.#seams.catalog.loadTable(this.#table, options)
    if (loaded === null) throw tableGone(this.name)
    try {
      return { metadata: loaded.metadata, state: await this.look(loaded.metadata, find, known) }
    } catch (error) {
      // Who stood still since the answer may stop for a file that an expiry has removed meanwhile.
      if (options?.fresh === true || !(error instanceof WorkError) || error.retry !== 'never') throw error
      if (!(await this.#hasMovedOn(loaded.metadata))) throw error
      return this.load({ fresh: true }, find)
    }
  }

  /**
   * The table's state by metadata that was loaded just now. Throws as `load` does. `known`: what was seen committed before it was asked for; what
   * was committed since, by this process too, an answer that was on its way need not have.
   */
  async look(metadata: TableMetadata, find: typeof findTableState = findTableState, known = this.#known): Promise<TableState> {
    const atMs = this.#seams.clock.now()
    this.#loaded = null
    this.#refuseChange(metadata)
    const state = await this.#stateIn(metadata, find, known)
    if (find === findTableState) this.#loaded = { metadata, state, atMs }
    return state
  }

  /** What was loaded a moment ago, once. The assertion that there is no snapshot yet is not every catalog's: a first commit looks anew. */
  #takeLoaded(): { metadata: TableMetadata; state: TableState; atMs: number } | null {
    const loaded = this.#loaded
    this.#loaded = null
    return loaded !== null && loaded.state.snapshotId !== null && this.#seams.clock.now() - loaded.atMs < reusedMs ? loaded : null
  }

  /** What goes wrong with this table's files or settings stops this table, and no other. */
  async ofThisTable<T>(work: () => Promise<T>): Promise<T> {
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
   * Commits what `propose` makes of the table's state, and after a conflict of its state then; null: there is nothing to commit.
   * `attempts` are those that were sent before, and gets those that are sent now.
   */
  async commit<T>(attempts: Attempt<T>[], propose: Aim<T>['propose'], find: typeof findTableState = findTableState): Promise<Landing<T>> {
    const { clock, turn } = this.#seams
    const aim: Aim<T> = { attempts, propose, find, written: null }
    for (let nth = 1; ; nth++) {
      const leave = nth > patientAttempts ? await turn?.enter() : undefined
      const met = await this.#attempt(aim, nth, leave !== undefined).finally(leave)
      if (met.kind !== 'again') return met
      if (nth === maxAttempts) throw this.#gaveUp(met.outcome)
      if (met.waitMs > 0) await clock.sleep(met.waitMs)
    }
  }

  /** One attempt, on the table's state now. `hasTurn`: nobody has to be waited for. */
  async #attempt<T>(aim: Aim<T>, nth: number, hasTurn: boolean): Promise<Landing<T> | Again> {
    const { catalog, clock, entropy, io, journal, meter, turn } = this.#seams
    const { attempts, propose, find } = aim
    const reused = attempts.length === 0 && find === findTableState ? this.#takeLoaded() : null
    const judgedMs = reused?.atMs ?? clock.now()
    // A commit whose outcome is unknown is looked for past every cache.
    const { metadata, state } = reused ?? (await this.load({ fresh: attempts.length > 0 }, find))
    this.#loaded = null
    const landed = attempts.find(({ commitId }) => hasCommit(metadata, commitId))
    if (landed !== undefined) return { kind: 'found', what: landed.what, state }
    const proposal = await propose(state, metadata)
    if (proposal === null) return { kind: 'nothing', state }
    const { what, change, state: proposed } = proposal
    const files = change.added.map(({ file }) => file.filePath).join('\n')
    const commitId = entropy.uuid()
    const about = { table: this.name, commitId, attempt: nth }
    const contents = {
      ...proposed,
      retraction: outstanding(proposed.retraction, proposed.progress),
      processorName: this.#processorName,
      commitId,
      change,
    }
    const around = { io, entropy, nowMs: clock.now(), propertiesInCommit: catalog.profile.propertiesInCommit }
    const reuse = aim.written?.files === files ? aim.written.manifests : null
    let built: BuiltCommit
    try {
      built = await buildSnapshot(metadata, state.snapshotId, contents, reuse, around)
    } catch (error) {
      // Who stood still since the table was loaded may look for files that an expiry has removed meanwhile.
      if (!(error instanceof ObjectNotFound) || !(await this.#hasMovedOn(metadata))) throw error
      journal.info('a commit was built on a snapshot that is gone by now; building anew', { ...about, error })
      return { kind: 'again', outcome: 'outdated', waitMs: 0 }
    }
    // It is never older than the tasks whose files it lists, and their results are judged by their age before each attempt.
    aim.written = { manifests: built.newManifests, files }
    const stoodMs = clock.now() - judgedMs
    if (stoodMs > maxJudgedMs) {
      journal.info('a commit was not sent, since it was judged too long ago; building anew', { ...about, stoodMs })
      return { kind: 'again', outcome: 'overdue', waitMs: 0 }
    }
    attempts.push({ commitId, what })
    const { requirements, updates, snapshot } = built
    const send = () => catalog.commitTable(this.#table, { requirements, updates, idempotencyKey: entropy.uuidV7() })
    const outcome = await (turn === undefined || hasTurn ? send() : turn.take(send))
    meter.add(`commit.${outcome.kind}`)
    // A catalog that says yes without having it is not believed: the snapshot is looked for in the answer, then in the table.
    if (outcome.kind === 'committed' && snapshotById(outcome.table.metadata, snapshot['snapshot-id']) !== undefined) {
      this.#known = { progress: proposed.progress, sequence: snapshot['sequence-number'] ?? 0n }
      return { kind: 'committed', what, state: { ...proposed, snapshotId: snapshot['snapshot-id'], newest: snapshot } }
    }
    if (outcome.kind === 'refused') {
      throw new WorkError(`table ${this.name}: the catalog refused the commit: ${outcome.reason}`, {
        retry: 'later',
        lacking: outcome.lacking,
      })
    }
    if (outcome.kind === 'committed') {
      journal.warn('the catalog confirmed a commit that its answer does not show', about)
    } else {
      const said = outcome.kind === 'conflict' ? 'commit conflict, building anew' : 'commit state unknown, looking for it'
      journal.info(said, { ...about, reason: outcome.reason })
    }
    return { kind: 'again', outcome: outcome.kind, waitMs: backoffMs(nth, outcome.kind) }
  }

  /** Whether the table has another snapshot now than when this was loaded. */
  async #hasMovedOn(metadata: TableMetadata): Promise<boolean> {
    const now = await this.#seams.catalog.loadTable(this.#table, { fresh: true })
    return now !== null && refSnapshotId(now.metadata) !== refSnapshotId(metadata)
  }

  #gaveUp(outcomes: Again['outcome']): WorkError {
    return new WorkError(`table ${this.name}: ${maxAttempts} attempts to commit met ${outcomes} outcomes; the next interval tries again`, {
      retry: 'later',
    })
  }

  /** Somebody changed the table's schema or partitioning while we wrote for the old one: it is opened again. */
  #refuseChange(metadata: TableMetadata): void {
    const changed = (['table-uuid', 'current-schema-id', 'default-spec-id'] as const).find(
      (key) => this.#definitions[key] !== undefined && metadata[key] !== this.#definitions[key],
    )
    if (changed === undefined) return
    if (changed === 'table-uuid') throw tableCreatedAnew(this.name, this.#definitions[changed]!, metadata[changed])
    const what = `table ${this.name} was changed: its ${changed} was ${this.#definitions[changed]} and is ${metadata[changed]}`
    throw new TableChanged(what, { retry: 'now' })
  }

  async #stateIn(metadata: TableMetadata, find: typeof findTableState, known: Known): Promise<TableState> {
    const readList = async (snapshot: Snapshot) => {
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
    }
    const state = await find(this.name, metadata, readList, this.#judged)
    const { progress, retraction, requests } = state
    const had = excusing(progress, retraction, known.sequence)
    const isAbandoned = requests.abandonedUpTo !== null && known.sequence <= requests.abandonedUpTo
    // By another process, or by an attempt of this one of which the answer was lost.
    if (isAbandoned && progressBeyond(known.progress, had).length > 0) {
      throw new TableChanged(`table ${this.name}: its source has moved, or a rollback of it was accepted, since it was loaded`, {
        retry: 'now',
      })
    }
    refuseLost(this.name, known.progress, had, 'this process')
    // Whoever was quicker knows at least as much.
    if (this.#known === known) this.#known = { progress, sequence: state.newest?.['sequence-number'] ?? 0n }
    const id = currentId(state.progress, this.#source)
    // What was planned for the log that ended must not be committed any more, under any id.
    if (this.#id !== null && id !== this.#id) {
      throw new TableChanged(`table ${this.name}: ${this.#id} goes on as ${id}, since its log was restarted`, { retry: 'now' })
    }
    this.#id = id
    return state
  }
}

function backoffMs(attempt: number, kind: Again['outcome']): number {
  return Math.min(kind === 'conflict' ? 50 * 2 ** attempt : 500 * 2 ** attempt, 30_000)
}
