import type { DataFile } from '../../formats/iceberg/data-file.ts'
import type { RewriteResult } from './rewrite-flow.ts'

/** What rewrites took and made, in files, bytes and rows. */
export interface RewriteTotals {
  readonly inputFiles: number
  readonly inputBytes: bigint
  readonly outputFiles: number
  readonly outputBytes: bigint
  readonly rowsRead: bigint
  readonly rowsDeleted: bigint
}

/** The sums over `results`. Delete files are not counted among the inputs: several inputs may share one. */
export function rewriteTotals(results: readonly RewriteResult[]): RewriteTotals {
  const inputs = results.flatMap(({ group }) => group.inputs.map(({ live }) => live.file))
  const outputs = results.flatMap(({ files }) => files)
  return {
    inputFiles: inputs.length,
    inputBytes: bytesOf(inputs),
    outputFiles: outputs.length,
    outputBytes: bytesOf(outputs),
    rowsRead: results.reduce((sum, { rowsRead }) => sum + rowsRead, 0n),
    rowsDeleted: results.reduce((sum, { rowsDeleted }) => sum + rowsDeleted, 0n),
  }
}

function bytesOf(files: readonly DataFile[]): bigint {
  return files.reduce((sum, file) => sum + file.fileSizeInBytes, 0n)
}
