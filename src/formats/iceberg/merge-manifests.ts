import type { ManifestEntry, ManifestFile } from './data-file.ts'

/** The table properties `commit.manifest.target-size-bytes`, `commit.manifest.min-count-to-merge` and `commit.manifest-merge.enabled`. */
export interface MergeOptions {
  readonly targetBytes: number
  readonly minCountToMerge: number
  readonly enabled: boolean
}

export interface MergePlan {
  /** Manifests to carry on as they are, in their order. */
  readonly keep: ManifestFile[]
  /** Groups of two or more data manifests of one partition spec; each becomes one new manifest. */
  readonly merge: ManifestFile[][]
}

/** @throws Error for a property that is no number, naming it. */
export function mergeOptions(properties: Readonly<Record<string, string>>): MergeOptions {
  return {
    targetBytes: count(properties, 'commit.manifest.target-size-bytes', 8 * 1024 * 1024),
    minCountToMerge: count(properties, 'commit.manifest.min-count-to-merge', 100),
    enabled: properties['commit.manifest-merge.enabled']?.toLowerCase() !== 'false',
  }
}

function count(properties: Readonly<Record<string, string>>, key: string, standard: number): number {
  const text = properties[key]
  if (text === undefined) return standard
  if (!/^\d{1,15}$/.test(text)) throw new Error(`table property ${key}: expected a whole number, found "${text.slice(0, 32)}"`)
  return Number(text)
}

/**
 * Which manifests to merge before a commit writes its manifest list. `manifests` are newest first, as in a manifest list.
 *
 * As in Iceberg's reference implementation, the manifests of each spec are packed from the oldest on into bins of the target size. A bin
 * that is full is merged; the newest, which the next commits go on filling, waits until it holds `minCountToMerge`. Two rules bound the work:
 *
 * - A manifest of at least half the target size is finished and is never read again.
 * - Of the newest bin only a beginning is merged in which no manifest is larger than all the others together. So whatever is
 *   rewritten lands in a manifest at least twice as large: an entry is rewritten about log2(target size / first size) times, however many commits come.
 *
 * After it a spec has about `minCountToMerge` + log2(target size) manifests, and one or two for each target size of entries.
 * Delete manifests are kept as they are.
 */
export function planManifestMerge(manifests: readonly ManifestFile[], options: MergeOptions): MergePlan {
  const merge = options.enabled ? [...bySpec(manifests, options)].flatMap((open) => groups(open, options)) : []
  const merged = new Set(merge.flat())
  return { keep: manifests.filter((manifest) => !merged.has(manifest)), merge }
}

/** The unfinished data manifests of each spec, newest first. */
function bySpec(manifests: readonly ManifestFile[], options: MergeOptions): Iterable<ManifestFile[]> {
  const specs = new Map<number, ManifestFile[]>()
  for (const manifest of manifests) {
    if (manifest.content !== 0 || size(manifest) * 2 >= options.targetBytes) continue
    const open = specs.get(manifest.partitionSpecId)
    if (open === undefined) specs.set(manifest.partitionSpecId, [manifest])
    else open.push(manifest)
  }
  return specs.values()
}

function groups(open: readonly ManifestFile[], options: MergeOptions): ManifestFile[][] {
  const [newest, ...full] = pack(open, options.targetBytes)
  const beginning = newest.length >= options.minCountToMerge ? balancedBeginning(newest) : []
  return [beginning, ...full].filter((group) => group.length > 1)
}

/** Bins of neighbours, newest first; only the newest bin may have room left. */
function pack(open: readonly ManifestFile[], targetBytes: number): ManifestFile[][] {
  const bins: ManifestFile[][] = []
  let room = 0
  for (const manifest of open.toReversed()) {
    if (bins.length === 0 || size(manifest) > room) {
      bins.unshift([])
      room = targetBytes
    }
    bins[0].unshift(manifest)
    room -= size(manifest)
  }
  return bins
}

/** The longest beginning of which no manifest is larger than all its others together. */
function balancedBeginning(bin: readonly ManifestFile[]): ManifestFile[] {
  let length = 0
  let total = 0
  let largest = 0
  for (const [i, manifest] of bin.entries()) {
    total += size(manifest)
    largest = Math.max(largest, size(manifest))
    if (largest * 2 <= total) length = i + 1
  }
  return bin.slice(0, length)
}

function size(manifest: ManifestFile): number {
  return Number(manifest.manifestLength)
}

/**
 * The entries of a merged manifest, in the order of the manifests read, which keep the snapshot and the sequence numbers that they
 * had or inherited: what an earlier snapshot added now exists, what one deleted is left out. Entries of the new snapshot stay as they are.
 */
export function* mergeEntries(read: Iterable<Iterable<ManifestEntry>>, newSnapshotId: bigint): Generator<ManifestEntry, void, undefined> {
  for (const entries of read) {
    for (const entry of entries) {
      if (entry.snapshotId === null || entry.snapshotId === newSnapshotId) yield entry
      else if (entry.status !== 2) yield entry.status === 1 ? { ...entry, status: 0 } : entry
    }
  }
}
