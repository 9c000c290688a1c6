import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BytesBuilder, Int32Builder, Int64Builder } from '../../../../src/formats/arrow/builders.ts'
import type { Vector } from '../../../../src/formats/arrow/vector.ts'
import { ColumnBounds } from '../../../../src/pipeline/write/column-bounds.ts'

/** The bounds of one column that comes in these row groups. */
function boundsOf(groups: readonly Vector[]) {
  const bounds = new ColumnBounds()
  for (const column of groups) bounds.add({ length: column.length, columns: [column] })
  return bounds.of(0)
}

function bytes(values: readonly (Uint8Array | null)[]): Vector {
  const builder = new BytesBuilder()
  for (const value of values) {
    if (value === null) builder.appendNull()
    else builder.append(value, 0, value.length)
  }
  return builder.snapshot()
}

function longs(values: readonly (bigint | null)[]): Vector {
  const builder = new Int64Builder()
  for (const value of values) {
    if (value === null) builder.appendNull()
    else builder.append(value)
  }
  return builder.snapshot()
}

const int64 = (found: Uint8Array) => new DataView(found.buffer, found.byteOffset).getBigInt64(0, true)

test('bytes are compared unsigned, the shorter of two that begin alike first, over all row groups', () => {
  const nullable = fc.option(fc.uint8Array({ maxLength: 4 }))
  fc.assert(
    fc.property(fc.array(fc.array(nullable, { maxLength: 6 }), { maxLength: 4 }), (groups) => {
      const sorted = groups
        .flat()
        .filter((value) => value !== null)
        .sort((a, b) => Buffer.compare(a, b))
      const found = boundsOf(groups.map(bytes))
      expect(found && [...found.lower]).toEqual(sorted[0] && [...sorted[0]])
      expect(found && [...found.upper]).toEqual(sorted[0] && [...sorted.at(-1)!])
    }),
  )
})

test('longs are compared signed, over all row groups', () => {
  const long = fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
  fc.assert(
    fc.property(fc.array(fc.array(long, { maxLength: 6 }), { maxLength: 4 }), (groups) => {
      const sorted = groups
        .flat()
        .filter((value) => value !== null)
        .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
      const found = boundsOf(groups.map(longs))
      expect(found && [int64(found.lower), int64(found.upper)]).toEqual(sorted.length === 0 ? undefined : [sorted[0], sorted.at(-1)])
    }),
  )
})

test('ints take four bytes', () => {
  const builder = new Int32Builder()
  for (const value of [5, -7, 0x7fffffff]) builder.append(value)
  const found = boundsOf([builder.snapshot()])!
  expect([found.lower, found.upper].map((bound) => [...bound])).toEqual([
    [0xf9, 0xff, 0xff, 0xff],
    [0xff, 0xff, 0xff, 0x7f],
  ])
})

test('bounds outlive the columns they were taken from', () => {
  const builder = new BytesBuilder()
  const append = (text: string) => builder.append(Buffer.from(text), 0, text.length)
  append('bb')
  const bounds = new ColumnBounds()
  bounds.add({ length: 1, columns: [builder.snapshot()] })
  builder.clear()
  append('zz')
  expect(Buffer.from(bounds.of(0)!.lower).toString()).toBe('bb')
})
