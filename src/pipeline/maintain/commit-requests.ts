import type { ManifestFile } from '../../formats/iceberg/data-file.ts'
import { fileKey } from '../../formats/iceberg/file-key.ts'
import { type MergeOptions, planManifestMerge } from '../../formats/iceberg/merge-manifests.ts'
import type { PartitionPruner } from './partition-pruner.ts'
import type { PlannedRewrite } from './plan-rewrites.ts'
import type { LiveFile } from './rewrite-flow.ts'

/** What rewrites take of the object store beside the files themselves: to plan them, and to commit them. */
export interface CommitRequests {
  readonly commits: number
  readonly gets: number
  readonly puts: number
}

/** The table that was planned on, as far as it decides what a commit reads and writes. */
export interface PlannedOn {
  /** Newest first, as its manifest list has them. */
  readonly manifests: readonly ManifestFile[]
  /** The manifest that has a data file, and those of delete files by their `fileKey`. */
  readonly placeOf: (file: LiveFile) => string | undefined
  readonly deletePlaceOf: (key: string) => string | undefined
  readonly pruner: Pick<PartitionPruner, 'mayHoldAny'>
  readonly merge: MergeOptions
  /** Whether a snapshot of ours is there, whose manifest list is read for its progress. */
  readonly hasState: boolean
  /** Whether metadata documents are read and written by this program itself, for want of a catalog's server. */
  readonly ownsMetadata: boolean
}

/** An entry's size in a manifest where none tells. */
const entryBytes = 500
/** The table is loaded to find it, to look at it and to plan. */
const loads = 3

/**
 * The requests of planning rewrites and of committing them in this order, `perCommit` at a time, where nobody else commits in between: each commit is carried
 * out on the rows of the manifest list alone, as `judgeResults` and `carryManifests` read and write files.
 */
export function commitRequests(rewrites: readonly PlannedRewrite[], perCommit: number, table: PlannedOn): CommitRequests {
  const own = table.ownsMetadata ? 1 : 0
  const planning = table.manifests.length + (table.manifests.length > 0 ? 1 : 0) + (table.hasState ? 1 : 0) + loads * own
  const manifests = new SimulatedManifests(table)
  let [commits, gets, puts] = [0, planning + rewrites.length * own, 0]
  for (let at = 0; at < rewrites.length; at += perCommit) {
    const took = manifests.commit(rewrites.slice(at, at + perCommit))
    // Beside manifests: the list, for the progress, to judge and to build on, and written; the metadata, to build on, to commit on, and written.
    gets += took.reads + 2 + (table.hasState || commits > 0 ? 1 : 0) + 2 * own
    puts += took.writes + 1 + own
    commits++
  }
  return { commits, gets, puts }
}

/** The requests of writing so many manifests again as so many others, in one commit that nobody else comes before. */
export function clusterRequests(
  { rewritten, written }: { readonly rewritten: number; readonly written: number },
  { hasState, ownsMetadata }: Pick<PlannedOn, 'hasState' | 'ownsMetadata'>,
): Omit<CommitRequests, 'commits'> {
  const own = ownsMetadata ? 1 : 0
  // Beside manifests: the list, for the progress, to plan and to build on, and written; the metadata, to plan, to commit on, and written.
  return { gets: rewritten + (hasState ? 3 : 2) + (loads + 1) * own, puts: written + 1 + own }
}

class SimulatedManifests {
  readonly #table: PlannedOn
  /** Newest first. */
  #all: readonly ManifestFile[]
  /** Under which name a manifest goes now. */
  readonly #renamed = new Map<string, string>()
  readonly #entryBytes: number
  #sequenceNumber: bigint
  #count = 0

  constructor(table: PlannedOn) {
    this.#table = table
    this.#all = table.manifests
    const entries = this.#all.reduce((sum, one) => sum + entriesIn(one), 0)
    this.#entryBytes = entries === 0 ? entryBytes : this.#all.reduce((sum, { manifestLength }) => sum + Number(manifestLength), 0) / entries
    this.#sequenceNumber = this.#all.reduce((most, one) => (one.sequenceNumber > most ? one.sequenceNumber : most), 0n)
  }

