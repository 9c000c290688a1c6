import { fileKey } from '../../formats/iceberg/file-key.ts'
import type { DataFile } from '../../formats/iceberg/data-file.ts'
import type { LiveFile, RewriteGroup } from './rewrite-flow.ts'
import { isReadWhole, windowOf } from './rewrite/input-size.ts'

/** What a rewrite takes. All of it is counted but the outputs and requests, which are about so; what planning and commits ask is not in it. */
export interface RewriteCost {
  readonly inputFiles: number
  readonly inputBytes: number
  /** Delete files to be read; one that several rewrites read is counted for each. */
  readonly deleteFiles: number
  readonly deleteBytes: number
  readonly outputFiles: number
  readonly gets: number
  readonly puts: number
  /** Files of sorted rows that are written, read and removed again, where sorting takes more memory than there is, about; and their bytes. */
  readonly spilledFiles: number
  readonly spilledBytes: number
}

export const noCost: RewriteCost = {
  inputFiles: 0,
  inputBytes: 0,
  deleteFiles: 0,
  deleteBytes: 0,
  outputFiles: 0,
  gets: 0,
  puts: 0,
  spilledFiles: 0,
  spilledBytes: 0,
}

/** One part of an upload, bytes. */
const partBytes = 8 * 1024 * 1024

/**
 * GETs that reading a file takes by its manifest entry: of each row group and column its windows. `columns`: leaves of the table that are read.
 * A column whose size is not told is taken for a small one.
 */
export function readsByColumns(file: DataFile, columns: readonly number[]): number {
  if (isReadWhole(file)) return 1
  const groups = Math.max(1, file.splitOffsets?.length ?? 1)
  const window = windowOf(columns.length)
  const reads = columns.map((id) => Math.max(1, Math.ceil(Number(file.columnSizes?.get(id) ?? 0n) / groups / window)))
  return 1 + groups * reads.reduce((sum, count) => sum + count, 0)
}

/** PUTs and POSTs that a file of so many bytes takes: its parts, begun and completed. */
export function requestsToWrite(bytes: number): number {
  const parts = Math.ceil(bytes / partBytes)
  return parts > 1 ? parts + 2 : 1
}

/** The cost of one rewrite that sorts nothing, or in memory: of each input the GETs that reading it takes, and of each output what writing it does. */
export function rewriteCost({ inputs }: RewriteGroup, targetFileSizeBytes: number, readsOf: (live: LiveFile) => number): RewriteCost {
  const inputBytes = inputs.reduce((sum, { live }) => sum + Number(live.file.fileSizeInBytes), 0)
  const deletes = new Map(
    inputs.flatMap((input) => input.deletes.map(({ file }) => [fileKey(file), Number(file.contentSizeInBytes ?? file.fileSizeInBytes)])),
  )
  const outputFiles = Math.max(1, Math.round(inputBytes / targetFileSizeBytes))
  return {
    inputFiles: inputs.length,
    inputBytes,
    deleteFiles: deletes.size,
    deleteBytes: [...deletes.values()].reduce((sum, bytes) => sum + bytes, 0),
    outputFiles,
    gets: inputs.reduce((sum, { live }) => sum + readsOf(live), 0) + deletes.size,
    puts: outputFiles * requestsToWrite(inputBytes / outputFiles),
    spilledFiles: 0,
    spilledBytes: 0,
  }
}

export function sumCosts(costs: readonly RewriteCost[]): RewriteCost {
  return costs.reduce(
    (sum, cost) => ({
      inputFiles: sum.inputFiles + cost.inputFiles,
      inputBytes: sum.inputBytes + cost.inputBytes,
      deleteFiles: sum.deleteFiles + cost.deleteFiles,
      deleteBytes: sum.deleteBytes + cost.deleteBytes,
      outputFiles: sum.outputFiles + cost.outputFiles,
      gets: sum.gets + cost.gets,
      puts: sum.puts + cost.puts,
      spilledFiles: sum.spilledFiles + cost.spilledFiles,
      spilledBytes: sum.spilledBytes + cost.spilledBytes,
    }),
    noCost,
  )
}
