import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { NestedField } from '../../../../src/formats/iceberg/schema.ts'
import type { LiveFile } from '../../../../src/pipeline/maintain/rewrite-flow.ts'
import { rewriteGroup } from '../../../../src/service/tasks/rewriter.ts'
import { batchOf, encodeFile, type Row } from '../../formats/parquet/encode/files.ts'
import { byParquetWasm } from '../../formats/parquet/read-back.ts'
import { groupOf, liveFile, memoryFiles, tableOf, targetOf } from './rewriting.ts'

const fields: readonly NestedField[] = [{ id: 1, name: 'n', required: false, type: 'int' }]
const stored: readonly NestedField[] = [
  ...fields,
  { id: 2147483540, name: '_row_id', required: false, type: 'long' },
  { id: 2147483539, name: '_last_updated_sequence_number', required: false, type: 'long' },
]
const positionFields: readonly NestedField[] = [
  { id: 2147483546, name: 'file_path', required: true, type: 'string' },
  { id: 2147483545, name: 'pos', required: true, type: 'long' },
]

/** A file whose rows say their ids or not, and what each of them inherits. */
const inputs = fc.array(
  fc.record({
    // By row: an id and a sequence number of its own, as an update leaves them, or none.
    rows: fc.array(fc.record({ id: fc.option(fc.bigInt(5000n, 6000n)), last: fc.option(fc.bigInt(1n, 4n)) }), {
      minLength: 1,
      maxLength: 30,
    }),
    isMaterialised: fc.boolean(),
    firstRowId: fc.option(fc.bigInt(0n, 1000n), { nil: undefined }),
    sequenceNumber: fc.bigInt(5n, 9n),
    deleted: fc.array(fc.nat()),
  }),
  { minLength: 1, maxLength: 4 },
)

test('each row keeps its id and the number of its last change, which are its own or its file’s, whatever is deleted or sorted', async () => {
  await fc.assert(
    fc.asyncProperty(inputs, fc.boolean(), async (files, isSorted) => {
      const { io, files: bytesOf } = memoryFiles()
      const expected: (readonly [unknown, unknown, unknown])[] = []
      const group = files.map(({ rows, isMaterialised, firstRowId, sequenceNumber, deleted }, at) => {
        const path = `memory://in/${at}`
        const gone = new Set(deleted.map((n) => n % rows.length))
        const own = rows.map(({ id, last }, i): Row => (isMaterialised ? [i, id, last] : [i]))
        const { bytes } = encodeFile(isMaterialised ? stored : fields, [[batchOf(isMaterialised ? stored : fields, own)]])
        bytesOf.set(path, bytes)
        for (const [i, { id, last }] of rows.entries()) {
          if (gone.has(i)) continue
          if (firstRowId === undefined) expected.push([i, null, null])
          else expected.push([i, (isMaterialised ? id : null) ?? firstRowId + BigInt(i), (isMaterialised ? last : null) ?? sequenceNumber])
        }
        const file = liveFile(path, bytes, rows.length, firstRowId === undefined ? {} : { firstRowId })
        const live: LiveFile = { ...file, sequenceNumber }
        if (gone.size === 0) return { live, deletes: [] }
        const positions = Array.from(gone, (n): Row => [new TextEncoder().encode(path), BigInt(n)])
        const encoded = encodeFile(positionFields, [[batchOf(positionFields, positions)]]).bytes
        bytesOf.set(`${path}-deletes`, encoded)
        const deletes = liveFile(`${path}-deletes`, encoded, positions.length, { content: 1 })
        return { live, deletes: [{ file: deletes.file, specId: 0, sequenceNumber }] }
      })
      const sortOrder = {
        'order-id': 1,
        fields: [{ 'source-id': 1, transform: 'identity', direction: 'desc', 'null-order': 'nulls-last' } as const],
      }
      const target = targetOf(io, isSorted ? { sortOrder, memoryLimitBytes: 1 } : {})
      const { files: written } = await rewriteGroup(groupOf(group), tableOf(fields, { 'format-version': 3 }), target)
      const columns = written.length === 0 ? [[]] : byParquetWasm(bytesOf.get(written[0].filePath)!)
      const rows = columns[0].map((_, i) => columns.map((column) => column[i]))
      const inOrder = isSorted ? expected.toSorted(([a], [b]) => Number(b) - Number(a)) : expected
      expect(rows).toEqual(inOrder)
      // They are given out anew at the commit, for the rows that have none.
      for (const file of written) expect(file.firstRowId).toBeUndefined()
    }),
    { numRuns: 50 },
  )
})
