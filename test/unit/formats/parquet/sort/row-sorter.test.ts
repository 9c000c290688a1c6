import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { NestedField } from '../../../../../src/formats/iceberg/schema.ts'
import type { SortOrder } from '../../../../../src/formats/iceberg/table-metadata.ts'
import { ParquetFile } from '../../../../../src/formats/parquet/encode/parquet-file.ts'
import { RowGroupWriter } from '../../../../../src/formats/parquet/encode/row-group-writer.ts'
import { RowSorter } from '../../../../../src/formats/parquet/sort/row-sorter.ts'
import { anyFields, anyValue } from '../../iceberg/any-type.ts'
import { batchOf, defaults, type Row } from '../encode/files.ts'
import { byParquetWasm } from '../read-back.ts'

const key: NestedField = { id: 5000, name: 'sort_key', required: false, type: 'int' }
const order: SortOrder = {
  'order-id': 1,
  fields: [{ 'source-id': 5000, transform: 'identity', direction: 'desc', 'null-order': 'nulls-last' }],
}

const tables = anyFields().chain((fields) => {
  const row = fc.tuple(fc.option(fc.integer({ min: 0, max: 3 })), ...fields.map((field) => anyValue(field.type, field.required)))
  return fc.tuple(fc.constant([key, ...fields]), fc.array(fc.array(row, { maxLength: 30 }), { minLength: 1, maxLength: 3 }))
})

test('batches of any type come back sorted, equal rows as they came, and the sorter begins anew', () => {
  fc.assert(
    fc.property(tables, fc.integer({ min: 1, max: 20 }), ([fields, batches], rowsAtOnce) => {
      const sorter = new RowSorter(fields, order)
      for (let round = 0; round < 2; round++) {
        for (const rows of batches) sorter.append(batchOf(fields, rows))
        expect(sorter.rowCount).toBe(batches.flat().length)
        const writer = new RowGroupWriter(fields, defaults)
        for (const { rows, leaves } of sorter.finish(rowsAtOnce)) writer.appendLeaves(rows, leaves)
        expect(sorter.rowCount).toBe(0)
        if (writer.rowCount === 0) continue
        const file = new ParquetFile(fields)
        const bytes = Buffer.concat([file.start(), ...file.add(writer.finish()), file.finish(new Map()).tail])
        const rankOf = (row: Row) => (row[0] === null ? Infinity : -(row[0] as number))
        const sorted = batches.flat().toSorted((a: Row, b: Row) => (rankOf(a) === rankOf(b) ? 0 : rankOf(a) - rankOf(b)))
        expect(byParquetWasm(Uint8Array.from(bytes))).toEqual(fields.map((_, i) => sorted.map((row: Row) => row[i])))
      }
    }),
    { numRuns: 80 },
  )
})

test('what waits to be sorted is counted as it grows', () => {
  const sorter = new RowSorter([key, { id: 1, name: 's', required: true, type: 'string' }], order)
  const text = new TextEncoder().encode('x'.repeat(1000))
  for (let i = 0; i < 100; i++) sorter.append(batchOf([key, { id: 1, name: 's', required: true, type: 'string' }], [[i, text]]))
  expect(sorter.byteLength).toBeGreaterThan(100_000)
  expect(sorter.byteLength).toBeLessThan(200_000)
})
