import { isDeepStrictEqual } from 'node:util'
import { WorkError } from '../../model/failure.ts'
import type { Clock } from '../../seams/clock.ts'
import type { Entropy } from '../../seams/entropy.ts'
import type { Journal } from '../../seams/journal.ts'
import { priorityBands, type TaskQueue } from '../../seams/task-queue.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import type { CommitAnswer, CommitPayload } from './commit-codec.ts'
import { type CommitterSeams, type Definitions, TableChanged } from './commit-loop.ts'
import type { TableState } from '../../pipeline/commit/table-state.ts'
import { type CommitReport, type StartMark, TableCommitter } from './committer.ts'
import type { TaskResult } from '../../pipeline/flow.ts'

/** How a feed sees and changes its table: by a committer in this process, or by one in another. */
export interface Commits {
  load: TableCommitter['load']
  /** As `TableCommitter.commit`. */
  commit(results: readonly TaskResult[], marks?: readonly StartMark[], keepAlive?: boolean): Promise<CommitReport>
}

/** Calls `tell` after each commit that brought something, with what the table says since. */
export function toldOf(commits: Commits, tell: (state: TableState) => void): Commits {
  return {
    load: (...asked) => commits.load(...asked),
    async commit(...offered) {
      const report = await commits.commit(...offered)
      if (report.committed.length > 0) tell(report.state)
      return report
    },
  }
}

export type CommitQueue = TaskQueue<CommitPayload, CommitAnswer>

/** No committer has taken a request up for so long: it is said. */
const longWaitMs = 60_000

/**
 * Has the commits of a table made by whichever process commits for the document. A request that is lost, or whose committer dies, is taken
 * up again: what had landed is then refused as decided, and planned anew from the table.
 */
export function remoteCommits(
  local: TableCommitter,
  table: string,
  definitions: Definitions,
  queue: CommitQueue,
  { clock, entropy, journal }: { readonly clock: Clock; readonly entropy: Entropy; readonly journal: Journal },
): Commits {
  return {
    load: (options) => local.load(options),
    async commit(results, marks = [], keepAlive = false) {
      const id = entropy.uuid()
      const answered = new AbortController()
      void clock.sleep(longWaitMs, answered.signal).then(() => {
        if (!answered.signal.aborted) journal.warn('no process has committed yet; is a committer running?', { table, waitedMs: longWaitMs })
      })
      try {
        const answer = await queue.submit(id, { table, definitions, results, marks, keepAlive }, priorityBands.tail)
        return {
          committed: answer.committed.map((place) => results[place]),
          refused: answer.refused.map(({ result, reason }) => ({ result: results[result], reason })),
          held: answer.held.map((place) => results[place]),
          gaps: answer.gaps,
          state: (await local.load()).state,
        }
      } finally {
        answered.abort()
        queue.forget(id)
      }
    },
  }
}

/** The committer of a table, for as long as nobody changes the table's schema or partitioning. */
interface Held {
  readonly definitions: string
  readonly committer: TableCommitter
  /** Of the last request that failed: it may have landed, and comes again. */
  failed: readonly TaskResult[]
}

/** Claims requests to commit and carries them out, one at a time for each table, until `signal` aborts. */
export async function carryOutCommits(
  document: ProcessorDocument,
  source: string,
  queue: CommitQueue,
  seams: CommitterSeams,
  signal: AbortSignal,
): Promise<void> {
  const namespace = document.spec.sink.database.split('.')
  const turns = new Map<string, Promise<void>>()
  const tables = new Map<string, Held>()

  // A committer remembers what it sent and had no answer to, and what it saw committed.
  const heldFor = ({ table, definitions }: CommitPayload): Held => {
    const of = JSON.stringify(definitions)
    const known = tables.get(table)
    if (known?.definitions === of) return known
    const committer = new TableCommitter(source, { namespace, name: table }, document.metadata.name, definitions, seams)
    const held = { definitions: of, committer, failed: [] }
    tables.set(table, held)
    return held
  }

  const commit = async (payload: CommitPayload): Promise<CommitAnswer> => {
    const held = heldFor(payload)
    const results = payload.results.map((result) => held.failed.find((before) => isDeepStrictEqual(before, result)) ?? result)
    held.failed = results
    const report = await held.committer.commit(results, payload.marks, payload.keepAlive)
    held.failed = []
    const places = (some: readonly TaskResult[]) => some.map((result) => results.indexOf(result)).filter((place) => place >= 0)
    return {
      // What had landed unheard of may have more than is asked for now.
      committed: places(report.committed),
      refused: report.refused.map(({ result, reason }) => ({ result: results.indexOf(result), reason })),
      held: places(report.held),
      gaps: report.gaps,
    }
  }

  for (;;) {
    const claim = await queue.claim(signal)
    if (claim === null) break
    const { table } = claim.payload
    const turn = (turns.get(table) ?? Promise.resolve()).then(async () => {
      try {
        claim.complete(await commit(claim.payload))
      } catch (error) {
        if (!(error instanceof WorkError)) seams.journal.error('a commit failed unexpectedly', { table, error: error as Error })
        // A table that stopped, or is another one now, is looked at anew, as by a feed: what this committer remembers may be abandoned.
        if (error instanceof WorkError && (error.retry === 'never' || error instanceof TableChanged)) tables.delete(table)
        claim.fail(error)
      }
    })
    turns.set(table, turn)
  }
  await Promise.all(turns.values())
}
