import type { ManifestFile } from '../../formats/iceberg/data-file.ts'
import { snapshotById } from '../../formats/iceberg/table-metadata.ts'
import { footerGuessBytes } from '../../formats/parquet/read-rows.ts'
import type { FileIO } from '../../seams/file-io.ts'
import { isOurs } from '../../pipeline/commit/table-state.ts'
import { limitsOf } from '../tasks/limits.ts'
import { keyBytes } from '../../pipeline/maintain/rewrite/equality-deletes.ts'
import type { LiveFiles } from './table-books.ts'
import type { TableWithDeletes } from './table-deletes.ts'
import type { Books } from '../../pipeline/verify/books.ts'
import { deletesCost, footerCost, kafkaCost, keysCost, nothing, type ReadingCost, sumOfCosts } from '../../pipeline/verify/reading-cost.ts'
import type { Window } from '../../pipeline/verify/scope.ts'
import type { TableFile } from '../../pipeline/verify/table-files.ts'
import type { ReadingPlan } from '../../pipeline/verify/verification.ts'

/** Objects on a page of a listing. */
const listedAtOnce = 1000

/** What reading the manifests takes: the rest is known when they were. */
export function planManifests(table: string, manifests: readonly ManifestFile[], partitions: number, exact: boolean): ReadingPlan {
  return {
    table,
    step: 'manifests',
    manifests: { manifests: manifests.length, bytes: manifests.reduce((sum, { manifestLength }) => sum + Number(manifestLength), 0) },
    files: 0,
    deleteFiles: 0,
    bytes: 0,
    partitions,
    requests: { get: 0, list: partitions },
    exact,
    segments: null,
    values: null,
  }
}

/**
 * What reading the files takes, as their manifests tell. The Kafka columns are read of all files with `exact`, else of those that deletes
 * are about and of those that another writer added. `before`: what was planned before the manifests were read.
 */
export async function planReading(
  before: ReadingPlan,
  { metadata, processing }: TableWithDeletes,
  { files, deletes, index }: LiveFiles,
  io: FileIO,
): Promise<ReadingPlan> {
  const { share, cost } = await footerShare(io, files)
  const keys = deletes.reduce((sum, { kind, rows }) => sum + (kind === 'equality' ? Number(rows) : 0), 0)
  const passes = Math.ceil((keys * keyBytes) / limitsOf(processing).maxBatchBytes)
  const isForeign = (id: bigint | null) => {
    const snapshot = id === null ? undefined : snapshotById(metadata, id)
    return snapshot !== undefined && !isOurs(snapshot)
  }
  const ofFiles = files.map((file) => {
    const applying =
      deletes.length === 0
        ? []
        : index.of({ file: { filePath: file.path, partition: file.partition }, specId: file.specId, sequenceNumber: file.dataSequence })
    const compares = applying.some((one) => one.file.content === 2)
    const { get, bytes } = compares ? keysCost(file) : nothing
    const readsKafka = before.exact || applying.length > 0 || isForeign(file.snapshot)
    return sumOfCosts([footerCost(file, share), readsKafka ? kafkaCost(file) : nothing, { get: get * passes, bytes: bytes * passes }])
  })
  const { get, bytes } = sumOfCosts([cost, ...ofFiles, ...deletes.map(deletesCost)])
  const requests = { ...before.requests, get }
  return { ...before, step: 'files', files: files.length, deleteFiles: deletes.length, bytes, requests }
}

/** Pages of a listing: a segment and its index for each that files tell of. */
export function pagesOf(windows: readonly Window[], books: Books): number {
  const segmentsIn = ({ at, range: [start, end] }: Window) =>
    [...books.of(at).segments].filter(([base, claims]) => base < end && claims.some((claim) => claim.end > start)).length
  return windows.reduce((sum, window) => sum + Math.max(1, Math.ceil((2 * segmentsIn(window)) / listedAtOnce)), 0)
}

/**
 * How much of what is no column with a known size is footer, of the file that has the most of that; other files are taken to be alike. The
 * manifests do not tell how long footers are, and sizes of columns in lists are not in ours. 1 where that is small, or can not be had.
 */
async function footerShare(io: FileIO, files: readonly TableFile[]): Promise<{ share: number; cost: ReadingCost }> {
  const rest = (file: TableFile) => file.bytes - file.sizes.columns
  const most = files.reduce<TableFile | null>((found, file) => (found === null || rest(file) > rest(found) ? file : found), null)
  if (most === null || rest(most) <= footerGuessBytes) return { share: 1, cost: nothing }
  const cost = { get: 1, bytes: 8 }
  try {
    const end = await io.read(most.path, { start: most.bytes - 8, end: most.bytes })
    const length = new DataView(end.buffer, end.byteOffset).getUint32(0, true) + 8
    return { share: Math.min(1, length / rest(most)), cost }
  } catch {
    return { share: 1, cost }
  }
}
