import type { ManifestEntry, ManifestFile } from '../../formats/iceberg/data-file.ts'
import { isWorthClustering, planClusters } from '../../formats/iceberg/cluster-manifests.ts'
import { readManifestList } from '../../formats/iceberg/manifest-list.ts'
import { mergeOptions } from '../../formats/iceberg/merge-manifests.ts'
import { currentSchema, currentSnapshot, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import type { TableIdentifier } from '../../seams/catalog.ts'
import { WorkError } from '../../model/failure.ts'
import { noFiles } from '../../pipeline/commit/file-change.ts'
import { maxResultAgeMs } from '../../pipeline/commit/select-results.ts'
import { ancestorsOf, type TableState } from '../../pipeline/commit/table-state.ts'
import { CommitLoop, type CommitterSeams } from '../feed/commit-loop.ts'
import { type AbsentRows, acceptRows } from '../../pipeline/maintain/absent-rows.ts'
import { clusterRequests, commitRequests, type CommitRequests, type PlannedOn } from '../../pipeline/maintain/commit-requests.ts'
import { readsByColumns, type RewriteCost, rewriteCost, sumCosts } from '../../pipeline/maintain/rewrite-cost.ts'
import { heldToSort, sortCost, type Sorting } from '../../pipeline/maintain/sort-cost.ts'
import { outputFields } from '../../pipeline/maintain/rewrite/output-fields.ts'
import { leavesOf } from '../../formats/parquet/encode/schema-elements.ts'
import { locateDeletes } from '../../pipeline/maintain/judge-removals.ts'
import { type JudgedResults, judgeRemoval, judgeResults, type RefusedResult } from '../../pipeline/maintain/judge-results.ts'
import { liveFile } from '../../pipeline/maintain/live-entries.ts'
import { PartitionPruner } from '../../pipeline/maintain/partition-pruner.ts'
import { type PlannedRewrite, planRewrites, type RewritePlan, type RewritePolicy } from '../../pipeline/maintain/plan-rewrites.ts'
import type { LiveFile, RewriteInput, RewriteResult } from '../../pipeline/maintain/rewrite-flow.ts'
import { liveEntries } from '../../pipeline/maintain/unreached-files.ts'

/** What became of rewrites that were to be committed. */
export interface ReplaceReport {
  readonly committed: readonly RewriteResult[]
  readonly refused: readonly RefusedResult[]
  readonly state: TableState
}

/** What is worth a rewrite in a table as it was, and what that takes beside reading and writing the files. */
export interface PlannedTable {
  readonly plan: RewritePlan
  readonly metadata: TableMetadata
  /** Of the object store, where so many finished rewrites are committed at once. */
  readonly requests: (perCommit: number) => CommitRequests
}

/** What was done with a table's manifests, or would be. */
export interface ManifestsReport {
  readonly manifests: number
  /** Of them those that are written again, and their size. */
  readonly rewritten: number
  readonly bytes: number
  /** As how many. */
  readonly written: number
  /** To the object store, where nobody else commits in between; of nothing to be written none. */
  readonly requests: Omit<CommitRequests, 'commits'>
}

/** A live data file that is wanted, and why. */
export interface ChosenFile<T> {
  readonly why: T
  readonly entry: ManifestEntry
  readonly specId: number
  readonly input: RewriteInput
}

/** What was chosen of the table as it was. */
export interface Choice<T> {
  readonly files: readonly ChosenFile<T>[]
  readonly metadata: TableMetadata
  readonly sequenceNumber: bigint
}

/**
 * Plans and commits what changes a table's files and not, or only by whole files, its rows. Its snapshots carry progress like all of ours. It
 * asks no more of the table than that it is the same one, so that nobody who changes its schema or appends to it has to wait; and an append that
 * meets one of its commits is built anew on top of that.
 */
export class TableRewriter {
  readonly #loop: CommitLoop
  readonly #seams: CommitterSeams

  /** `source`: the source's id, as `TableCommitter` has it. */
  constructor(source: string, table: TableIdentifier, processorName: string, metadata: TableMetadata, seams: CommitterSeams) {
    this.#loop = new CommitLoop(source, table, processorName, { 'table-uuid': metadata['table-uuid'] }, seams)
    this.#seams = seams
  }

  get name(): string {
    return this.#loop.name
  }

  /**
   * What is worth a rewrite in the table as it is now, by its manifests alone, which are read one at a time. `metadata`: what was planned on.
   * `policy` gets that metadata, for what depends on when snapshots were made.
   */
  plan(policy: (metadata: TableMetadata) => RewritePolicy): Promise<PlannedTable> {
    return this.#loop.ofThisTable(async () => {
      const { metadata, files, index, sequenceNumber, readsOf, sortsOf, on } = await this.#look()
      const plan = await planRewrites(files, index, sequenceNumber, policy(metadata), readsOf, sortsOf)
      return { plan, metadata, requests: (perCommit) => commitRequests(plan.rewrites, perCommit, on) }
    })
  }

  /**
   * About what it takes of the object store to rewrite each of these data files by itself, in one commit: to find them, to read and to write. `paths`:
   * with whether a row is left.
   */
  costOf(paths: ReadonlyMap<string, boolean>, targetFileSizeBytes: number): Promise<RewriteCost> {
    return this.#loop.ofThisTable(async () => {
      const { files, index, sequenceNumber, readsOf, on } = await this.#look()
      const rewrites: PlannedRewrite[] = []
      for await (const live of files) {
        const hasOutput = paths.get(live.file.filePath)
        if (hasOutput === undefined) continue
        const group = { specId: live.specId, partition: live.file.partition, inputs: [{ live, deletes: index.of(live) }], sequenceNumber }
        const cost = rewriteCost(group, targetFileSizeBytes, readsOf)
        rewrites.push({ id: live.file.filePath, group, cost: hasOutput ? cost : { ...cost, outputFiles: 0, puts: 0 } })
      }
      const cost = sumCosts(rewrites.map((one) => one.cost))
      const { gets, puts } = commitRequests(rewrites, Math.max(1, rewrites.length), on)
      return { ...cost, gets: cost.gets + gets, puts: cost.puts + puts }
    })
  }

  /** The table as it is now, with its files one after another, what reading one takes, and what a commit is reckoned on. */
  async #look() {
    const { metadata, state } = await this.#loop.load({ fresh: true })
    const manifests = await this.#manifestsOf(metadata)
    const pruner = new PartitionPruner(metadata)
    const deletes = await locateDeletes(manifests, pruner, this.#seams.io)
    const leaves = leavesOf(outputFields(currentSchema(metadata), metadata['format-version']))
    const columns = leaves.map(({ fieldId }) => fieldId)
    // Of those that are not planned, nothing is kept.
    const places = new WeakMap<LiveFile, { readonly manifest: string; readonly reads: number; readonly heldBytes: number }>()
    const note = (live: LiveFile, entry: ManifestEntry, manifest: ManifestFile) =>
      void places.set(live, {
        manifest: manifest.manifestPath,
        reads: readsByColumns(entry.dataFile, columns),
        heldBytes: heldToSort(entry.dataFile, leaves),
      })
    const on: PlannedOn = {
      manifests,
      placeOf: (live) => places.get(live)?.manifest,
      deletePlaceOf: (key) => deletes.manifests.get(key)?.path,
      pruner,
      merge: mergeOptions(metadata.properties ?? {}),
      hasState: state.newest !== null,
      ownsMetadata: this.#seams.catalog.profile.removesMetadata === true,
    }
    const sequenceNumber = currentSnapshot(metadata)?.['sequence-number'] ?? 0n
    const readsOf = (live: LiveFile) => places.get(live)!.reads
    const sortsOf = (sorted: readonly LiveFile[], sorting: Sorting) => {
      const sum = (of: (live: LiveFile) => number | bigint) => sorted.reduce((total, live) => total + Number(of(live)), 0)
      const rows = sum(({ file }) => file.recordCount)
      const inputBytes = sum(({ file }) => file.fileSizeInBytes)
      return sortCost(
        { heldBytes: sum((live) => places.get(live)!.heldBytes), rows, inputFiles: sorted.length, inputBytes },
        leaves.length,
        sorting,
      )
    }
    return { metadata, files: this.#liveFiles(manifests, note), index: deletes.index, sequenceNumber, readsOf, sortsOf, on }
  }

  /** The live data files that `judge` wants, by their manifest entries alone, with the deletes that apply to them: `most`, and there may be more. */
  choose<T>(judge: (metadata: TableMetadata) => (entry: ManifestEntry) => T | null, most: number): Promise<Choice<T>> {
    return this.#loop.ofThisTable(async () => {
      const { metadata } = await this.#loop.load({ fresh: true })
      const why = judge(metadata)
      const manifests = await this.#manifestsOf(metadata)
      const { index } = await locateDeletes(manifests, new PartitionPruner(metadata), this.#seams.io)
      const files: ChosenFile<T>[] = []
      for (const manifest of manifests) {
        if (manifest.content !== 0 || files.length >= most) continue
        for (const entry of await liveEntries(manifest, this.#seams.io)) {
          const wanted = files.length < most ? why(entry) : null
          if (wanted === null) continue
          const live = liveFile(entry, manifest.partitionSpecId)
          files.push({ why: wanted, entry, specId: manifest.partitionSpecId, input: { live, deletes: index.of(live) } })
        }
      }
      return { files, metadata, sequenceNumber: currentSnapshot(metadata)?.['sequence-number'] ?? 0n }
    })
  }

  /**
   * Replaces the inputs of rewrites by their outputs, in one snapshot of the operation `replace`; and takes out the delete files that no live
   * file needs any more. Results that do not hold on the snapshot that is current then are refused, each whole; where none holds, nothing is written.
   * `startedAtMs`: when the first of them was begun; all are refused that are too old for it to be sure that their files are still there.
   */
  replace(results: readonly RewriteResult[], startedAtMs: number): Promise<ReplaceReport> {
    return this.#replace(results, startedAtMs, { isRemoval: false })
  }

  /**
   * Commits rewrites that left rows out which nobody had deleted, as `replace` does, in a snapshot of the operation `overwrite`. The offsets of those
   * rows, which `absent` tells for each input, stay decided and are accepted as absent.
   */
  dropRows(results: readonly RewriteResult[], startedAtMs: number, absent: AbsentRows): Promise<ReplaceReport> {
    return this.#replace(results, startedAtMs, { isRemoval: true, absent })
  }

  /**
   * Commits rewrites that left rows out because others have the same coordinates, as `dropRows` does. Throws a WorkError where anything but
   * appends was committed since `snapshotId`, by whose rows it was decided which ones to leave out.
   */
  dropDuplicates(results: readonly RewriteResult[], startedAtMs: number, snapshotId: bigint): Promise<ReplaceReport> {
    return this.#replace(results, startedAtMs, { isRemoval: true, onlyAppendsSince: snapshotId })
  }

  #replace(
    results: readonly RewriteResult[],
    startedAtMs: number,
    {
      isRemoval,
      absent,
      onlyAppendsSince,
    }: { readonly isRemoval: boolean; readonly absent?: AbsentRows; readonly onlyAppendsSince?: bigint },
  ): Promise<ReplaceReport> {
    return this.#loop.ofThisTable(async () => {
      let judged: JudgedResults = { accepted: [], refused: [], removed: new Map() }
      const landed = await this.#loop.commit<readonly RewriteResult[]>([], async (state, metadata) => {
        if (onlyAppendsSince !== undefined) this.#refuseOtherThanAppends(metadata, onlyAppendsSince)
        if (this.#seams.clock.now() - startedAtMs > maxResultAgeMs) {
          const reason = `it was begun more than ${maxResultAgeMs / 3_600_000} h ago`
          judged = { accepted: [], refused: results.map((result) => ({ result, reason })), removed: new Map() }
          return null
        }
        judged = await judgeResults(results, await this.#manifestsOf(metadata), new PartitionPruner(metadata), this.#seams.io)
        const { accepted, removed } = judged
        if (accepted.length === 0) return null
        const added = accepted.flatMap(({ files, group: { specId, sequenceNumber } }) =>
          files.map((file) => ({ file, specId, sequenceNumber })),
        )
        if (!isRemoval) return { what: accepted, change: { operation: 'replace', added, removed }, state }
        const inputs = accepted.flatMap(({ group }) => group.inputs.map(({ live }) => live.file.filePath))
        const left = absent === undefined ? state : { ...state, accepted: acceptRows(state.accepted, state.progress, absent, inputs) }
        return { what: accepted, change: { operation: added.length === 0 ? 'delete' : 'overwrite', added, removed }, state: left }
      })
      const committed = landed.kind === 'nothing' ? [] : landed.what
      if (landed.kind !== 'found') return { committed, refused: judged.refused, state: landed.state }
      const reason = 'the commit that has the others had no answer; it is planned anew'
      return {
        committed,
        refused: results.filter((one) => !committed.includes(one)).map((result) => ({ result, reason })),
        state: landed.state,
      }
    })
  }

  /**
   * Takes whole data files out of the table, and their rows with them, in one snapshot of the operation `delete`. Their offsets stay decided.
   * Files that are gone already are passed over; those that were taken out are returned. The offsets that `absent` tells for them are
   * accepted as absent.
   */
  deleteFiles(
    files: readonly LiveFile[],
    absent: AbsentRows = new Map(),
  ): Promise<{ readonly deleted: readonly LiveFile[]; readonly state: TableState }> {
    return this.#loop.ofThisTable(async () => {
      const landed = await this.#loop.commit<readonly LiveFile[]>([], async (state, metadata) => {
        const judged = await judgeRemoval(files, await this.#manifestsOf(metadata), new PartitionPruner(metadata), this.#seams.io)
        if (judged.files.length === 0) return null
        const paths = judged.files.map(({ file }) => file.filePath)
        const left = { ...state, accepted: acceptRows(state.accepted, state.progress, absent, paths) }
        return { what: judged.files, change: { ...noFiles, operation: 'delete', removed: judged.removed }, state: left }
      })
      return { deleted: landed.kind === 'nothing' ? [] : landed.what, state: landed.state }
    })
  }

  #refuseOtherThanAppends(metadata: TableMetadata, snapshotId: bigint): void {
    const { ancestors } = ancestorsOf(metadata)
    const since = ancestors.findIndex((one) => one['snapshot-id'] === snapshotId)
    if (since >= 0 && ancestors.slice(0, since).every(({ summary }) => summary.operation === 'append')) return
    const what = 'nothing was written, since its rows were changed while they were looked at; look again'
    throw new WorkError(`table ${this.name}: ${what}`, { retry: 'later' })
  }

  /** Live data files, by their paths, with the deletes that apply to them; of the snapshot that is current. */
  inputs(paths: ReadonlySet<string>): Promise<{ readonly inputs: readonly RewriteInput[]; readonly metadata: TableMetadata }> {
    return this.#loop.ofThisTable(async () => {
      const { metadata } = await this.#loop.load({ fresh: true })
      const manifests = await this.#manifestsOf(metadata)
      const { index } = await locateDeletes(manifests, new PartitionPruner(metadata), this.#seams.io)
      const inputs: RewriteInput[] = []
      for await (const live of this.#liveFiles(manifests)) {
        if (paths.has(live.file.filePath)) inputs.push({ live, deletes: index.of(live) })
      }
      return { inputs, metadata }
    })
  }

  /**
   * Writes the manifests of the table again, few and clustered by partition, where they are more than they need be; no file and no row changes. `dryRun`: says what
   * that would be. `onlyWorth`: only where it pays to do it unasked.
   */
  rewriteManifests({ dryRun, onlyWorth = false }: { readonly dryRun: boolean; readonly onlyWorth?: boolean }): Promise<ManifestsReport> {
    return this.#loop.ofThisTable(async () => {
      const none = { gets: 0, puts: 0 }
      let report: ManifestsReport = { manifests: 0, rewritten: 0, bytes: 0, written: 0, requests: none }
      const propose = async (state: TableState, metadata: TableMetadata) => {
        const manifests = await this.#manifestsOf(metadata)
        const { targetBytes } = mergeOptions(metadata.properties ?? {})
        const planned = planClusters(manifests, targetBytes).clusters
        const clusters = onlyWorth && !planned.some((one) => isWorthClustering(one, targetBytes)) ? [] : planned
        const own = clusters.flatMap((one) => one.manifests)
        const written = clusters.reduce((sum, { count }) => sum + count, 0)
        const on = { hasState: state.newest !== null, ownsMetadata: this.#seams.catalog.profile.removesMetadata === true }
        report = {
          manifests: manifests.length,
          rewritten: own.length,
          bytes: own.reduce((sum, { manifestLength }) => sum + Number(manifestLength), 0),
          written,
          requests: own.length === 0 ? none : clusterRequests({ rewritten: own.length, written }, on),
        }
        const change = { ...noFiles, operation: 'replace', clusters: true } as const
        return own.length === 0 ? null : { what: null, change, state }
      }
      if (dryRun) {
        const { state, metadata } = await this.#loop.load({ fresh: true })
        await propose(state, metadata)
      } else await this.#loop.commit([], propose)
      return report
    })
  }

  async *#liveFiles(
    manifests: readonly ManifestFile[],
    note?: (live: LiveFile, entry: ManifestEntry, manifest: ManifestFile) => void,
  ): AsyncGenerator<LiveFile, void, undefined> {
    for (const manifest of manifests) {
      if (manifest.content !== 0) continue
      for (const entry of await liveEntries(manifest, this.#seams.io)) {
        const live = liveFile(entry, manifest.partitionSpecId)
        note?.(live, entry, manifest)
        yield live
      }
    }
  }

  async #manifestsOf(metadata: TableMetadata): Promise<readonly ManifestFile[]> {
    const snapshot = currentSnapshot(metadata)
    return snapshot === null ? [] : readManifestList(await this.#seams.io.read(snapshot['manifest-list'])).manifests
  }
}
