import type { ManifestFile } from '../../formats/iceberg/data-file.ts'
import { fileKey } from '../../formats/iceberg/file-key.ts'
import type { FileIO } from '../../seams/file-io.ts'
import { DeleteIndex, referencedPath, scopeOf } from './delete-index.ts'
import { liveDelete, liveFile } from './live-entries.ts'
import type { PartitionPruner } from './partition-pruner.ts'
import type { LiveDelete, LiveFile } from './rewrite-flow.ts'
import { liveEntries } from './unreached-files.ts'

/** The live delete files of a snapshot, and the manifest that has each, by its `fileKey`. */
export interface LocatedDeletes {
  readonly index: DeleteIndex
  readonly manifests: ReadonlyMap<string, { readonly path: string; readonly live: LiveDelete }>
}

/** Reads the delete manifests of a snapshot. Throws as `readManifest` and the store do. */
export async function locateDeletes(
  manifests: readonly ManifestFile[],
  pruner: PartitionPruner,
  io: Pick<FileIO, 'read'>,
): Promise<LocatedDeletes> {
  const index = new DeleteIndex(pruner.specs)
  const places = new Map<string, { path: string; live: LiveDelete }>()
  for (const manifest of manifests) {
    if (manifest.content !== 1) continue
    for (const entry of await liveEntries(manifest, io)) {
      const live = liveDelete(entry, manifest.partitionSpecId)
      index.add(live)
      places.set(fileKey(entry.dataFile), { path: manifest.manifestPath, live })
    }
  }
  return { index, manifests: places }
}

/** By path: the manifest that has a data file as live. Files that are not there, or came with another sequence number, are missing. */
export async function locateFiles(
  wanted: readonly LiveFile[],
  manifests: readonly ManifestFile[],
  pruner: PartitionPruner,
  io: Pick<FileIO, 'read'>,
): Promise<Map<string, string>> {
  const left = new Map(wanted.map((live) => [live.file.filePath, live]))
  const found = new Map<string, string>()
  for (const manifest of manifests) {
    if (left.size === 0) break
    if (manifest.content !== 0 || !pruner.mayHoldAny(manifest, left.values())) continue
    for (const { dataFile, sequenceNumber } of await liveEntries(manifest, io)) {
      const live = left.get(dataFile.filePath)
      if (live === undefined || live.sequenceNumber !== sequenceNumber) continue
      found.set(dataFile.filePath, manifest.manifestPath)
      left.delete(dataFile.filePath)
    }
  }
  return found
}

/**
 * The delete files that nothing needs once data files are gone: of those up to a sequence number that may apply to one of these, the ones
 * that apply to no other live file. By the manifest that has them.
 */
export async function deletesLeftOver(
  gone: readonly LiveFile[],
  { index, manifests: places }: LocatedDeletes,
  upTo: bigint,
  manifests: readonly ManifestFile[],
  io: Pick<FileIO, 'read'>,
): Promise<Map<string, Set<string>>> {
  const paths = new Set(gone.map(({ file }) => file.filePath))
  const scopes = new Set(gone.map(({ file, specId }) => scopeOf(specId, file)))
  const left = new Map<string, LiveDelete>()
  let newest = -1n
  for (const [key, { live }] of places) {
    if (live.sequenceNumber > upTo || !mayConcern(live, index, paths, scopes)) continue
    left.set(key, live)
    if (live.sequenceNumber > newest) newest = live.sequenceNumber
  }
  for (const manifest of manifests) {
    if (left.size === 0) break
    if (manifest.content !== 0 || manifest.minSequenceNumber > newest) continue
    for (const entry of await liveEntries(manifest, io)) {
      if (paths.has(entry.dataFile.filePath)) continue
      for (const { file } of index.of(liveFile(entry, manifest.partitionSpecId))) left.delete(fileKey(file))
    }
  }
  const found = new Map<string, Set<string>>()
  for (const key of left.keys()) addTo(found, places.get(key)!.path, key)
  return found
}

function mayConcern(live: LiveDelete, index: DeleteIndex, paths: ReadonlySet<string>, scopes: ReadonlySet<string>): boolean {
  const path = live.file.content === 2 ? null : referencedPath(live.file)
  if (path !== null) return paths.has(path)
  return index.isGlobal(live) || scopes.has(scopeOf(live.specId, live.file))
}

/** Adds to one of the sets of a map. */
export function addTo(sets: Map<string, Set<string>>, key: string, value: string): void {
  const set = sets.get(key)
  if (set === undefined) sets.set(key, new Set([value]))
  else set.add(value)
}
