import fc from 'fast-check'
import { parquetMetadata } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import type { Vector } from '../../../../../src/formats/arrow/vector.ts'
import { compareBytes } from '../../../../../src/formats/iceberg/bounds.ts'
import type { IcebergType, PrimitiveType } from '../../../../../src/formats/iceberg/schema.ts'
import { compareSingleValues, type PresentValue, serializeSingleValue } from '../../../../../src/formats/iceberg/single-value.ts'
import { anyValue, edgesOf, everyPrimitive } from '../../iceberg/any-type.ts'
import { batchOf, defaults, encodeFile, optional } from './files.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)

function factsOf(type: IcebergType, groups: readonly (readonly unknown[])[], dictionarySizeBytes = 1024 * 1024) {
  const fields = optional(type)
  const batches = groups.map((values) => [
    batchOf(
      fields,
      values.map((value) => [value]),
    ),
  ])
  return encodeFile(fields, batches, { ...defaults, dictionarySizeBytes })
}

function statisticsOf(type: IcebergType, values: readonly unknown[]) {
  const { bytes } = factsOf(type, [values])
  return parquetMetadata(bytes.buffer).row_groups[0].columns[0].meta_data!.statistics!
}

/** A value of `anyValue` as single-value serialization has it. */
function serialized(type: PrimitiveType, value: unknown): Uint8Array {
  return type === 'string' ? (value as Uint8Array) : serializeSingleValue(type, value as PresentValue)
}

