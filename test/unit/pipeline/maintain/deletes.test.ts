import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { DataFile } from '../../../../src/formats/iceberg/data-file.ts'
import type { NestedField } from '../../../../src/formats/iceberg/schema.ts'
import type { LiveDelete, LiveFile } from '../../../../src/pipeline/maintain/rewrite-flow.ts'
import { batchOf, encodeFile, type Row } from '../../formats/parquet/encode/files.ts'
import { byParquetWasm } from '../../formats/parquet/read-back.ts'
import { groupOf, liveFile, memoryFiles, rewrite } from './rewriting.ts'
import { vectorOf } from '../../service/deletion-vectors.ts'

const fields: readonly NestedField[] = [
  { id: 1, name: 'n', required: false, type: 'int' },
  { id: 2, name: 'text', required: false, type: 'string' },
  { id: 3, name: 'list', required: false, type: { type: 'list', 'element-id': 4, 'element-required': false, element: 'long' } },
  { id: 5, name: 'inner', required: false, type: { type: 'struct', fields: [{ id: 6, name: 'x', required: false, type: 'double' }] } },
]
const positionFields: readonly NestedField[] = [
  { id: 2147483546, name: 'file_path', required: true, type: 'string' },
  { id: 2147483545, name: 'pos', required: true, type: 'long' },
]
const utf8 = (text: string) => new TextEncoder().encode(text)

const anyRow = fc.tuple(
  fc.option(fc.integer({ min: 0, max: 5 })),
  fc.option(fc.constantFrom('', 'a', 'bb', 'a longer text than eight').map(utf8)),
  fc.option(fc.array(fc.option(fc.bigInt({ min: -5n, max: 5n })), { maxLength: 3 })),
  fc.option(fc.tuple(fc.option(fc.constantFrom(NaN, -0, 0, 1.5)))),
)
const anyRows = fc.array(anyRow, { minLength: 1, maxLength: 40 })

function deleteOf(filePath: string, bytes: Uint8Array, rows: number, more: Partial<DataFile>, sequenceNumber = 6n): LiveDelete {
  return { specId: 0, sequenceNumber, file: { ...liveFile(filePath, bytes, rows).file, content: 1, ...more } }
}

/** A file of rows, and what its deletes are to be. */
function table() {
  const { io, files } = memoryFiles()
  const put = (path: string, own: readonly NestedField[], rows: readonly Row[], pageSizeBytes = 1 << 20) => {
    const { bytes } = encodeFile(own, [[batchOf(own, rows)]], { codec: 'zstd', pageSizeBytes, dictionarySizeBytes: 1 << 20 })
    files.set(path, bytes)
    return bytes
  }
  return {
    files,
    put,
    data(path: string, rows: readonly Row[], pageSizeBytes = 60): LiveFile {
      return liveFile(path, put(path, fields, rows, pageSizeBytes), rows.length)
    },
    async rewritten(
      inputs: Parameters<typeof groupOf>[0],
      own = fields,
      more: Parameters<typeof rewrite>[3] = {},
    ): Promise<{ rows: unknown[][]; deleted: bigint }> {
      const result = await rewrite(groupOf(inputs), own, io, more)
      const [file] = result.files
      const columns = file === undefined ? own.map(() => []) : byParquetWasm(files.get(file.filePath)!)
      return { rows: columns[0].map((_, i) => columns.map((column) => column[i])), deleted: result.rowsDeleted }
    },
  }
}

test('rows that position delete files name are left out, and no others', async () => {
  await fc.assert(
    fc.asyncProperty(anyRows, anyRows, fc.array(fc.nat()), fc.array(fc.nat()), async (one, other, ofOne, ofOther) => {
      const { put, data, rewritten } = table()
      const [a, b] = [data('s3://b/one', one), data('s3://b/other', other)]
      const positions = [
        ...new Set(ofOne.map((n) => n % one.length)).values().map((n): Row => [utf8('s3://b/one'), BigInt(n)]),
        ...new Set(ofOther.map((n) => n % other.length)).values().map((n): Row => [utf8('s3://b/other'), BigInt(n)]),
        [utf8('s3://b/One'), 0n],
      ]
      const deletes = [deleteOf('s3://b/deletes', put('s3://b/deletes', positionFields, positions), positions.length, {})]
      const gone = new Set(positions.map(([path, n]) => `${new TextDecoder().decode(path as Uint8Array)} ${String(n)}`))
      const left = [
        ...one.filter((_, i) => !gone.has(`s3://b/one ${i}`)),
        // The planner found that the deletes are older than this file.
        ...other,
      ]
      const answer = await rewritten([{ live: a, deletes }, b])
      expect(answer).toEqual({ rows: left, deleted: BigInt(one.length + other.length - left.length) })
    }),
    { numRuns: 60 },
  )
})

test('rows that deletion vectors name are left out, whatever their containers are', async () => {
  const { files, data, rewritten } = table()
  // So wide that they are read in parts which end within pages.
  const rows = Array.from({ length: 140_000 }, (_, i): Row => [i, i % 7 === 0 ? null : utf8(String(i).padStart(90)), null, null])
  const live = data('s3://b/one', rows, 10_000)
  // An array, a run, and a bitmap.
  const containers = new Map([
    [0, { kind: 'array' as const, values: [0, 1, 7, 65535] }],
    [1, { kind: 'bitmap' as const, values: Array.from({ length: 5000 }, (_, i) => i * 13) }],
    [2, { kind: 'run' as const, values: [100, 101, 102, 5000] }],
  ])
  const gone = new Set([...containers].flatMap(([key, { values }]) => values.map((value) => key * 65536 + value)))
  for (const withRuns of [true, false]) {
    const blob = vectorOf(containers, withRuns)
    files.set('s3://b/vectors.puffin', Uint8Array.from([...utf8('PFA1'), ...blob, ...utf8('rest')]))
    const more = {
      fileFormat: 'PUFFIN',
      referencedDataFile: 's3://b/one',
      contentOffset: 4n,
      contentSizeInBytes: BigInt(blob.length),
    } as const
    const answer = await rewritten([{ live, deletes: [deleteOf('s3://b/vectors.puffin', blob, gone.size, more)] }])
    expect(answer.deleted).toBe(BigInt(gone.size))
    const left = rows.filter(([n]) => !gone.has(n as number))
    expect(answer.rows.map(([n]) => n)).toEqual(left.map(([n]) => n))
    expect(answer.rows.map(([, own]) => own === null)).toEqual(left.map(([, own]) => own === null))
  }
})

