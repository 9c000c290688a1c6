import { type ManifestEntry, withoutMetrics } from '../../formats/iceberg/data-file.ts'
import { pathFieldId } from './delete-index.ts'
import type { LiveDelete, LiveFile } from './rewrite-flow.ts'

/** An entry of a live data file, without its metrics: tens of thousands are held at once. */
export function liveFile(entry: ManifestEntry, specId: number): LiveFile {
  const { sequenceNumber, fileSequenceNumber, snapshotId } = entry
  return { file: withoutMetrics(entry.dataFile), specId, sequenceNumber: sequenceNumber ?? 0n, fileSequenceNumber, snapshotId }
}

/** An entry of a live delete file; of its bounds, those of the paths that it names are kept. */
export function liveDelete({ dataFile, sequenceNumber }: ManifestEntry, specId: number): LiveDelete {
  const { lowerBounds, upperBounds } = dataFile
  const [lower, upper] = [lowerBounds?.get(pathFieldId), upperBounds?.get(pathFieldId)]
  const bounds =
    lower === undefined || upper === undefined
      ? {}
      : { lowerBounds: new Map([[pathFieldId, lower]]), upperBounds: new Map([[pathFieldId, upper]]) }
  return { file: { ...withoutMetrics(dataFile), ...bounds }, specId, sequenceNumber: sequenceNumber ?? 0n }
}
