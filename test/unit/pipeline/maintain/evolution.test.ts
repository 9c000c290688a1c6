import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { IcebergType, NestedField } from '../../../../src/formats/iceberg/schema.ts'
import { anyFields, anyValue } from '../../formats/iceberg/any-type.ts'
import { batchOf, encodeFile, type Row } from '../../formats/parquet/encode/files.ts'
import { byParquetWasm } from '../../formats/parquet/read-back.ts'
import { groupOf, liveFile, memoryFiles, rewrite } from './rewriting.ts'

/** What a column was before, and how a value of then reads now. */
interface Older {
  readonly type: IcebergType
  readonly now: (value: unknown) => unknown
}

const same = (value: unknown) => value

/** What a type may have been (table specification, "Schema Evolution"). */
function olderType(type: IcebergType): fc.Arbitrary<Older> {
  if (typeof type === 'string') return fc.constantFrom({ type, now: same }, ...narrower(type))
  switch (type.type) {
    case 'struct':
      return olderFields(type.fields).map(({ fields, now }) => ({ type: { type: 'struct', fields }, now: (row) => now(row as Row) }))
    case 'list':
      return olderType(type.element).map(({ type: element, now }) => ({
        type: { ...type, element },
        now: (list) => (list as unknown[]).map((value) => (value === null ? null : now(value))),
      }))
    case 'map':
      return olderType(type.value).map(({ type: value, now }) => ({
        type: { ...type, value },
        now: (map) => (map as [unknown, unknown][]).map(([key, entry]) => [key, entry === null ? null : now(entry)]),
      }))
  }
}

function narrower(type: string): Older[] {
  if (type === 'long') return [{ type: 'int', now: (value) => BigInt(value as number) }]
  if (type === 'double') return [{ type: 'float', now: same }]
  if (type === 'decimal(19, 19)') return []
  if (type === 'decimal(38, 10)')
    return ['decimal(18, 10)', 'decimal(12, 10)', 'decimal(20, 10)'].map((older) => ({ type: older as IcebergType, now: same }))
  if (type === 'decimal(18, 0)') return [{ type: 'decimal(9, 0)', now: same }]
  return []
}

/** Fields that were renamed, made optional, moved, added and dropped since. */
function olderFields(fields: readonly NestedField[]): fc.Arbitrary<{ fields: NestedField[]; now: (row: Row) => unknown[] }> {
  const each = fc.tuple(
    ...fields.map((field) =>
      fc.record({ older: olderType(field.type), isThere: fc.boolean(), isRenamed: fc.boolean(), wasRequired: fc.boolean() }),
    ),
  )
  const dropped: NestedField = { id: 9001 + fields[0].id, name: 'dropped', required: false, type: 'string' }
  return fc.tuple(each, fc.boolean(), fc.nat()).map(([all, hadMore, turn]) => {
    const kept = fields.flatMap((field, i) => {
      const { older, isThere, isRenamed, wasRequired } = all[i]
      // A required column can not be added.
      if (!isThere && !field.required) return []
      const name = isRenamed ? `was_${field.name}` : field.name
      return [{ field: { id: field.id, name, required: field.required || wasRequired, type: older.type }, i, older }]
    })
    const then = [...kept.map(({ field }) => field), ...(hadMore || kept.length === 0 ? [dropped] : [])]
    const by = turn % then.length
    const turned = [...then.slice(by), ...then.slice(0, by)]
    return {
      fields: turned,
      now: (row) =>
        fields.map((field) => {
          const at = turned.findIndex(({ id }) => id === field.id)
          return at < 0 || row[at] === null ? null : kept.find(({ field: own }) => own.id === field.id)!.older.now(row[at])
        }),
    }
  })
}

const tables = anyFields().chain((fields) =>
  fc
    .tuple(fc.constant(fields), fc.array(olderFields(fields), { minLength: 1, maxLength: 2 }))
    .chain(([now, olders]) =>
      fc.tuple(
        fc.constant(now),
        fc.constant(olders),
        fc.tuple(
          ...olders.map(({ fields: then }) =>
            fc.array(fc.tuple(...then.map(({ type, required }) => anyValue(type, required))), { minLength: 1, maxLength: 20 }),
          ),
        ),
      ),
    ),
)

test('files of older schemas are rewritten to the schema of today, by field id at every level', async () => {
  await fc.assert(
    fc.asyncProperty(tables, fc.constantFrom(1, 100, 1 << 20), async ([fields, olders, rows], sizes) => {
      const { io, files } = memoryFiles()
      const live = olders.map(({ fields: then }, i) => {
        const { bytes } = encodeFile(then, [[batchOf(then, rows[i])]], { codec: 'zstd', pageSizeBytes: sizes, dictionarySizeBytes: sizes })
        files.set(`memory://in/${i}`, bytes)
        return liveFile(`memory://in/${i}`, bytes, rows[i].length)
      })
      const { files: written } = await rewrite(groupOf(live), fields, io)
      const expected = olders.flatMap(({ now }, i) => rows[i].map(now))
      expect(byParquetWasm(files.get(written[0].filePath)!)).toEqual(fields.map((_, i) => expected.map((row) => row[i])))
    }),
    { numRuns: 200 },
  )
})
