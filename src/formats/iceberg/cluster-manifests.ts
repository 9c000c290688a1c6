import type { ManifestEntry, ManifestFile, SingleValue } from './data-file.ts'
import { compareSingleValues } from './single-value.ts'

/** Manifests of one kind and spec that are written again, as so many. */
export interface ManifestCluster {
  readonly manifests: readonly ManifestFile[]
  readonly count: number
}

export interface ClusterPlan {
  readonly clusters: readonly ManifestCluster[]
  /** Manifests to carry on as they are. */
  readonly keep: readonly ManifestFile[]
}

/** Entries are held at once, some hundred bytes each; compressed they are an eighth or so. */
const maxClusterBytes = 64 * 1024 * 1024

/**
 * Which manifests to write again so that a query that looks for some partitions reads few of them: of each kind and partition spec all, where they are more
 * than their entries need at the target size; of very many, the small ones first. Manifests without a live file are left out.
 */
export function planClusters(manifests: readonly ManifestFile[], targetBytes: number): ClusterPlan {
  const live = manifests.filter((one) => one.addedFilesCount + one.existingFilesCount > 0)
  const clusters: ManifestCluster[] = []
  for (const own of Map.groupBy(live, ({ content, partitionSpecId }) => `${content} ${partitionSpecId}`).values()) {
    const taken: ManifestFile[] = []
    let bytes = 0
    for (const manifest of own.toSorted((a, b) => size(a) - size(b))) {
      if (bytes + size(manifest) > maxClusterBytes && taken.length > 0) break
      taken.push(manifest)
      bytes += size(manifest)
    }
    const count = Math.max(1, Math.ceil(bytes / targetBytes))
    if (taken.length > count) clusters.push({ manifests: taken, count })
  }
  const again = new Set(clusters.flatMap((one) => one.manifests))
  return { clusters, keep: live.filter((manifest) => !again.has(manifest)) }
}

/** So many fewer manifests to read pay for writing all again. */
const manyFewer = 200
/** And so many that were merged one after another, each by the time that it came, where a query for some partitions reads all of them. */
const manyMerged = 4

/** Whether it pays to write a cluster again unasked: not soon again after it was, however many commits come. */
export function isWorthClustering({ manifests, count }: ManifestCluster, targetBytes: number): boolean {
  // Merging at commit leaves those alone from then on, and clustering writes all of its own in one commit.
  const merged = manifests.filter((one) => one.content === 0 && size(one) * 2 >= targetBytes)
  return manifests.length - count >= manyFewer || new Set(merged.map((one) => one.sequenceNumber)).size >= manyMerged
}

/** Entries in the order of their partitions, and those of one partition in the order in which they came, in about equal parts. */
export function clusterEntries(entries: Iterable<ManifestEntry>, count: number): ManifestEntry[][] {
  const ordered = [...entries].sort((a, b) => comparePartitions(a, b) || compareAges(a, b))
  const length = Math.ceil(ordered.length / count)
  return Array.from({ length: count }, (_, i) => ordered.slice(i * length, (i + 1) * length)).filter((part) => part.length > 0)
}

function comparePartitions({ dataFile: { partition: a } }: ManifestEntry, { dataFile: { partition: b } }: ManifestEntry): number {
  for (const [i, value] of a.entries()) {
    const order = compareValues(value, b[i])
    if (order !== 0) return order
  }
  return 0
}

function compareValues(a: SingleValue, b: SingleValue): number {
  if (a === null || b === null) return Number(b === null) - Number(a === null)
  return compareSingleValues(a, b)
}

function compareAges({ sequenceNumber: a }: ManifestEntry, { sequenceNumber: b }: ManifestEntry): number {
  return (a ?? 0n) < (b ?? 0n) ? -1 : (a ?? 0n) > (b ?? 0n) ? 1 : 0
}

function size(manifest: ManifestFile): number {
  return Number(manifest.manifestLength)
}
