import fc from 'fast-check'
import { parquetMetadata } from 'hyparquet'
import { expect, test } from 'vitest'
import { readRows } from '../../../../../src/formats/parquet/read-rows.ts'
import type { RowGroupOptions } from '../../../../../src/formats/parquet/row-group.ts'
import { anyFields, anyValue } from '../../iceberg/any-type.ts'
import { byHyparquet, byParquetWasm, hyparquetValue } from '../read-back.ts'
import { batchOf, encodeFile, encodeReference } from './files.ts'
import type { Layout } from './laid-out.ts'

const options = fc.record<RowGroupOptions>({
  codec: fc.constantFrom('zstd', 'uncompressed'),
  pageSizeBytes: fc.constantFrom(1, 60, 1000, 1024 * 1024),
  dictionarySizeBytes: fc.constantFrom(1, 40, 300, 1024 * 1024),
})
const layout = fc.constantFrom<Layout | undefined>(undefined, 'tight', 'loose')

/** Row groups of batches of rows; rows come from a few, so that values recur and dictionaries are worth it. */
const files = anyFields().chain((fields) => {
  const someRows = fc.array(fc.tuple(...fields.map((field) => anyValue(field.type, field.required))), { minLength: 1, maxLength: 10 })
  const picks = fc.array(fc.array(fc.array(fc.nat(), { maxLength: 60 }), { maxLength: 3 }), { maxLength: 3 })
  return fc.tuple(someRows, picks).map(([rows, groups]) => ({
    fields,
    groups: groups.map((batches) => batches.map((batch) => batch.map((n) => rows[n % rows.length]))),
  }))
})

test('what we write is read as it was, and as what parquet-wasm writes, with the same statistics', async () => {
  await fc.assert(
    fc.asyncProperty(files, options, layout, async ({ fields, groups }, chosen, laidOut) => {
      const batches = groups.map((group) => group.map((rows) => batchOf(fields, rows, laidOut)))
      const { bytes, file } = encodeFile(fields, batches, chosen)
      const rows = groups.flat(2)
      expect(file.rowCount).toBe(BigInt(rows.length))
      if (rows.length === 0) {
        expect(await readRows(bytes, 10)).toEqual([])
        return
      }
      const columns = fields.map((_, i) => rows.map((row) => row[i]))
      expect(byParquetWasm(bytes)).toEqual(columns)
      const shown = fields.map((field, i) => columns[i].map((value) => hyparquetValue(field.type, value)))
      expect(await byHyparquet(bytes, fields)).toEqual(shown)

      const whole = groups.map((group) => group.flat()).filter((group) => group.length > 0)
      const reference = encodeReference(
        fields,
        whole.map((group) => batchOf(fields, group)),
      )
      expect(await readRows(bytes, Infinity)).toEqual(await readRows(reference, Infinity))
      expect(metadataOf(bytes)).toEqual(metadataOf(reference))
    }),
    { numRuns: 150 },
  )
})

/** What both encoders must agree on. */
function metadataOf(bytes: Uint8Array<ArrayBuffer>): unknown {
  const { schema, num_rows, row_groups } = parquetMetadata(bytes.buffer)
  return {
    schema: schema.slice(1),
    num_rows,
    groups: row_groups.map((group) => ({
      num_rows: group.num_rows,
      ordinal: group.ordinal,
      columns: group.columns.map(({ meta_data }) => {
        const { path_in_schema, type, codec: _codec, num_values, statistics } = meta_data!
        const { null_count, min_value, max_value } = statistics!
        return { path_in_schema, type, num_values, null_count, min_value, max_value }
      }),
    })),
  }
}
