import { currentSnapshot, mainBranch, type SnapshotReference, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import { countOffsets, endOf, formatRanges } from '../../model/offset-range.ts'
import { type DecidedSet, decidedRanges, progressBeyond } from '../../model/progress.ts'
import { topicPartitionName } from '../../model/topic-partition.ts'
import type { Catalog, TableIdentifier } from '../../seams/catalog.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { tablesFor } from '../../spec/table-mapping.ts'
import { onBranch, inPlaceOfMain } from './branch-catalog.ts'
import type { Branch } from '../../pipeline/commit/branch-view.ts'
import { noFiles } from '../../pipeline/commit/file-change.ts'
import { CommitLoop } from '../feed/commit-loop.ts'
import { kafkaColumns } from '../verify/looked-at.ts'
import { countRowsWithin } from '../verify/rows-within.ts'
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
  const tail = { ...document, spec: { ...spec, source: { ...spec.source, topics: [topic] }, backfill: [] } }
  const onIt = { ...seams, catalog: onBranch(seams.catalog, { name: branch, begins: 'empty' }) }
  const follower = new CommitLoop(source.id, identifier, document.metadata.name, {}, onIt)
  const main = new CommitLoop(source.id, identifier, document.metadata.name, {}, seams)
  let mainWas: SnapshotReference | undefined
  let isGone = false
  const replacing = { ...seams, catalog: inPlaceOfMain(seams.catalog, branch, () => mainWas!) }
  const swap = new CommitLoop(source.id, identifier, document.metadata.name, {}, replacing)
  const attempts: Parameters<typeof swap.commit<null>>[0] = []
  for (let round = 1; !signal.aborted; round++) {
    if (!(await follow(tail, source, onIt, signal, () => hasAllOf(main, follower)))) {
      throw new WorkError(`table ${table}: the tail of ${topic} is stopped on branch ${branch}; the log says why`, { retry: 'later' })
    }
    const landed = await swap.ofThisTable(() =>
      swap.commit(attempts, async (state, view) => {
        const { metadata, state: mains } = await main.load({ fresh: true })
        isGone = metadata.refs?.[branch] === undefined
        const head = currentSnapshot(metadata)
        if (isGone || head === null) return null
        const behind = progressBeyond(mains.progress, state.progress)
        const lost = behind.filter(({ source: id, at, ranges }) => ranges[0][0] < (endOf(decidedRanges(state.progress, id, at)) ?? 0n))
        if (lost.length > 0) throw new WorkError(lostIn(table, branch, lost), { retry: 'never' })
        if (behind.length > 0) return null
        const beyond = progressBeyond(state.progress, mains.progress)
        const [has, had] = [rowsOf(view), rowsOf(metadata)]
        if (has < had) throw new WorkError(fewer(table, branch, has, had), { retry: 'never' })
        // Each offset that main has not decided yet may be a row; where it is not, its rows are counted.
        if (has - offsetsIn(beyond) < had) {
          const columns = kafkaColumns(table, view, tablesFor(tail, new Set([topic])).get(identifier.name)!.mapping.kafkaColumns)
          const within = has - (await countRowsWithin(beyond, view, columns, seams.io))
          if (within < had) throw new WorkError(fewer(table, branch, within, had), { retry: 'never' })
        }
        mainWas = metadata.refs?.[mainBranch] ?? { 'snapshot-id': head['snapshot-id'], type: 'branch' }
        return { what: null, change: noFiles, state: { ...state, requests: mains.requests, retraction: null } }
      }),
    )
    if (landed.kind !== 'nothing') return true
    if (isGone) throw new WorkError(`table ${table} has no branch ${branch} any more: begin the rebuild anew`, { retry: 'never' })
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

function lostIn(table: string, branch: string, lost: readonly DecidedSet[]): string {
  const list = lost.map(({ at, ranges }) => `${topicPartitionName(at)} ${formatRanges(ranges)}`).join('; ')
  return `table ${table}: main has ${list}, which the source does not have any more. ${byHand(table, branch)}`
}

function fewer(table: string, branch: string, has: bigint, had: bigint): string {
  return `table ${table}: branch ${branch} has ${has} rows of what main has decided, and main has ${had}: it has rows twice, or of others (verify tells). ${byHand(table, branch)}`
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
