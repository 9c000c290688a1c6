import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import type { NestedField } from '../../../../src/formats/iceberg/schema.ts'
import type { SortOrder } from '../../../../src/formats/iceberg/table-metadata.ts'
import { leavesOf } from '../../../../src/formats/parquet/encode/schema-elements.ts'
import { readsByColumns, rewriteCost } from '../../../../src/pipeline/maintain/rewrite-cost.ts'
import { heldToSort, sortCost } from '../../../../src/pipeline/maintain/sort-cost.ts'
import { rewriteGroup } from '../../../../src/service/tasks/rewriter.ts'
import { vectorOf } from '../../formats/arrow/fill.ts'
import { encodeFile } from '../../formats/parquet/encode/files.ts'
import { groupOf, liveFile, memoryFiles, tableOf, targetOf } from './rewriting.ts'

const mebibyte = 1024 * 1024
const fields: readonly NestedField[] = [
  { id: 1, name: 'customer', required: true, type: 'long' },
  { id: 2, name: 'offset', required: true, type: 'long' },
  { id: 3, name: 'status', required: true, type: 'string' },
  { id: 4, name: 'value', required: true, type: 'binary' },
]
const order: SortOrder = {
  'order-id': 1,
  fields: [{ 'source-id': 1, transform: 'identity', direction: 'asc', 'null-order': 'nulls-first' }],
}
const rows = 300_000
const words = ['open', 'paid', 'sent'].map((word) => Buffer.from(word))
/** Half of each value is text that compresses away. */
const valueOf = (i: number) => Buffer.concat([randomBytes(20), Buffer.from(`of the record ${i % 10}`)])
const columns = [
  Array.from({ length: rows }, () => randomBytes(8).readBigInt64LE()),
  Array.from({ length: rows }, (_, i) => BigInt(i)),
  Array.from({ length: rows }, (_, i) => words[i % 3]),
  Array.from({ length: rows }, (_, i) => valueOf(i)),
]
const { bytes, file } = encodeFile(fields, [[{ length: rows, columns: fields.map(({ type }, i) => vectorOf(type, columns[i])) }]])
const leaves = leavesOf(fields)
const live = liveFile('memory://in', bytes, rows, {
  columnSizes: new Map([...file.leaves].map(([id, { compressedBytes }]) => [id, compressedBytes])),
  splitOffsets: file.splitOffsets,
})

test.each([
  ['memory for all of them', 256, 0],
  ['memory for most of them', 48, 2],
  ['so little memory that files of sorted rows are merged in turns', 16, 4],
])('what sorting rows takes is told before, with %s', async (_what, memory, least) => {
  const { io, files } = memoryFiles()
  files.set('memory://in', bytes)
  const took = { gets: 0, spilledFiles: 0, spilledBytes: 0 }
  const counting: typeof io = {
    async write(uri, chunks) {
      const length = await io.write(uri, chunks)
      took.spilledFiles++
      took.spilledBytes += length
      return length
    },
    read: (uri, range) => (took.gets++, io.read(uri, range)),
    remove: (uri) => io.remove(uri),
  }
  const memoryLimitBytes = memory * mebibyte
  const { files: outputs } = await rewriteGroup(
    groupOf([live]),
    tableOf(fields),
    targetOf(counting, { sortOrder: order, memoryLimitBytes }),
  )
  took.spilledFiles -= outputs.length
  took.spilledBytes -= outputs.reduce((sum, { fileSizeInBytes }) => sum + Number(fileSizeInBytes), 0)

  const inputBytes = bytes.length
  const told = sortCost({ heldBytes: heldToSort(live.file, leaves), rows, inputFiles: 1, inputBytes }, leaves.length, {
    order,
    memoryLimitBytes,
  })
  const reads = readsByColumns(
    live.file,
    leaves.map(({ fieldId }) => fieldId),
  )
  const { gets } = rewriteCost(groupOf([live]), targetOf(io).targetFileSizeBytes, () => reads)
  expect(took.spilledFiles).toBeGreaterThanOrEqual(least)
  const all = { ...told, gets: told.gets + gets }
  for (const kind of ['gets', 'spilledFiles', 'spilledBytes'] as const)
    expect(Math.abs(all[kind] - took[kind]), `${kind}: ${all[kind]} for ${took[kind]}`).toBeLessThanOrEqual(0.25 * took[kind])
  expect(told.puts).toBe(told.spilledFiles)
})
