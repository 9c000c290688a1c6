import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { NestedField } from '../../../../src/formats/iceberg/schema.ts'
import type { RowGroupOptions } from '../../../../src/formats/parquet/row-group.ts'
import { anyFields, anyValue } from '../../formats/iceberg/any-type.ts'
import { batchOf, encodeFile, encodeReference } from '../../formats/parquet/encode/files.ts'
import { byParquetWasm } from '../../formats/parquet/read-back.ts'
import { slicesOf } from '../../../../src/pipeline/maintain/rewrite/slices.ts'
import { ObjectNotFound } from '../../../../src/seams/object-store.ts'
import type { DataFile } from '../../../../src/formats/iceberg/data-file.ts'
import { groupOf, liveFile, memoryFiles, rewrite, tableOf, targetOf } from './rewriting.ts'

const options = fc.record<RowGroupOptions>({
  codec: fc.constantFrom('zstd', 'uncompressed', 'gzip', 'brotli'),
  pageSizeBytes: fc.constantFrom(1, 60, 1000, 1024 * 1024),
  dictionarySizeBytes: fc.constantFrom(1, 40, 300, 1024 * 1024),
})

/** Files of row groups of rows; rows come from a few, so that values recur and dictionaries are worth it. */
const inputs = anyFields().chain((fields) => {
  const someRows = fc.array(fc.tuple(...fields.map((field) => anyValue(field.type, field.required))), { minLength: 1, maxLength: 10 })
  const picks = fc.array(fc.array(fc.array(fc.nat(), { minLength: 1, maxLength: 60 }), { maxLength: 3 }), { minLength: 1, maxLength: 3 })
  return fc.tuple(someRows, picks).map(([rows, files]) => ({
    fields,
    files: files.map((groups) => groups.map((group) => group.map((n) => rows[n % rows.length]))),
  }))
})

function propertiesOf({ codec, pageSizeBytes, dictionarySizeBytes }: RowGroupOptions): Record<string, string> {
  return {
    'write.parquet.compression-codec': codec,
    'write.parquet.page-size-bytes': String(pageSizeBytes),
    'write.parquet.dict-size-bytes': String(dictionarySizeBytes),
  }
}

function columnsOf(fields: readonly NestedField[], rows: readonly (readonly unknown[])[]): unknown[][] {
  return fields.map((_, i) => rows.map((row) => row[i]))
}

test('the rows of many files stand in the file that they are rewritten to, as they were and in their order', async () => {
  await fc.assert(
    fc.asyncProperty(inputs, options, options, fc.boolean(), async ({ fields, files }, read, written, isForeign) => {
      const { io, files: stored } = memoryFiles()
      const live = files.map((groups, i) => {
        const path = `memory://in/${i}.parquet`
        const batches = groups.map((rows) => batchOf(fields, rows))
        const bytes =
          isForeign && batches.length > 0
            ? encodeReference(fields, batches)
            : encodeFile(
                fields,
                batches.map((batch) => [batch]),
                read,
              ).bytes
        stored.set(path, bytes)
        return liveFile(path, bytes, groups.flat().length)
      })
      const result = await rewrite(groupOf(live), fields, io, { properties: propertiesOf(written) })
      const rows = files.flat(2)
      expect(result.rowsRead).toBe(BigInt(rows.length))
      expect(result.files.reduce((sum, file) => sum + file.recordCount, 0n)).toBe(BigInt(rows.length))
      if (rows.length === 0) expect(result.files).toEqual([])
      else expect(byParquetWasm(stored.get(result.files[0].filePath)!)).toEqual(columnsOf(fields, rows))
    }),
    { numRuns: 150 },
  )
})

test('however large rows are, few of them are in memory at once, and none of a slice once the next one is there', async () => {
  const fields: readonly NestedField[] = [{ id: 1, name: 's', required: true, type: 'string' }]
  const { io, files } = memoryFiles()
  const rows = Array.from({ length: 24 }, (_, row) => [new Uint8Array(1024 * 1024).fill(row)])
  const { bytes } = encodeFile(fields, [[batchOf(fields, rows)]], { codec: 'zstd', pageSizeBytes: 1024 * 1024, dictionarySizeBytes: 1024 })
  files.set('memory://in', bytes)
  const table = tableOf(fields)
  const slices = slicesOf(
    [{ live: liveFile('memory://in', bytes, rows.length), deletes: [] }],
    { removerOf: () => ({ sources: [], kept: () => null }) },
    {
      ...targetOf(io),
      schema: table.schemas[0],
      schemas: table.schemas,
      spec: table['partition-specs'][0],
      formatVersion: 2,
      nameMapping: null,
      metricsModes: new Map(),
      parquet: { codec: 'zstd', pageSizeBytes: 1024 * 1024, dictionarySizeBytes: 1024 * 1024 },
      sources: { key: 'k', open: () => ({ add: () => {}, byteLength: 0, encode: () => '' }) },
    },
  )
  const counts: number[] = []
  let last: ArrayBufferLike | undefined
  for await (const slice of slices) {
    counts.push(slice.rows)
    expect(last?.byteLength ?? 0).toBe(0)
    const { values } = slice.leaves[0][0]
    if (values?.layout !== 'plain-bytes') throw new Error(`expected byte strings, found ${values?.layout}`)
    last = values.data.buffer
    expect(last.byteLength).toBeGreaterThan(0)
  }
  expect(last?.byteLength).toBe(0)
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(24)
  expect(Math.max(...counts)).toBeLessThanOrEqual(4)
})

test.each<[string, Partial<DataFile> | null]>([
  ['a file', null],
  ['a large file', { fileSizeInBytes: 10_000_000n }],
  ['a file of deletes', {}],
  ['a deletion vector', { fileFormat: 'PUFFIN', contentOffset: 4n, contentSizeInBytes: 40n, referencedDataFile: 'memory://in' }],
])('where somebody has removed %s since it was planned, that is said, and to look again', async (what, gone) => {
  const fields: readonly NestedField[] = [{ id: 1, name: 'n', required: true, type: 'int' }]
  const { io, files } = memoryFiles()
  const { bytes } = encodeFile(fields, [[batchOf(fields, [[1]])]])
  const isDelete = gone !== null && what !== 'a large file'
  if (isDelete) files.set('memory://in', bytes)
  const live = liveFile('memory://in', bytes, 1, isDelete ? {} : (gone ?? {}))
  const deletes = isDelete ? [{ ...liveFile('memory://deletes', bytes, 1, { content: 1, ...gone }), specId: 0, sequenceNumber: 6n }] : []
  const missing: typeof io = {
    ...io,
    read: (uri, range) => (files.has(uri) ? io.read(uri, range) : Promise.reject(new ObjectNotFound(`there is no object ${uri}`))),
  }
  await expect(rewrite(groupOf([{ live, deletes }]), fields, missing)).rejects.toMatchObject({
    name: 'WorkError',
    message: expect.stringMatching(/^memory:\/\/(in|deletes) is gone: /) as string,
    retry: 'later',
  })
})
