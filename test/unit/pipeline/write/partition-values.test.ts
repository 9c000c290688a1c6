import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SingleValue } from '../../../../src/formats/iceberg/data-file.ts'
import type { PrimitiveType } from '../../../../src/formats/iceberg/schema.ts'
import { applyTransform, transformResultType } from '../../../../src/formats/iceberg/transforms.ts'
import { PartitionSplitter } from '../../../../src/pipeline/write/partition/split-batch.ts'
import { anyValue, edgesOf, everyPrimitive } from '../../formats/iceberg/any-type.ts'
import { vectorOf } from '../../formats/arrow/fill.ts'
import { columnOf, splitBy } from './partitions.ts'

const utf8 = (text: string) => new Uint8Array(Buffer.from(text))
const micros = (iso: string) => BigInt(Date.parse(iso)) * 1000n
const day = (iso: string) => Date.parse(iso) / 86_400_000
const wide = 2 ** 31 - 1
/** A bucket of the widest kind shows all of a hash but its sign. */
const hash = (value: number) => (value & 0x7fff_ffff) % wide

describe('rows go to the partition that the specification says', () => {
  test.each<[transform: string, PrimitiveType, unknown, SingleValue]>([
    // Appendix B.
    [`bucket[${wide}]`, 'int', 34, hash(2017239379)],
    [`bucket[${wide}]`, 'long', 34n, hash(2017239379)],
    [`bucket[${wide}]`, 'decimal(9, 2)', 1420n, hash(-500754589)],
    [`bucket[${wide}]`, 'date', day('2017-11-16'), hash(-653330422)],
    [`bucket[${wide}]`, 'time', 81_068_000_000n, hash(-662762989)],
    [`bucket[${wide}]`, 'timestamp', micros('2017-11-16T22:31:08Z'), hash(-2047944441)],
    [`bucket[${wide}]`, 'timestamptz', micros('2017-11-16T14:31:08-08:00') + 1n, hash(-1207196810)],
    [`bucket[${wide}]`, 'string', utf8('iceberg'), hash(1210000089)],
    [`bucket[${wide}]`, 'uuid', Uint8Array.from(Buffer.from('f79c3e09677c4bbda4793f349cb785e7', 'hex')), hash(1488055340)],
    [`bucket[${wide}]`, 'fixed[4]', Uint8Array.of(0, 1, 2, 3), hash(-188683207)],
    [`bucket[${wide}]`, 'binary', Uint8Array.of(0, 1, 2, 3), hash(-188683207)],
    // "Truncate Transform Details".
    ['truncate[10]', 'int', 1, 0],
    ['truncate[10]', 'int', -1, -10],
    ['truncate[10]', 'long', 1n, 0n],
    ['truncate[10]', 'long', -1n, -10n],
    ['truncate[50]', 'decimal(9, 2)', 1065n, 1050n],
    ['truncate[3]', 'string', utf8('iceberg'), 'ice'],
    ['truncate[2]', 'string', utf8('\u{1f600}é!'), '\u{1f600}é'],
    ['truncate[3]', 'binary', Uint8Array.of(1, 2, 3, 4, 5), Uint8Array.of(1, 2, 3)],
    // Before 1970 each belongs to what it lies in, and is not rounded towards it.
    ['year', 'timestamptz', micros('1969-12-31T23:59:59.999Z'), -1],
    ['month', 'timestamptz', micros('1969-12-31T23:59:59.999Z'), -1],
    ['day', 'timestamptz', micros('1969-12-31T23:59:59.999Z'), -1],
    ['hour', 'timestamptz', -1n, -1],
    ['hour', 'timestamptz', micros('2017-11-16T22:31:08Z'), 419_686],
    ['day', 'date', -1, -1],
    ['month', 'date', -1, -1],
    ['year', 'date', -366, -2],
    ['year', 'timestamp', micros('2017-11-16T22:31:08Z'), 47],
    ['month', 'timestamp', micros('2017-11-16T22:31:08Z'), 574],
    ['day', 'timestamp', micros('2017-11-16T22:31:08Z'), 17_486],
  ])('%s of %s %s is %s', (transform, type, value, expected) => {
    expect(splitBy(transform, type, [value])).toEqual([expected])
  })

  const transforms = ['identity', 'year', 'month', 'day', 'hour', 'bucket[7]', 'truncate[3]']
  const pairs = everyPrimitive.flatMap((type) => transforms.filter((one) => takes(one, type)).map((transform) => ({ type, transform })))

  test.each(pairs)('$transform of any $type, value by value', ({ type, transform }) => {
    const rows = fc
      .array(anyValue(type, false), { minLength: 1, maxLength: 40 })
      .map((values) => [...values, ...edgesOf(type), null, ...values])
    fc.assert(
      fc.property(rows, (values) => {
        expect(splitBy(transform, type, values)).toEqual(values.map((value) => applyTransform(transform, type, singleValue(type, value))))
      }),
      { numRuns: 30 },
    )
  })
})

function takes(transform: string, type: PrimitiveType): boolean {
  try {
    return transformResultType(transform, type) !== undefined
  } catch {
    return false
  }
}

function singleValue(type: PrimitiveType, value: unknown): SingleValue {
  if (type === 'float' && typeof value === 'number') return Math.fround(value)
  return type === 'string' && value instanceof Uint8Array ? Buffer.from(value).toString() : (value as SingleValue)
}

test('no row is lost and none is in two partitions, over batches whose partitions come again', () => {
  const splitter = new PartitionSplitter([
    { transform: 'truncate[10]', type: 'int', path: [0] },
    { transform: 'void', type: 'int', path: null },
    { transform: 'identity', type: 'string', path: [1, 0] },
  ])
  const text = { type: 'struct', fields: [{ id: 1, name: 'text', required: false, type: 'string' }] } as const
  const batch = (numbers: readonly (number | null)[], texts: readonly (string | null)[]) => ({
    length: numbers.length,
    columns: [
      vectorOf('int', numbers),
      vectorOf(
        text,
        texts.map((one) => (one === null ? null : [utf8(one)])),
      ),
    ],
  })
  const named = (of: ReturnType<typeof batch>) =>
    splitter.split(of).map(({ partition, rows }) => [partition, splitter.valuesOf(partition), rows === null ? 'all' : [...rows]])
  expect(named(batch([1, 12, null, 19, 5], ['a', 'b', null, 'b', 'a']))).toEqual([
    [0, [0, null, 'a'], [0, 4]],
    [1, [10, null, 'b'], [1, 3]],
    [2, [null, null, null], [2]],
  ])
  expect(named(batch([18, 11], ['b', 'b']))).toEqual([[1, [10, null, 'b'], 'all']])
  expect(named(batch([1, 11], ['b', 'a']))).toEqual([
    [3, [0, null, 'b'], [0]],
    [4, [10, null, 'a'], [1]],
  ])
})

test('NaN is one partition, and the zeros are two', () => {
  const splitter = new PartitionSplitter([{ transform: 'identity', type: 'double', path: [0] }])
  const batch = columnOf('double', [0, Number.NaN, -0, Number.NaN, 0])
  expect(splitter.split(batch).map(({ partition, rows }) => [splitter.valuesOf(partition)[0], [...rows!]])).toEqual([
    [0, [0, 4]],
    [Number.NaN, [1, 3]],
    [-0, [2]],
  ])
})