  commit(rewrites: readonly PlannedRewrite[]): { readonly reads: number; readonly writes: number } {
    const inputs = rewrites.flatMap(({ group }) => group.inputs)
    const taken = new Map<string, number>()
    for (const { live } of inputs) this.#note(taken, this.#table.placeOf(live))
    const deletes = new Map(inputs.flatMap((one) => one.deletes.map((live) => [fileKey(live.file), live.sequenceNumber] as const)))
    for (const key of deletes.keys()) this.#note(taken, this.#table.deletePlaceOf(key))
    let [reads, writes] = [this.#judged(inputs.map(({ live }) => live)) + this.#neededDeletes([...deletes.values()]), 0]

    this.#sequenceNumber++
    const carried: ManifestFile[] = []
    for (const manifest of this.#all) {
      const gone = taken.get(manifest.manifestPath) ?? 0
      if (liveIn(manifest) > 0) carried.push(gone === 0 ? manifest : this.#rewritten(manifest, gone))
    }
    reads += taken.size
    writes += taken.size
    const added = [...Map.groupBy(rewrites, ({ group }) => group.specId)].map(([specId, of]) => this.#added(specId, of))
    const { merge, keep } = planManifestMerge(carried, this.#table.merge)
    for (const group of merge) reads += group.length
    writes += added.length + merge.length
    this.#all = [...added, ...merge.map((group) => this.#merged(group)), ...keep]
    return { reads, writes }
  }

  #note(taken: Map<string, number>, place: string | undefined): void {
    if (place === undefined) return
    let now = place
    for (let next = this.#renamed.get(now); next !== undefined; next = this.#renamed.get(now)) now = next
    taken.set(now, (taken.get(now) ?? 0) + 1)
  }

  /** Manifests that are read to find the inputs, and those of deletes. */
  #judged(inputs: readonly LiveFile[]): number {
    const left = Map.groupBy(inputs, (live) => this.#nameOf(live))
    let reads = 0
    for (const manifest of this.#all) {
      if (manifest.content === 1) reads++
      else if (left.size > 0 && this.#table.pruner.mayHoldAny(manifest, [...left.values()].flat())) {
        reads++
        left.delete(manifest.manifestPath)
      }
    }
    return reads
  }

  #nameOf(live: LiveFile): string {
    let now = this.#table.placeOf(live) ?? ''
    for (let next = this.#renamed.get(now); next !== undefined; next = this.#renamed.get(now)) now = next
    return now
  }

  /** Manifests that are read to find out whether other files need the deletes of the inputs. */
  #neededDeletes(sequenceNumbers: readonly bigint[]): number {
    if (sequenceNumbers.length === 0) return 0
    const newest = sequenceNumbers.reduce((most, one) => (one > most ? one : most))
    return this.#all.filter(({ content, minSequenceNumber }) => content === 0 && minSequenceNumber <= newest).length
  }

  #rewritten(manifest: ManifestFile, gone: number): ManifestFile {
    const live = liveIn(manifest)
    return this.#named(manifest.manifestPath, {
      ...manifest,
      manifestLength: BigInt(Math.ceil((Number(manifest.manifestLength) * live) / entriesIn(manifest))),
      sequenceNumber: this.#sequenceNumber,
      addedFilesCount: 0,
      existingFilesCount: live - gone,
      deletedFilesCount: gone,
    })
  }

  #added(specId: number, rewrites: readonly PlannedRewrite[]): ManifestFile {
    const files = rewrites.reduce((sum, { cost }) => sum + cost.outputFiles, 0)
    return {
      manifestPath: `simulated ${this.#count++}`,
      manifestLength: BigInt(Math.ceil(files * this.#entryBytes)),
      partitionSpecId: specId,
      content: 0,
      sequenceNumber: this.#sequenceNumber,
      minSequenceNumber: rewrites.reduce(
        (least, { group }) => (group.sequenceNumber < least ? group.sequenceNumber : least),
        this.#sequenceNumber,
      ),
      addedSnapshotId: 0n,
      addedFilesCount: files,
      existingFilesCount: 0,
      deletedFilesCount: 0,
      addedRowsCount: 0n,
      existingRowsCount: 0n,
      deletedRowsCount: 0n,
    }
  }

  #merged(group: readonly ManifestFile[]): ManifestFile {
    const { partitions: _of, ...first } = group[0]
    const path = `simulated ${this.#count++}`
    for (const one of group) this.#renamed.set(one.manifestPath, path)
    return {
      ...first,
      manifestPath: path,
      manifestLength: group.reduce((sum, { manifestLength }) => sum + manifestLength, 0n),
      sequenceNumber: this.#sequenceNumber,
      minSequenceNumber: group.reduce(
        (least, one) => (one.minSequenceNumber < least ? one.minSequenceNumber : least),
        first.minSequenceNumber,
      ),
      addedFilesCount: 0,
      existingFilesCount: group.reduce((sum, one) => sum + liveIn(one), 0),
      deletedFilesCount: group.reduce((sum, one) => sum + one.deletedFilesCount, 0),
    }
  }

  #named(before: string, manifest: ManifestFile): ManifestFile {
    const path = `simulated ${this.#count++}`
    this.#renamed.set(before, path)
    return { ...manifest, manifestPath: path }
  }
}

function liveIn({ addedFilesCount, existingFilesCount }: ManifestFile): number {
  return addedFilesCount + existingFilesCount
}

function entriesIn(manifest: ManifestFile): number {
  return Math.max(1, liveIn(manifest) + manifest.deletedFilesCount)
}
