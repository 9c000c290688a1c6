import { type DataFile, type ManifestEntry, type ManifestFile, withoutMetrics } from '../../formats/iceberg/data-file.ts'
import { clusterEntries, planClusters } from '../../formats/iceberg/cluster-manifests.ts'
import { fileKey } from '../../formats/iceberg/file-key.ts'
import { openManifest } from '../../formats/iceberg/manifest.ts'
import { mergeEntries, mergeOptions, planManifestMerge } from '../../formats/iceberg/merge-manifests.ts'
import type { FileChange } from './file-change.ts'
import { type ManifestWriting, writeOne } from './write-manifests.ts'

/** The parent's manifests as the new snapshot has them, and the files that it no longer has. */
export interface CarriedManifests {
  readonly manifests: readonly ManifestFile[]
  readonly removed: readonly DataFile[]
}

/**
 * Carries the manifests of the parent on: those that have a removed file are written again, with its entry as deleted and all live
 * ones as existing; those without a live file are left out; small ones are merged.
 * @throws Error where a file that is to be removed is not live in the manifest that is said to have it.
 */
export async function carryManifests(
  writing: ManifestWriting,
  existing: readonly ManifestFile[],
  { removed, clusters }: FileChange,
): Promise<CarriedManifests> {
  const manifests: ManifestFile[] = []
  const files: DataFile[] = []
  for (const manifest of existing) {
    if (manifest.addedFilesCount + manifest.existingFilesCount === 0) continue
    const keys = removed.get(manifest.manifestPath)
    if (keys === undefined || keys.size === 0) manifests.push(manifest)
    else {
      const taken: DataFile[] = []
      const entries = without(await entriesOf(writing, manifest), keys, writing.snapshotId, taken)
      const written = await writeOne(writing, manifest.partitionSpecId, manifest.content, entries)
      if (taken.length !== keys.size)
        throw new Error(`iceberg: manifest ${manifest.manifestPath}: ${keys.size} live files were to be removed, found ${taken.length}`)
      for (const file of taken) files.push(file)
      manifests.push(written)
    }
  }
  return { manifests: await (clusters === true ? cluster : mergeSmall)(writing, manifests), removed: files }
}

/**
 * Entries as another snapshot writes them: those with these keys as deleted by it, live ones as existing. The files of the former go to `taken`,
 * without their metrics.
 */
function* without(
  entries: Iterable<ManifestEntry>,
  keys: ReadonlySet<string>,
  snapshotId: bigint,
  taken: DataFile[],
): Generator<ManifestEntry, void, undefined> {
  for (const entry of entries) {
    if (entry.status === 2) continue
    const { dataFile } = entry
    if (!keys.has(fileKey(dataFile))) yield { ...entry, status: 0 }
    else {
      taken.push(withoutMetrics(dataFile))
      yield { ...entry, status: 2, snapshotId }
    }
  }
}

async function mergeSmall(writing: ManifestWriting, manifests: readonly ManifestFile[]): Promise<ManifestFile[]> {
  const plan = planManifestMerge(manifests, mergeOptions(writing.metadata.properties ?? {}))
  const merged: ManifestFile[] = []
  for (const group of plan.merge) {
    const read = await Promise.all(group.map((manifest) => entriesOf(writing, manifest)))
    merged.push(await writeOne(writing, group[0].partitionSpecId, 0, mergeEntries(read, writing.snapshotId)))
  }
  return [...merged, ...plan.keep]
}

async function cluster(writing: ManifestWriting, manifests: readonly ManifestFile[]): Promise<ManifestFile[]> {
  const { clusters, keep } = planClusters(manifests, mergeOptions(writing.metadata.properties ?? {}).targetBytes)
  const written: ManifestFile[] = []
  for (const { manifests: own, count } of clusters) {
    const read: Iterable<ManifestEntry>[] = []
    for (const manifest of own) read.push(await entriesOf(writing, manifest))
    const [{ partitionSpecId, content }] = own
    for (const entries of clusterEntries(mergeEntries(read, writing.snapshotId), count)) {
      written.push(await writeOne(writing, partitionSpecId, content, entries))
    }
  }
  return [...written, ...keep]
}

async function entriesOf({ io }: ManifestWriting, manifest: ManifestFile): Promise<Iterable<ManifestEntry>> {
  return openManifest(await io.read(manifest.manifestPath), manifest).entries
}
