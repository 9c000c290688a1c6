import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Builder, BytesBuilder, Int32Builder, Int64Builder, ListBuilder } from '../../../../src/formats/arrow/builders.ts'
import { valuesOf } from './values.ts'

type Step<T> = { readonly append: T | null } | { readonly truncateTo: number } | { readonly clear: true }

function steps<T>(value: fc.Arbitrary<T>): fc.Arbitrary<Step<T>[]> {
  return fc.array(
    fc.oneof(
      { weight: 20, arbitrary: fc.record({ append: fc.option(value) }) },
      { weight: 2, arbitrary: fc.record({ truncateTo: fc.double({ min: 0, max: 1, noNaN: true }) }) },
      { weight: 1, arbitrary: fc.constant({ clear: true } as const) },
    ),
    { maxLength: 60 },
  )
}

/** Does the steps to a builder and to a plain array, and expects the same of both. */
function compare<T>(
  builder: Builder,
  list: Step<T>[],
  append: (value: T | null) => void,
  plain: (value: T) => unknown = (value) => value,
): void {
  let model: unknown[] = []
  for (const step of list) {
    if ('append' in step) {
      append(step.append)
      model.push(step.append === null ? null : plain(step.append))
    } else if ('clear' in step) {
      builder.clear()
      model = []
    } else {
      model.length = Math.floor(step.truncateTo * model.length)
      builder.truncate(model.length)
    }
  }
  const vector = builder.snapshot()
  expect(valuesOf(vector)).toEqual(model)
  expect(vector.length).toBe(model.length)
  expect(vector.nullCount).toBe(model.filter((value) => value === null).length)
  expect(vector.validity === null).toBe(vector.nullCount === 0)
}

describe('a builder holds what a plain array would, through appending, cutting back and clearing', () => {
  test('of longs', () => {
    const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    fc.assert(
      fc.property(steps(long), (list) => {
        const builder = new Int64Builder()
        compare(builder, list, (value) => (value === null ? builder.appendNull() : builder.append(value)))
      }),
    )
  })

  test('of safe integers, appended as doubles', () => {
    fc.assert(
      fc.property(steps(fc.maxSafeInteger()), (list) => {
        const builder = new Int64Builder()
        compare(builder, list, (value) => (value === null ? builder.appendNull() : builder.appendNumber(value)), BigInt)
      }),
    )
  })

  test('of bytes', () => {
    fc.assert(
      fc.property(steps(fc.uint8Array({ maxLength: 100 })), (list) => {
        const builder = new BytesBuilder()
        compare(builder, list, (value) =>
          value === null ? builder.appendNull() : builder.append(Buffer.concat([Buffer.of(9), value]), 1, value.length + 1),
        )
      }),
    )
  })

  test('of lists', () => {
    fc.assert(
      fc.property(
        steps(fc.array(fc.tuple(fc.uint8Array({ maxLength: 3 }), fc.option(fc.uint8Array({ maxLength: 3 }))), { maxLength: 4 })),
        (all) => {
          const list = all.map((step) => ('append' in step ? { append: step.append ?? [] } : step))
          const [keys, values] = [new BytesBuilder(), new BytesBuilder()]
          const builder = new ListBuilder([keys, values])
          compare(builder, list, (elements) => {
            for (const [key, value] of elements!) {
              keys.append(key, 0, key.length)
              if (value === null) values.appendNull()
              else values.append(value, 0, value.length)
            }
            builder.close()
          })
        },
      ),
    )
  })
})

describe('growth', () => {
  test('keeps what was appended before, nulls in every place', () => {
    const [longs, ints, texts] = [new Int64Builder(), new Int32Builder(), new BytesBuilder()]
    for (let i = 0; i < 5000; i++) {
      if (i % 3 === 0) longs.appendNull()
      else longs.appendNumber(i)
      ints.append(0 - i)
      const text = Buffer.from(`text ${i}`.repeat(i % 20))
      if (i % 7 === 0) texts.appendNull()
      else texts.append(text, 0, text.length)
    }
    expect(valuesOf(longs.snapshot())).toEqual(Array.from({ length: 5000 }, (_, i) => (i % 3 === 0 ? null : BigInt(i))))
    expect(valuesOf(ints.snapshot())).toEqual(Array.from({ length: 5000 }, (_, i) => 0 - i))
    expect(valuesOf(texts.snapshot()).map((value) => value && Buffer.from(value as Uint8Array).toString())).toEqual(
      Array.from({ length: 5000 }, (_, i) => (i % 7 === 0 ? null : `text ${i}`.repeat(i % 20))),
    )
  })

  test('the first null far behind the beginning is in its place', () => {
    const builder = new BytesBuilder()
    for (let i = 0; i < 4000; i++) builder.append(Buffer.of(1), 0, 1)
    builder.appendNull()
    const vector = builder.snapshot()
    expect(vector.nullCount).toBe(1)
    expect(valuesOf(vector).indexOf(null)).toBe(4000)
    expect(vector.validity).toHaveLength(501)
  })
})

test('byteLength is what the slots hold', () => {
  const texts = new BytesBuilder()
  texts.append(Buffer.from('abc'), 0, 3)
  texts.appendNull()
  expect(texts.byteLength).toBe(3 + 2 * 4)
  texts.truncate(0)
  expect(texts.byteLength).toBe(0)
})
