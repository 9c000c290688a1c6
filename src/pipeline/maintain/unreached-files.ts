import { comparablePath } from '../../formats/iceberg/comparable-path.ts'
import type { ManifestEntry, ManifestFile } from '../../formats/iceberg/data-file.ts'
import { openManifest } from '../../formats/iceberg/manifest.ts'
import { readManifestList } from '../../formats/iceberg/manifest-list.ts'
import type { Snapshot, TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import type { FileIO } from '../../seams/file-io.ts'
import { ObjectNotFound } from '../../seams/object-store.ts'

export type FileKind = 'data' | 'deletes' | 'manifest' | 'manifestList' | 'statistics'

/** A file that nothing names any more. */
export interface UnreachedFile {
  readonly path: string
  readonly kind: FileKind
  /** Null where nothing tells. */
  readonly bytes: number | null
}

/** Paths that are held at once while it is looked whether something names them; of more, the manifests are read once for each so many. */
const maxHeldPaths = 100_000

/**
 * The files that `removed` snapshots of a table named and that no snapshot in `remaining` names, data files first and manifest lists last.
 * `before`: the metadata that had those snapshots, for its statistics files.
 *
 * What is left of the history is read whole, a manifest at a time; throws what the store throws where that can not be read, since then nobody
 * knows what may go. Of what was removed, files that are gone already are passed over.
 */
export async function* unreachedFiles(
  removed: readonly Snapshot[],
  before: TableMetadata,
  remaining: TableMetadata,
  io: Pick<FileIO, 'read'>,
): AsyncGenerator<UnreachedFile, void, undefined> {
  const lists = new Set((remaining.snapshots ?? []).map((one) => comparablePath(listOf(one))))
  const goneLists = removed.filter((one) => !lists.has(comparablePath(listOf(one))))
  const candidates = new Map<string, ManifestFile>()
  for (const snapshot of goneLists) {
    for (const manifest of (await orGone(() => manifestsOf(snapshot, io))) ?? [])
      candidates.set(comparablePath(manifest.manifestPath), manifest)
  }
  // Newest first: what was merged stands in the newest manifests.
  const named = new Map<string, ManifestFile>()
  for (const snapshot of (remaining.snapshots ?? []).toReversed()) {
    for (const manifest of await manifestsOf(snapshot, io)) named.set(comparablePath(manifest.manifestPath), manifest)
  }
  for (const path of named.keys()) candidates.delete(path)

  let held = new Map<string, HeldFile>()
  for (const manifest of candidates.values()) {
    for (const entry of (await orGone(() => liveEntries(manifest, io))) ?? []) hold(held, entry)
    if (held.size < maxHeldPaths) continue
    yield* await unnamed(held, named.values(), io)
    held = new Map()
  }
  yield* await unnamed(held, named.values(), io)
  yield* statisticsOnlyIn(before, remaining)
  for (const { manifestPath, manifestLength } of candidates.values())
    yield { path: manifestPath, kind: 'manifest', bytes: Number(manifestLength) }
  for (const snapshot of goneLists) yield { path: listOf(snapshot), kind: 'manifestList', bytes: null }
}

interface HeldFile extends UnreachedFile {
  readonly sequenceNumber: bigint
}

function hold(held: Map<string, HeldFile>, { dataFile, sequenceNumber }: ManifestEntry): void {
  const { filePath, content, fileSizeInBytes } = dataFile
  const file = { path: filePath, kind: content === 0 ? 'data' : 'deletes', bytes: Number(fileSizeInBytes) } as const
  held.set(comparablePath(filePath), { ...file, sequenceNumber: sequenceNumber ?? 0n })
}

/** Those of `held` that no manifest names as live. A manifest older than all of them has none of them. */
async function unnamed(held: Map<string, HeldFile>, manifests: Iterable<ManifestFile>, io: Pick<FileIO, 'read'>): Promise<UnreachedFile[]> {
  let oldest: bigint | null = null
  for (const { sequenceNumber } of held.values()) if (oldest === null || sequenceNumber < oldest) oldest = sequenceNumber
  for (const manifest of manifests) {
    if (held.size === 0 || oldest === null) break
    if (manifest.sequenceNumber < oldest) continue
    for (const { dataFile } of await liveEntries(manifest, io)) held.delete(comparablePath(dataFile.filePath))
  }
  return [...held.values()].map(({ path, kind, bytes }) => ({ path, kind, bytes }))
}

/** Entries of files that a manifest has in the table, read as they are taken. Throws as `openManifest` and the store do. */
export async function liveEntries(manifest: ManifestFile, io: Pick<FileIO, 'read'>): Promise<Iterable<ManifestEntry>> {
  return openManifest(await io.read(manifest.manifestPath), manifest).entries.filter(({ status }) => status !== 2)
}

/** Throws as `readManifestList` and the store do. */
export async function manifestsOf(snapshot: Snapshot, io: Pick<FileIO, 'read'>): Promise<readonly ManifestFile[]> {
  return readManifestList(await io.read(listOf(snapshot))).manifests
}

function listOf(snapshot: Snapshot): string {
  const list: string | undefined = snapshot['manifest-list']
  if (list !== undefined) return list
  throw new WorkError(`snapshot ${snapshot['snapshot-id']} has no manifest list (format version 1), so what it names is not known`, {
    retry: 'never',
  })
}

/** Paths of a document's statistics files, of tables and of partitions. */
export function* statisticsFiles(metadata: TableMetadata): Generator<{ readonly path: string; readonly bytes: number | null }> {
  for (const key of ['statistics', 'partition-statistics']) {
    const files = metadata[key]
    if (!Array.isArray(files)) continue
    for (const file of files as { 'statistics-path'?: unknown; 'file-size-in-bytes'?: unknown }[]) {
      const bytes = Number(file['file-size-in-bytes'])
      if (typeof file['statistics-path'] === 'string') yield { path: file['statistics-path'], bytes: Number.isFinite(bytes) ? bytes : null }
    }
  }
}

function* statisticsOnlyIn(before: TableMetadata, remaining: TableMetadata): Generator<UnreachedFile> {
  const left = new Set([...statisticsFiles(remaining)].map(({ path }) => comparablePath(path)))
  for (const file of statisticsFiles(before)) if (!left.has(comparablePath(file.path))) yield { ...file, kind: 'statistics' }
}

async function orGone<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof ObjectNotFound) return null
    throw error
  }
}
