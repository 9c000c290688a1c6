import type { MetadataLogEntry, TableMetadata } from './table-metadata.ts'

/** A document that follows another, and the documents that its log no longer names. */
export interface Succession {
  readonly metadata: TableMetadata
  readonly dropped: readonly string[]
}

/**
 * Enters the document that `next` replaces in its `metadata-log`, which holds at most `write.metadata.previous-versions-max`
 * entries (100 unless set, 1 at least): the oldest fall off.
 */
export function logPrevious(next: TableMetadata, previous: { location: string; lastUpdatedMs: number }): Succession {
  const entry: MetadataLogEntry = { 'metadata-file': previous.location, 'timestamp-ms': previous.lastUpdatedMs }
  const log = [...(next['metadata-log'] ?? []), entry]
  const excess = Math.max(0, log.length - previousVersionsMax(next.properties ?? {}))
  return { metadata: { ...next, 'metadata-log': log.slice(excess) }, dropped: log.slice(0, excess).map((old) => old['metadata-file']) }
}

/** Whether documents that fell off the log are to be deleted once their successor is committed; no by default. */
export function deletesDroppedMetadata(metadata: TableMetadata): boolean {
  return metadata.properties?.['write.metadata.delete-after-commit.enabled']?.toLowerCase() === 'true'
}

function previousVersionsMax(properties: Readonly<Record<string, string>>): number {
  const max = Number(properties['write.metadata.previous-versions-max'] ?? 100)
  return Number.isSafeInteger(max) ? Math.max(1, max) : 100
}
