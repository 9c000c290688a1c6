import { comparablePath } from '../../formats/iceberg/comparable-path.ts'
import type { ManifestFile } from '../../formats/iceberg/data-file.ts'
import type { TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import type { FileIO } from '../../seams/file-io.ts'
import { liveEntries, manifestsOf, statisticsFiles } from './unreached-files.ts'

/** A table's metadata document, and where it lies; undefined where a catalog does not tell. */
export interface LocatedMetadata {
  readonly metadata: TableMetadata
  readonly metadataLocation?: string
}

/**
 * Takes out of `held`, which is by comparable path, everything that a table names: its metadata documents, and of every snapshot that it has the
 * manifest list, the manifests, the live data and delete files, the statistics. Reads a manifest at a time. Throws what the store throws where one can
 * not be read: then nobody knows what is named.
 */
export async function takeOutReached(
  held: Map<string, unknown>,
  { metadata, metadataLocation }: LocatedMetadata,
  io: Pick<FileIO, 'read'>,
): Promise<void> {
  const reach = (path: string) => held.delete(comparablePath(path))
  for (const path of documentsOf(metadata, metadataLocation)) reach(path)
  for (const { path } of statisticsFiles(metadata)) reach(path)
  const manifests = new Map<string, ManifestFile>()
  for (const snapshot of (metadata.snapshots ?? []).toReversed()) {
    for (const manifest of await manifestsOf(snapshot, io)) manifests.set(manifest.manifestPath, manifest)
    reach(snapshot['manifest-list'])
  }
  for (const path of manifests.keys()) reach(path)
  for (const manifest of manifests.values()) {
    if (held.size === 0) return
    for (const { dataFile } of await liveEntries(manifest, io)) reach(dataFile.filePath)
  }
}

/** The document that a table has now, and those of its log. */
export function* documentsOf(metadata: TableMetadata, metadataLocation: string | undefined): Generator<string> {
  if (metadataLocation !== undefined) yield metadataLocation
  for (const entry of metadata['metadata-log'] ?? []) yield entry['metadata-file']
}
