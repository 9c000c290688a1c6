import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareBytes } from '../../../../src/formats/iceberg/bounds.ts'
import type { NestedField } from '../../../../src/formats/iceberg/schema.ts'
import type { SortField, SortOrder } from '../../../../src/formats/iceberg/table-metadata.ts'
import { rewriteGroup } from '../../../../src/service/tasks/rewriter.ts'
import { batchOf, encodeFile, type Row } from '../../formats/parquet/encode/files.ts'
import { byParquetWasm } from '../../formats/parquet/read-back.ts'
import { groupOf, liveFile, memoryFiles, tableOf, targetOf } from './rewriting.ts'

const fields: readonly NestedField[] = [
  { id: 1, name: 'int', required: false, type: 'int' },
  { id: 2, name: 'text', required: false, type: 'string' },
  { id: 3, name: 'double', required: false, type: 'double' },
  { id: 4, name: 'decimal', required: false, type: 'decimal(20, 0)' },
  { id: 5, name: 'list', required: false, type: { type: 'list', 'element-id': 6, 'element-required': false, element: 'boolean' } },
  {
    id: 7,
    name: 'inner',
    required: false,
    type: { type: 'struct', fields: [{ id: 8, name: 'time', required: false, type: 'timestamptz' }] },
  },
  { id: 9, name: 'n', required: true, type: 'long' },
]
const utf8 = (text: string) => new TextEncoder().encode(text)
const rows = fc.array(
  fc.tuple(
    fc.option(fc.integer({ min: -3, max: 3 })),
    fc.option(fc.constantFrom('', 'a', 'ab', '\u{ffff}', '\u{1f600}').map(utf8)),
    fc.option(fc.constantFrom(NaN, -Infinity, -0, 0, 1.5)),
    fc.option(fc.constantFrom(-(10n ** 19n), -1n, 0n, 10n ** 19n)),
    fc.option(fc.array(fc.option(fc.boolean()), { maxLength: 3 })),
    fc.option(fc.tuple(fc.option(fc.constantFrom(-1n, 0n, 86_400_000_000n)))),
  ),
  { minLength: 1, maxLength: 60 },
)

/** By field id: what a row is compared by, and in which order. */
const columns = new Map<number, { of: (row: Row) => unknown; transforms: readonly string[] }>([
  [1, { of: (row) => row[0], transforms: ['identity'] }],
  [2, { of: (row) => row[1], transforms: ['identity', 'truncate[1]'] }],
  [3, { of: (row) => row[2], transforms: ['identity'] }],
  [4, { of: (row) => row[3], transforms: ['identity'] }],
  [8, { of: (row) => (row[5] === null ? null : (row[5] as Row)[0]), transforms: ['identity', 'day'] }],
])
const sortFields = fc.uniqueArray(
  fc.constantFrom(...columns.keys()).chain((id) =>
    fc.record<SortField>({
      'source-id': fc.constant(id),
      transform: fc.constantFrom(...columns.get(id)!.transforms),
      direction: fc.constantFrom('asc', 'desc'),
      'null-order': fc.constantFrom('nulls-first', 'nulls-last'),
    }),
  ),
  { minLength: 1, maxLength: 3, selector: (field) => field['source-id'] },
)

function transformed(value: unknown, transform: string): unknown {
  if (transform === 'truncate[1]')
    return utf8(
      Array.from(new TextDecoder().decode(value as Uint8Array))
        .slice(0, 1)
        .join(''),
    )
  return transform === 'day' ? ((value as bigint) < 0n ? -1n : (value as bigint) / 86_400_000_000n) : value
}

function compare(a: unknown, b: unknown): number {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b)
  const rank = (value: unknown) => (Number.isNaN(value) ? 2 : 0)
  if (rank(a) !== rank(b)) return rank(a) - rank(b)
  if (Object.is(a, -0) !== Object.is(b, -0) && a === b) return Object.is(a, -0) ? -1 : 1
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0
}

