import { randomFillSync } from 'node:crypto'
import { expect, test } from 'vitest'
import type { NestedField } from '../../../../src/formats/iceberg/schema.ts'
import { ParquetFile } from '../../../../src/formats/parquet/encode/parquet-file.ts'
import { RowGroupWriter } from '../../../../src/formats/parquet/encode/row-group-writer.ts'
import { readsByColumns } from '../../../../src/pipeline/maintain/rewrite-cost.ts'
import { groupOf, liveFile, memoryFiles, rewrite } from './rewriting.ts'

const fields: readonly NestedField[] = Array.from({ length: 12 }, (_, i) => ({ id: i + 1, name: `c${i}`, required: true, type: 'long' }))

/** A file of `groups` row groups: two columns of values that do not compress, and others that nearly vanish. */
function largeFile(groups: number, rows: number) {
  const file = new ParquetFile(fields)
  const chunks = [file.start()]
  const whole = { layout: 'fixed', length: rows, nullCount: 0, validity: null } as const
  for (let group = 0; group < groups; group++) {
    const writer = new RowGroupWriter(fields, { codec: 'zstd', pageSizeBytes: 1024 * 1024, dictionarySizeBytes: 2 * 1024 * 1024 })
    const columns = fields.map((_, i) => ({ ...whole, values: i < 2 ? randomFillSync(new BigInt64Array(rows)) : new BigInt64Array(rows) }))
    writer.append({ length: rows, columns })
    chunks.push(...file.add(writer.finish()))
  }
  const { tail, file: encoded } = file.finish(new Map())
  const bytes = Buffer.concat([...chunks, tail])
  const columnSizes = new Map([...encoded.leaves].map(([id, { compressedBytes }]) => [id, compressedBytes]))
  return { bytes, live: liveFile('memory://in', bytes, groups * rows, { columnSizes, splitOffsets: encoded.splitOffsets }) }
}

test.each([
  ['small', 1, 1000],
  ['large', 1, 1_000_000],
  ['of several row groups', 4, 300_000],
])('the requests for a file are told by its manifest entry: one that is %s', async (_, groups, rows) => {
  const { bytes, live } = largeFile(groups, rows)
  const { io, files } = memoryFiles()
  files.set('memory://in', bytes)
  let reads = 0
  await rewrite(groupOf([live]), fields, { ...io, read: (uri, range) => (reads++, io.read(uri, range)) })
  const told = readsByColumns(
    live.file,
    fields.map(({ id }) => id),
  )
  expect(Math.abs(told - reads) / reads, `${told} for ${reads}`).toBeLessThanOrEqual(0.2)
})
