import { currentSnapshot, mainBranch, type SnapshotReference, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import { countOffsets, endOf, formatRanges } from '../../model/offset-range.ts'
import { type DecidedSet, decidedRanges, progressBeyond } from '../../model/progress.ts'
import { topicPartitionName } from '../../model/topic-partition.ts'
import type { TableIdentifier } from '../../seams/catalog.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { onBranch, inPlaceOfMain } from './branch-catalog.ts'
import type { Branch } from '../../pipeline/commit/branch-view.ts'
import { noFiles } from '../../pipeline/commit/file-change.ts'
import { CommitLoop } from '../feed/commit-loop.ts'
import { Processor, type ProcessorSeams, type SourceIdentity } from '../feed/processor.ts'

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
  const main = new CommitLoop(source.id, identifier, document.metadata.name, {}, seams)
  let mainWas: SnapshotReference | undefined
  let isGone = false
  const replacing = { ...seams, catalog: inPlaceOfMain(seams.catalog, branch, () => mainWas!) }
  const swap = new CommitLoop(source.id, identifier, document.metadata.name, {}, replacing)
  const attempts: Parameters<typeof swap.commit<null>>[0] = []
  for (let round = 1; !signal.aborted; round++) {
    if (!(await new Processor(tail, source, onIt).run(true, signal))) {
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
        const beyond = offsetsIn(progressBeyond(state.progress, mains.progress))
        const [has, had] = [rowsOf(view), rowsOf(metadata)]
        if (has < had) throw new WorkError(fewer(table, branch, has, had), { retry: 'never' })
        // What main has not decided yet counts for nothing: each offset of it may be a row.
        if (has - beyond < had) return null
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

function lostIn(table: string, branch: string, lost: readonly DecidedSet[]): string {
  const list = lost.map(({ at, ranges }) => `${topicPartitionName(at)} ${formatRanges(ranges)}`).join('; ')
  return `table ${table}: main has ${list}, which the source does not have any more. ${byHand(table, branch)}`
}

function fewer(table: string, branch: string, has: bigint, had: bigint): string {
  return `table ${table}: branch ${branch} has ${has} rows, and main has ${had}: it has rows twice, or of others (verify tells). ${byHand(table, branch)}`
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