describe.each(everyPrimitive.filter((type) => type !== 'uuid'))('of %s', (type) => {
  test('a file tells the smallest and the largest value, the nulls and the NaNs, whether there is a dictionary or not', () => {
    const group = fc.array(fc.oneof(anyValue(type, false), fc.constantFrom(null, ...edgesOf(type))), { minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(
        fc.array(group, { minLength: 1, maxLength: 3 }),
        fc.constantFrom(1, 1000),
        fc.integer({ min: 1, max: 3 }),
        (groups, size, times) => {
          const { file } = factsOf(
            type,
            groups.map((values) => Array.from({ length: times }, () => values).flat()),
            size,
          )
          const values = groups.flat().filter((value) => value !== null)
          const numbers = values.filter((value) => !Number.isNaN(value)) as PresentValue[]
          const compare = (a: PresentValue, b: PresentValue) =>
            type === 'string' ? compareBytes(a as Uint8Array, b as Uint8Array) : compareSingleValues(a, b)
          const sorted = numbers.toSorted(compare).map((value) => (value === 0 ? 0 : value))
          const lower = sorted[0] === 0 && type !== 'int' && type !== 'date' ? -0 : sorted[0]
          const range = sorted.length > 0 ? { lower: serialized(type, lower), upper: serialized(type, sorted.at(-1)) } : undefined
          const { nullCount, valueCount, nanCount, range: found } = file.leaves.get(1)!
          expect(found).toEqual(range)
          expect(nullCount).toBe(BigInt(times * (groups.flat().length - values.length)))
          expect(valueCount).toBe(BigInt(times * groups.flat().length))
          expect(nanCount).toBe(BigInt(times * (values.length - numbers.length)))
        },
      ),
      { numRuns: 60 },
    )
  })
})

test.each([2000, 1])('NaNs of any bits are counted, and keep them (dictionary of %i bytes)', (dictionarySizeBytes) => {
  const bits = [0x7ff0_0000_0000_0001n, 0x7ff8_0000_0000_0000n, -1n, 0x7ff0_0000_0000_0000n, 0x3ff0_0000_0000_0000n]
  const values = new Float64Array(BigInt64Array.from([...bits, ...bits, ...bits]).buffer)
  const column: Vector = { layout: 'fixed', length: 15, nullCount: 0, validity: null, values }
  const { bytes, file } = encodeFile(optional('double'), [[{ length: 15, columns: [column] }]], {
    ...defaults,
    codec: 'uncompressed',
    dictionarySizeBytes,
  })
  expect(file.leaves.get(1)).toMatchObject({
    nanCount: 9n,
    range: { lower: serialized('double', 1), upper: serialized('double', Infinity) },
  })
  expect(Buffer.from(bytes).includes(Buffer.from(BigInt64Array.from(bits).buffer))).toBe(true)
})

describe('of uuids', () => {
  const uuid = (first: number, eighth: number, last = 0) => new Uint8Array(16).with(0, first).with(8, eighth).with(15, last)
  test.each([2000, 1])('a file tells a range where both halves of all have the same sign (dictionary of %i bytes)', (size) => {
    const values = [uuid(1, 0x80), uuid(0x7f, 0xbf), null, uuid(1, 0x81), uuid(1, 0x80), uuid(1, 0x80), uuid(0x7f, 0xbf)]
    expect(factsOf('uuid', [values], size).file.leaves.get(1)!.range).toEqual({ lower: uuid(1, 0x80), upper: uuid(0x7f, 0xbf) })
    expect(factsOf('uuid', [[...values, uuid(0x80, 0x80)]], size).file.leaves.get(1)!.range).toBeUndefined()
    expect(factsOf('uuid', [[...values, uuid(2, 0x7f)]], size).file.leaves.get(1)!.range).toBeUndefined()
  })

  test.each([2000, 1])('a file tells none where its row groups differ in sign (dictionary of %i bytes)', (size) => {
    expect(factsOf('uuid', [[uuid(1, 0)], [uuid(0x80, 0)], [uuid(1, 0)]], size).file.leaves.get(1)!.range).toBeUndefined()
    expect(factsOf('uuid', [[uuid(1, 0)], [null], [uuid(2, 0)]], size).file.leaves.get(1)!.range).toEqual({
      lower: uuid(1, 0),
      upper: uuid(2, 0),
    })
  })

  test('Parquet’s own statistics have no extremes', () => {
    const { null_count, min_value, max_value } = statisticsOf('uuid', [uuid(1, 1), null])
    expect([null_count, min_value, max_value]).toEqual([1n, undefined, undefined])
  })
})

describe('Parquet’s own statistics', () => {
  test('shorten long texts, the upper end to one that is greater', () => {
    const long = `${'é'.repeat(63)}z`
    const { min_value, max_value, is_min_value_exact, is_max_value_exact } = statisticsOf('string', [utf8(`${long}b`), utf8(`${long}c`)])
    expect([min_value, max_value]).toEqual([long, `${'é'.repeat(63)}{`])
    expect([is_min_value_exact, is_max_value_exact]).toEqual([false, false])
    const whole = statisticsOf('string', [utf8('b'), utf8('a')])
    expect([whole.min_value, whole.max_value, whole.is_min_value_exact, whole.is_max_value_exact]).toEqual(['a', 'b', true, true])
  })

  test('leave out an upper end that can not be shortened', () => {
    const { min_value, max_value } = statisticsOf('binary', [new Uint8Array(80).fill(0xff), new Uint8Array(70).fill(1)])
    expect([min_value, max_value]).toEqual(['\x01'.repeat(64), undefined])
  })

  test('have no extremes of fixed values that are long, nor where all are null', () => {
    expect(statisticsOf('fixed[65]', [new Uint8Array(65)]).min_value).toBeUndefined()
    expect(statisticsOf('fixed[64]', [new Uint8Array(64)]).min_value).toEqual(new Uint8Array(64))
    const { null_count, min_value, max_value } = statisticsOf('string', [null, null])
    expect([null_count, min_value, max_value]).toEqual([2n, undefined, undefined])
  })

  test('have an order that readers trust', () => {
    const { bytes } = factsOf('string', [[utf8('a')]])
    // The footer's column orders: a list of one union, of which the first member, an empty struct, is set.
    const footer = Buffer.from(bytes)
    expect(footer.includes(Buffer.concat([Buffer.from('iceberg-processor'), Uint8Array.of(0x19, 0x1c, 0x1c, 0, 0, 0)]))).toBe(true)
  })
})
