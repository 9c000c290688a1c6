import type { ManifestFile } from './data-file.ts'
import type { TableMetadata } from './table-metadata.ts'

/** What a snapshot of format version 3 says of row ids; empty in version 2. */
export interface RowLineage {
  readonly 'first-row-id'?: bigint
  readonly 'added-rows'?: bigint
}

/**
 * Gives each data manifest that has none its first row id (table specification, "Row Lineage", "First Row ID Assignment"), from the table's
 * `next-row-id` on. Room is left for the rows of existing files too: those from before an upgrade to version 3 have no ids yet.
 */
export function assignRowIds(
  metadata: Pick<TableMetadata, 'format-version' | 'next-row-id'>,
  manifests: readonly ManifestFile[],
): { readonly manifests: readonly ManifestFile[]; readonly rowLineage: RowLineage } {
  if (metadata['format-version'] < 3) return { manifests, rowLineage: {} }
  const first = metadata['next-row-id'] ?? 0n
  let next = first
  const assigned = manifests.map((manifest) => {
    if (manifest.content !== 0 || manifest.firstRowId !== undefined) return manifest
    const firstRowId = next
    next += manifest.existingRowsCount + manifest.addedRowsCount
    return { ...manifest, firstRowId }
  })
  return { manifests: assigned, rowLineage: { 'first-row-id': first, 'added-rows': next - first } }
}
