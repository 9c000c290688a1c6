import { fileKey } from '../../formats/iceberg/file-key.ts'
import type { RewriteGroup } from './rewrite-flow.ts'

/** What a rewrite takes. All of it is counted but the outputs and requests, which are about so. */
export interface RewriteCost {
  readonly inputFiles: number
  readonly inputBytes: number
  /** Delete files to be read; one that several rewrites read is counted for each. */
  readonly deleteFiles: number
  readonly deleteBytes: number
  readonly outputFiles: number
  readonly gets: number
  readonly puts: number
}

export const noCost: RewriteCost = { inputFiles: 0, inputBytes: 0, deleteFiles: 0, deleteBytes: 0, outputFiles: 0, gets: 0, puts: 0 }

/** Bytes of one request for a part of a file, and of one part of an upload. */
const requestBytes = 8 * 1024 * 1024

/** The cost of one rewrite: of each input its footer and then its bytes, of each output its parts, begun and completed. */
export function rewriteCost({ inputs }: RewriteGroup, targetFileSizeBytes: number): RewriteCost {
  const inputBytes = inputs.reduce((sum, { live }) => sum + Number(live.file.fileSizeInBytes), 0)
  const deletes = new Map(
    inputs.flatMap((input) => input.deletes.map(({ file }) => [fileKey(file), Number(file.contentSizeInBytes ?? file.fileSizeInBytes)])),
  )
  const outputFiles = Math.max(1, Math.round(inputBytes / targetFileSizeBytes))
  const outputBytes = inputBytes / outputFiles
  const parts = Math.ceil(outputBytes / requestBytes)
  return {
    inputFiles: inputs.length,
    inputBytes,
    deleteFiles: deletes.size,
    deleteBytes: [...deletes.values()].reduce((sum, bytes) => sum + bytes, 0),
    outputFiles,
    gets: inputs.reduce((sum, { live }) => sum + 1 + Math.ceil(Number(live.file.fileSizeInBytes) / requestBytes), 0) + deletes.size,
    puts: outputFiles * (parts > 1 ? parts + 2 : 1),
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
    }),
    noCost,
  )
}
