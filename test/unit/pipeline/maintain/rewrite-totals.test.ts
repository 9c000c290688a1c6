import { expect, test } from 'vitest'
import type { DataFile } from '../../../../src/formats/iceberg/data-file.ts'
import { rewriteTotals } from '../../../../src/pipeline/maintain/rewrite-totals.ts'
import type { RewriteInput, RewriteResult } from '../../../../src/pipeline/maintain/rewrite-flow.ts'

const file = (path: string, bytes: bigint): DataFile => ({
  content: 0,
  filePath: path,
  fileFormat: 'PARQUET',
  partition: [],
  recordCount: 10n,
  fileSizeInBytes: bytes,
})
const input = (path: string, bytes: bigint): RewriteInput => ({
  live: { file: file(path, bytes), specId: 0, sequenceNumber: 1n, fileSequenceNumber: 1n, snapshotId: 7n },
  deletes: [{ file: { ...file('deletes.parquet', 1n), content: 1 }, specId: 0, sequenceNumber: 2n }],
})
const result = (inputs: readonly RewriteInput[], files: readonly DataFile[], rowsDeleted: bigint): RewriteResult => ({
  group: { specId: 0, partition: [], inputs, sequenceNumber: 2n },
  files,
  rowsRead: BigInt(inputs.length) * 10n,
  rowsDeleted,
})

test('the totals of rewrites are their sums, delete files aside', () => {
  const results = [result([input('a', 5n), input('b', 7n)], [file('c', 11n)], 3n), result([input('d', 100n)], [], 10n)]
  expect(rewriteTotals(results)).toEqual({
    inputFiles: 3,
    inputBytes: 112n,
    outputFiles: 1,
    outputBytes: 11n,
    rowsRead: 30n,
    rowsDeleted: 13n,
  })
})
