import { readManifest } from '../../formats/iceberg/manifest.ts'
import { readManifestList } from '../../formats/iceberg/manifest-list.ts'
import { currentSnapshot } from '../../formats/iceberg/table-metadata.ts'
import { readRows } from '../../formats/parquet/read-rows.ts'
import type { ProcessorSeams } from '../../service/feed/processor-seams.ts'

/** Some rows of a table, read back from its newest data file; and where its metadata lies. */
export interface TableSample {
  readonly rows: readonly Record<string, unknown>[]
  readonly metadataLocation: string
}

/** Reads the table the way any reader does: metadata → manifest list → manifest → data file. */
export async function sampleTable(
  table: { namespace: readonly string[]; name: string },
  limit: number,
  seams: ProcessorSeams,
): Promise<TableSample | null> {
  const loaded = await seams.catalog.loadTable(table)
  const snapshot = loaded === null ? null : currentSnapshot(loaded.metadata)
  if (loaded === null || snapshot === null) return null
  const { manifests } = readManifestList(await seams.io.read(snapshot['manifest-list']))
  const oldest = manifests.at(-1)
  if (oldest === undefined) return null
  const { entries } = readManifest(await seams.io.read(oldest.manifestPath), oldest)
  const rows = await readRows(await seams.io.read(entries[0].dataFile.filePath), limit)
  return { rows, metadataLocation: loaded.metadataLocation ?? loaded.metadata.location }
}