function bySortFields(order: readonly SortField[]): (a: Row, b: Row) => number {
  return (a, b) => {
    for (const { 'source-id': id, transform, direction, 'null-order': nulls } of order) {
      const [x, y] = [columns.get(id)!.of(a), columns.get(id)!.of(b)]
      const nullSign = (Number(y === null) - Number(x === null)) * (nulls === 'nulls-first' ? 1 : -1)
      const turn = direction === 'asc' ? 1 : -1
      const sign = x === null || y === null ? nullSign : compare(transformed(x, transform), transformed(y, transform)) * turn
      if (sign !== 0) return sign
    }
    return 0
  }
}

test('rows are sorted by the order that is asked for, equal ones stay as they were, and the files say by which', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(rows, { minLength: 1, maxLength: 6 }), sortFields, fc.boolean(), async (files, order, isTight) => {
      const { io, files: stored } = memoryFiles()
      let n = 0n
      const all = files.map((own) => own.map((row): Row => [...row, n++]))
      const live = all.map((own, i) => {
        const { bytes } = encodeFile(fields, [[batchOf(fields, own)]], { codec: 'zstd', pageSizeBytes: 60, dictionarySizeBytes: 100 })
        stored.set(`memory://in/${i}`, bytes)
        return liveFile(`memory://in/${i}`, bytes, own.length)
      })
      const target = targetOf(io, { sortOrder: { 'order-id': 7, fields: order }, ...(isTight && { memoryLimitBytes: 1 }) })
      const result = await rewriteGroup(groupOf(live), tableOf(fields), target)
      const read = result.files.map(({ filePath }) => byParquetWasm(stored.get(filePath)!))
      const found = read.map((own) => own[0].map((_, i) => own.map((column) => column[i])))
      expect(found).toEqual([all.flat().toSorted(bySortFields(order))])
      // Of sorted parts that were written for want of memory nothing is left.
      expect([...stored.keys()].toSorted()).toEqual(
        [...live, ...result.files].map((one) => ('file' in one ? one.file : one).filePath).toSorted(),
      )
      for (const { sortOrderId } of result.files) expect(sortOrderId).toBe(7)
    }),
    { numRuns: 40 },
  )
})

test('rows that can not be sorted as asked are not sorted by halves', async () => {
  const { io, files } = memoryFiles()
  const { bytes } = encodeFile(fields, [[batchOf(fields, [[1, null, null, null, null, null, 1n]])]])
  files.set('memory://in', bytes)
  const sorted = (field: Partial<SortField>) => {
    const by: SortField = { 'source-id': 1, transform: 'identity', direction: 'asc', 'null-order': 'nulls-first', ...field }
    return rewriteGroup(
      groupOf([liveFile('memory://in', bytes, 1)]),
      tableOf(fields),
      targetOf(io, { sortOrder: { 'order-id': 2, fields: [by] } }),
    )
  }
  await expect(sorted({ 'source-id': 6 })).rejects.toThrow(
    'sort order 2 has column 6 by identity: it is no column that rows can be sorted by',
  )
  await expect(sorted({ transform: 'zorder' })).rejects.toThrow('sort order 2 has column 1 by zorder')
})

test('whatever fails, no sorted part stays behind', async () => {
  for (let failing = 1; failing <= 11; failing++) {
    const { io, files } = memoryFiles()
    const rowsOf = (i: number): Row[] => [[i, null, null, null, null, null, BigInt(i)]]
    const live = Array.from({ length: 6 }, (_, i) => {
      const { bytes } = encodeFile(fields, [[batchOf(fields, rowsOf(i))]])
      files.set(`memory://in/${i}`, bytes)
      return liveFile(`memory://in/${i}`, bytes, 1)
    })
    let writes = 0
    const failingIo: typeof io = {
      ...io,
      async write(uri, chunks) {
        if (++writes === failing) throw new Error('the store is full')
        return io.write(uri, chunks)
      },
    }
    const order: SortOrder = {
      'order-id': 1,
      fields: [{ 'source-id': 1, transform: 'identity', direction: 'desc', 'null-order': 'nulls-first' }],
    }
    const rewritten = rewriteGroup(groupOf(live), tableOf(fields), targetOf(failingIo, { sortOrder: order, memoryLimitBytes: 1 }))
    // Six parts, three of two of them each, one of two of those, and the output of that and the third.
    await expect(rewritten).rejects.toThrow('the store is full')
    expect([...files.keys()].filter((uri) => !uri.startsWith('memory://in/'))).toEqual([])
  }
})