test('a deletion vector that is damaged, or about another file, stops the rewrite', async () => {
  const { files, data, rewritten } = table()
  const live = data('s3://b/one', [[1, null, null, null]])
  const blob = vectorOf(new Map([[0, { kind: 'array', values: [0] }]]), false)
  const more = {
    fileFormat: 'PUFFIN',
    referencedDataFile: 's3://b/one',
    contentOffset: 0n,
    contentSizeInBytes: BigInt(blob.length),
  } as const
  const of = (bytes: Uint8Array, other = {}) => {
    files.set('s3://b/v.puffin', bytes)
    return rewritten([{ live, deletes: [deleteOf('s3://b/v.puffin', bytes, 1, { ...more, ...other })] }])
  }
  await expect(of(blob.with(12, blob[12] ^ 1))).rejects.toThrow('s3://b/v.puffin: the deletion vector has another CRC-32 than it says')
  await expect(of(blob.with(4, 0))).rejects.toThrow('s3://b/v.puffin: it is no deletion vector')
  await expect(of(blob, { referencedDataFile: 's3://b/two' })).rejects.toThrow('does not say where the deletes of s3://b/one are')
  const far = vectorOf(new Map([[0, { kind: 'array', values: [1] }]]), false)
  await expect(of(far)).rejects.toThrow('row 1 is deleted, and the data file has 1')
})

test('rows whose values equal those of younger equality deletes are left out', async () => {
  const equalityOf = (ids: readonly number[]) => [
    ...(ids.includes(1) ? [fields[0]] : []),
    ...(ids.includes(2) ? [fields[1]] : []),
    ...(ids.includes(6) ? [fields[3]] : []),
  ]
  const picked = (row: Row, ids: readonly number[]): Row => [
    ...(ids.includes(1) ? [row[0]] : []),
    ...(ids.includes(2) ? [row[1]] : []),
    ...(ids.includes(6) ? [row[3]] : []),
  ]
  // A null struct has a null in it.
  const keyOf = (row: Row, ids: readonly number[]) =>
    picked(row, ids)
      .map((value) => {
        const single: unknown = Array.isArray(value) ? value[0] : value
        if (single instanceof Uint8Array) return `v${single.join()}`
        return typeof single === 'number' ? (Object.is(single, -0) ? '-0' : single.toString()) : 'null'
      })
      .join('|')
  const somewhat = fc.constantFrom([1], [2], [6], [1, 2], [1, 6], [1, 2, 6])
  await fc.assert(
    fc.asyncProperty(anyRows, fc.array(fc.tuple(somewhat, anyRows, fc.constantFrom(4n, 5n, 6n)), { maxLength: 3 }), async (rows, all) => {
      const { put, data, rewritten } = table()
      const live = data('s3://b/one', rows)
      const deletes = all.map(([ids, deleted, sequence], i) => {
        const path = `s3://b/equal-${i}`
        const bytes = put(
          path,
          equalityOf(ids),
          deleted.map((row) => picked(row, ids)),
        )
        return deleteOf(path, bytes, deleted.length, { content: 2, equalityIds: ids }, sequence)
      })
      // The file's own sequence number is 5.
      const younger = all.filter(([, , sequence]) => sequence > 5n)
      const left = rows.filter((row) => !younger.some(([ids, deleted]) => deleted.some((other) => keyOf(other, ids) === keyOf(row, ids))))
      expect((await rewritten([{ live, deletes }])).rows).toEqual(left)
    }),
    { numRuns: 100 },
  )
})

test('equality deletes of a column that was dropped since still apply', async () => {
  const { put, data, rewritten } = table()
  const live = data('s3://b/one', [
    [1, utf8('a'), null, null],
    [2, utf8('b'), null, null],
  ])
  const bytes = put('s3://b/equal', [fields[1]], [[utf8('a')]])
  const deletes = [deleteOf('s3://b/equal', bytes, 1, { content: 2, equalityIds: [2] })]
  const [before, now] = [fields, [fields[0]]].map((of, id) => ({ type: 'struct' as const, 'schema-id': id, fields: of }))
  const answer = await rewritten([{ live, deletes }], [fields[0]], { schemas: [before, now], 'current-schema-id': 1 })
  expect(answer.rows).toEqual([[2]])
  await expect(rewritten([{ live, deletes }], [fields[0]])).rejects.toThrow('s3://b/equal: its deletes compare columns 2')
})

test('delete files that are no Parquet are refused by name', async () => {
  const { data, rewritten } = table()
  const live = data('s3://b/one', [[1, null, null, null]])
  const deletes = [deleteOf('s3://b/deletes.avro', new Uint8Array(3), 1, { fileFormat: 'AVRO' })]
  await expect(rewritten([{ live, deletes }])).rejects.toThrow('s3://b/deletes.avro is AVRO, and only Parquet can be rewritten')
})
