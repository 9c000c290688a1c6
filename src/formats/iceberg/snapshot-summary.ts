import type { Snapshot } from './table-metadata.ts'

/** What an append brings; `partitions` is how many partition values its files have, 1 (or 0 without files) on an unpartitioned table. */
export interface AddedFiles {
  readonly files: number
  readonly records: bigint
  readonly bytes: bigint
  readonly partitions?: number
}

const totals = [
  'total-records',
  'total-files-size',
  'total-data-files',
  'total-delete-files',
  'total-position-deletes',
  'total-equality-deletes',
] as const

const decimal = /^\d+$/

/**
 * Summary of an append (table specification, appendix F). The totals are carried on from the parent; one that the parent lacks is
 * left out, since what it was can not be known, and without a parent all start from zero. Counts win over `extra`.
 */
export function appendSummary(append: {
  readonly parent: Snapshot | null
  readonly added: AddedFiles
  readonly extra: Readonly<Record<string, string>>
}): Record<string, string> {
  const { parent, added, extra } = append
  const growth: Partial<Record<(typeof totals)[number], bigint>> = {
    'total-records': added.records,
    'total-files-size': added.bytes,
    'total-data-files': BigInt(added.files),
  }
  const summary: Record<string, string> = { operation: 'append' }
  if (added.files > 0) {
    summary['added-data-files'] = String(added.files)
    summary['added-records'] = String(added.records)
    summary['added-files-size'] = String(added.bytes)
  }
  summary['changed-partition-count'] = String(added.partitions ?? Math.min(added.files, 1))
  for (const key of totals) {
    const before = parent === null ? '0' : parent.summary[key]
    if (before !== undefined && decimal.test(before)) summary[key] = String(BigInt(before) + (growth[key] ?? 0n))
  }
  return { ...extra, ...summary }
}
