import { currentSnapshot, mainBranch, type SnapshotReference, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { type Backfill, isEnded, withBackfill } from '../../model/backfill.ts'
import { WorkError } from '../../model/failure.ts'
import { countOffsets, endOf, formatRanges } from '../../model/offset-range.ts'
import { type DecidedSet, decidedRanges, decidedSets, type Progress, progressBeyond } from '../../model/progress.ts'
import { currentId } from '../../model/incarnation.ts'
import { topicPartitionName } from '../../model/topic-partition.ts'
import type { Catalog, TableIdentifier } from '../../seams/catalog.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { tablesFor } from '../../spec/table-mapping.ts'
import { onBranch, inPlaceOfMain } from './branch-catalog.ts'
import type { Branch } from '../../pipeline/commit/branch-view.ts'
import { noFiles } from '../../pipeline/commit/file-change.ts'
import { CommitLoop } from '../feed/commit-loop.ts'
import { kafkaColumns } from '../verify/looked-at.ts'
import { countRows } from '../verify/rows-within.ts'
import { Processor } from '../feed/processor.ts'
import type { ProcessorSeams } from '../feed/processor-seams.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'

/** A table that is made anew on a branch of its own, beside what main has. */
export interface Rebuild {
  readonly identifier: TableIdentifier
  readonly topic: string
  readonly branch: string
}

const branchPrefix = 'kafscale_rebuild_'

/** The branch on which a table is being made anew, or, where there is none, a new name: those of rebuilds that were given up are not used again. */
export function rebuildBranch(metadata: TableMetadata, nowMs: number): Branch {
  const begun = Object.keys(metadata.refs ?? {}).find((name) => name.startsWith(branchPrefix))
  return { name: begun ?? `${branchPrefix}${new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, '')}`, begins: 'empty' }
}

/** How often the branch follows main's tail before it is left to the next try, and how long it waits between, ms. */
const maxRounds = 60
const roundMs = 2000

/**
 * Puts what was made on the branch in main's place, in one commit that asserts both references, once the branch has everything
 * that main has decided: until then it follows the tail. Resolves with whether it is done: not, where `signal` aborted.
 * Throws a WorkError where main has rows that the branch can not have, or went on faster.
 */
export async function takeMainsPlace(
  { identifier, topic, branch }: Rebuild,
  document: ProcessorDocument,
  source: SourceIdentity,
  seams: ProcessorSeams,
  signal: AbortSignal,
): Promise<boolean> {
  const table = [...identifier.namespace, identifier.name].join('.')
  const { spec } = document
  // Of a topic-partition that appears meanwhile, main may stand at an offset where the branch's own start would lie behind.
  const tail: ProcessorDocument = {
    ...document,
    spec: { ...spec, source: { ...spec.source, topics: [topic], startAt: 'earliest' }, backfill: [] },
  }
  const onIt = { ...seams, catalog: onBranch(seams.catalog, { name: branch, begins: 'empty' }) }
  const follower = new CommitLoop(source.id, identifier, document.metadata.name, {}, onIt)
  const main = new CommitLoop(source.id, identifier, document.metadata.name, {}, seams)
  let mainWas: SnapshotReference | undefined
  let isGone = false
  const replacing = { ...seams, catalog: inPlaceOfMain(seams.catalog, branch, () => mainWas!) }
  const swap = new CommitLoop(source.id, identifier, document.metadata.name, {}, replacing)
  const attempts: Parameters<typeof swap.commit<null>>[0] = []
  for (let round = 1; !signal.aborted; round++) {
    // Where main stood still nothing is listed once more.
    const isThere = round === 1 && (await hasAllOf(main, follower))
    if (!isThere && (await main.load({ fresh: true })).metadata.refs?.[branch] === undefined) throw goneBranch(table, branch)
    if (!isThere && !(await follow(tail, source, onIt, signal, () => hasAllOf(main, follower)))) {
      throw new WorkError(`table ${table}: the tail of ${topic} is stopped on branch ${branch}; the log says why`, { retry: 'later' })
    }
    const landed = await swap.ofThisTable(() =>
      swap.commit(attempts, async (state, view) => {
        const { metadata, state: mains } = await main.load({ fresh: true })
        isGone = metadata.refs?.[branch] === undefined
        const head = currentSnapshot(metadata)
        if (isGone || head === null) return null
        const { lost, isBehind } = leftToDo(mains.progress, state.progress, { sourceId: currentId(state.progress, source.id), topic })
        if (lost.length > 0) throw new WorkError(lostIn(table, branch, lost), { retry: 'never' })
        if (isBehind) return null
        const beyond = progressBeyond(state.progress, mains.progress)
        const columns = kafkaColumns(table, view, tablesFor(tail, new Set([topic])).get(identifier.name)!.mapping.kafkaColumns)
        const { all: had, within: own } = await countRows(decidedSets(mains.progress), metadata, columns, seams.io)
        if (had > own) throw new WorkError(ofOthers(table, branch, had - own), { retry: 'never' })
        // Each offset that main has not decided yet may be a row; where it is not, its rows are counted.
        const has = rowsOf(view)
        if (has - offsetsIn(beyond) < had) {
          const of = has - (await countRows(beyond, view, columns, seams.io)).within
          if (of < had) throw new WorkError(fewer(table, branch, of, had), { retry: 'never' })
        }
        mainWas = metadata.refs?.[mainBranch] ?? { 'snapshot-id': head['snapshot-id'], type: 'branch' }
        // What was asked of main stays asked, and that it was made anew is remembered.
        const done = state.requests.backfills.filter(isEnded)
        const backfills = done.reduce<readonly Backfill[]>(withBackfill, mains.requests.backfills)
        return { what: null, change: noFiles, state: { ...state, requests: { ...mains.requests, backfills }, retraction: null } }
      }),
    )
    if (landed.kind !== 'nothing') return true
    if (isGone) throw goneBranch(table, branch)
    if (round === maxRounds) {
      throw new WorkError(
        `table ${table}: main went on each time before branch ${branch} could take its place; the same command tries again`,
        {
          retry: 'later',
        },
      )
    }
    await seams.clock.sleep(roundMs, signal)
  }
  return false
}

/**
 * What main has that the branch has not: `lost` is what the branch can not get any more, since it has passed it by, begins behind it, or is not
 * fed from there; `isBehind`, whether there is anything else. Where a tail begins counts too, though nothing is decided there yet.
 */
function leftToDo(
  mains: Progress,
  own: Progress,
  { sourceId, topic }: { readonly sourceId: string; readonly topic: string },
): { readonly lost: readonly DecidedSet[]; readonly isBehind: boolean } {
  const behind = progressBeyond(mains, own)
  const ownOf = ({ source, at }: DecidedSet) => decidedRanges(own, source, at)
  const all = decidedSets(mains)
  const notBegun = all.filter((set) => ownOf(set).length === 0)
  const passed = behind.filter((set) => ownOf(set).length > 0 && set.ranges[0][0] < endOf(ownOf(set))!)
  const begunLater = all.filter((set) => ownOf(set).length > 0 && set.ranges[0][0] < ownOf(set)[0][0] && countOffsets(set.ranges) === 0n)
  const strange = notBegun.filter(({ source, at }) => source !== sourceId || at.topic !== topic)
  return { lost: [...strange, ...begunLater, ...passed], isBehind: behind.length + notBegun.length > 0 }
}

/**
 * Lets the tail go on on the branch until nothing is left to read, or until `isEnough` after a commit: where segments come all the time,
 * there is always something left. Resolves with whether all of it goes through.
 */
async function follow(
  tail: ProcessorDocument,
  source: SourceIdentity,
  seams: ProcessorSeams,
  signal: AbortSignal,
  isEnough: () => Promise<boolean>,
): Promise<boolean> {
  const enough = new AbortController()
  const commitTable: Catalog['commitTable'] = async (table, request) => {
    const outcome = await seams.catalog.commitTable(table, request)
    if (outcome.kind === 'committed' && (await isEnough())) enough.abort()
    return outcome
  }
  const telling = { ...seams, catalog: { ...seams.catalog, commitTable } }
  return new Processor(tail, source, telling).run(true, AbortSignal.any([signal, enough.signal]))
}

/** Whether the branch has everything that main has decided; where that can not be told now, it is told after the next commit. */
async function hasAllOf(main: CommitLoop, branch: CommitLoop): Promise<boolean> {
  try {
    const [mains, own] = [await main.load({ fresh: true }), await branch.load({ fresh: true })]
    return progressBeyond(mains.state.progress, own.state.progress).length === 0
  } catch (error) {
    if (!(error instanceof WorkError)) throw error
    return false
  }
}

/** Another was quicker to put it in main's place, or dropped it. */
function goneBranch(table: string, branch: string): WorkError {
  return new WorkError(`table ${table} has no branch ${branch} any more: begin the rebuild anew`, { retry: 'never' })
}

function lostIn(table: string, branch: string, lost: readonly DecidedSet[]): string {
  const list = lost.map(({ at, ranges }) => `${topicPartitionName(at)} ${formatRanges(ranges)}`).join('; ')
  return `table ${table}: main has ${list}, which its source does not have any more, or which is of another source. ${byHand(table, branch)}`
}

function ofOthers(table: string, branch: string, rows: bigint): string {
  return `table ${table}: main has ${rows} rows that are not from what it has decided of the source, so branch ${branch} has them not (verify tells). ${byHand(table, branch)}`
}

function fewer(table: string, branch: string, has: bigint, had: bigint): string {
  return `table ${table}: branch ${branch} has ${has} rows of what main has decided, and main has ${had}: it has rows twice (verify tells). ${byHand(table, branch)}`
}

function byHand(table: string, branch: string): string {
  const call = `CALL system.set_current_snapshot(table => '${table}', ref => '${branch}')`
  return `Nothing was replaced. If the branch is right, make it the current one in your engine (Spark: ${call}), or drop it`
}

function offsetsIn(sets: readonly DecidedSet[]): bigint {
  return sets.reduce((sum, { ranges }) => sum + countOffsets(ranges), 0n)
}

function rowsOf(metadata: TableMetadata): bigint {
  return BigInt(currentSnapshot(metadata)?.summary['total-records'] ?? 0)
}
