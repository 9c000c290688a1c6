import fc from 'fast-check'
import { expect, test } from 'vitest'
import { gatherBatch } from '../../../../src/formats/arrow/gather.ts'
import { anyFields, anyValue } from '../iceberg/any-type.ts'
import { vectorOf } from './fill.ts'
import { valuesOf } from './values.ts'

/** Columns of any types with as many values each, and numbers of rows in any order. */
const table = anyFields().chain((fields) =>
  fc.nat({ max: 20 }).chain((length) =>
    fc.record({
      fields: fc.constant(fields),
      length: fc.constant(length),
      columns: fc.tuple(
        ...fields.map(({ type, required }) => fc.array(anyValue(type, required), { minLength: length, maxLength: length })),
      ),
      rows: length === 0 ? fc.constant<number[]>([]) : fc.array(fc.nat({ max: length - 1 }), { maxLength: 30 }),
    }),
  ),
)

test('rows of a batch are gathered as they were, whatever their types and their order', () => {
  fc.assert(
    fc.property(table, ({ fields, length, columns, rows }) => {
      const vectors = fields.map(({ type }, i) => vectorOf(type, columns[i]))
      const gathered = gatherBatch({ length, columns: vectors }, Uint32Array.from(rows))
      expect(gathered.length).toBe(rows.length)
      for (const [i, vector] of gathered.columns.entries()) {
        expect(vector.length).toBe(rows.length)
        expect(valuesOf(vector)).toEqual(rows.map((row) => valuesOf(vectors[i])[row]))
        expect(vector.nullCount).toBe(valuesOf(vector).filter((value) => value === null).length)
      }
    }),
  )
})

test('what was gathered shares nothing with the batch', () => {
  const vector = vectorOf('long', [1n, 2n, 3n])
  const { columns } = gatherBatch({ length: 3, columns: [vector] }, Uint32Array.of(2, 0))
  if (vector.layout !== 'fixed') throw new Error('a long is a fixed column')
  vector.values.fill(0n as never)
  expect(valuesOf(columns[0])).toEqual([3n, 1n])
})
