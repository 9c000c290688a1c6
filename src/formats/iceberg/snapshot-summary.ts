import type { DataFile } from './data-file.ts'
import { partitionKey } from './partition-key.ts'
import type { Snapshot } from './table-metadata.ts'

/** What a snapshot does, and the files, of data and deletes, that it brings and takes out. */
export interface SnapshotChange {
  readonly operation: 'append' | 'replace' | 'overwrite' | 'delete'
  readonly parent: Snapshot | null
  readonly added: readonly DataFile[]
  readonly removed: readonly DataFile[]
  readonly extra: Readonly<Record<string, string>>
}

/** Counts of files, by the summary's keys that have `added-` or `removed-` before them. */
type Counts = Readonly<Record<(typeof counted)[number], bigint>>

const counted = [
  'data-files',
  'delete-files',
  'position-delete-files',
  'equality-delete-files',
  'dvs',
  'records',
  'files-size',
  'position-deletes',
  'equality-deletes',
] as const

const totals = ['records', 'files-size', 'data-files', 'delete-files', 'position-deletes', 'equality-deletes'] as const

/** Data that goes is `deleted`, everything else is `removed`. */
const deleted: readonly string[] = ['data-files', 'records']

const decimal = /^\d+$/

/**
 * The summary of a snapshot (table specification, appendix F). The totals are carried on from the parent; one that the parent lacks, or that
 * can not be right, is left out, since what it was can not be known, and without a parent all start from zero. Counts win over `extra`.
 */
export function snapshotSummary({ operation, parent, added, removed, extra }: SnapshotChange): Record<string, string> {
  const [plus, minus] = [count(added), count(removed)]
  const summary: Record<string, string> = { operation }
  for (const key of counted) {
    if (plus[key] > 0n) summary[`added-${key}`] = String(plus[key])
    if (minus[key] > 0n) summary[`${deleted.includes(key) ? 'deleted' : 'removed'}-${key}`] = String(minus[key])
  }
  summary['changed-partition-count'] = String(countPartitions([...added, ...removed]))
  for (const key of totals) {
    const before = parent === null ? '0' : parent.summary[`total-${key}`]
    if (before === undefined || !decimal.test(before)) continue
    const total = BigInt(before) + plus[key] - minus[key]
    if (total >= 0n) summary[`total-${key}`] = String(total)
  }
  return { ...extra, ...summary }
}

function count(files: readonly DataFile[]): Counts {
  const sum = (some: readonly DataFile[], of: (file: DataFile) => bigint) => some.reduce((total, file) => total + of(file), 0n)
  const [data, positions, equalities] = ([0, 1, 2] as const).map((content) => files.filter((file) => file.content === content))
  const vectors = positions.filter(({ fileFormat }) => fileFormat === 'PUFFIN')
  return {
    'data-files': BigInt(data.length),
    'delete-files': BigInt(positions.length + equalities.length),
    'position-delete-files': BigInt(positions.length - vectors.length),
    'equality-delete-files': BigInt(equalities.length),
    dvs: BigInt(vectors.length),
    records: sum(data, (file) => file.recordCount),
    'files-size': sum(files, (file) => file.contentSizeInBytes ?? file.fileSizeInBytes),
    'position-deletes': sum(positions, (file) => file.recordCount),
    'equality-deletes': sum(equalities, (file) => file.recordCount),
  }
}

function countPartitions(files: readonly DataFile[]): number {
  return new Set(files.map(({ partition }) => partitionKey(partition))).size
}
