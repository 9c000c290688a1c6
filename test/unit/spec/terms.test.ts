import { describe, expect, test } from 'vitest'
import { parseTime } from '../../../src/spec/iso-time.ts'
import { parsePartitionTerm, parseSortTerm } from '../../../src/spec/terms.ts'

describe('partition terms', () => {
  test.each([
    ['day(kafka_timestamp)', { transform: 'day', column: ['kafka_timestamp'] }],
    ['bucket(16, customer_id)', { transform: 'bucket', parameter: 16, column: ['customer_id'] }],
    ['TRUNCATE( 4 , address . city )', { transform: 'truncate', parameter: 4, column: ['address', 'city'] }],
    ['country', { transform: 'identity', column: ['country'] }],
    ['identity(`a.b`.c)', { transform: 'identity', column: ['a.b', 'c'] }],
    ['year', { transform: 'identity', column: ['year'] }],
  ])('%j', (text, term) => {
    expect(parsePartitionTerm(text)).toEqual(term)
  })

  test.each([
    ['', 'expected a column or a transform at character 1'],
    ['dayy(a)', 'there is no transform "dayy"; did you mean day?'],
    ['day()', 'expected a column at character 5'],
    ['day(a', 'expected ")" at character 6'],
    ['day(a) b', 'expected the end at character 8'],
    ['bucket(a)', 'expected a number of buckets from 1 to 2147483647 at character 8'],
    ['bucket(0, a)', 'expected a number of buckets from 1 to 2147483647 at character 8'],
    ['truncate(-1, a)', 'expected a width from 1 to 2147483647 at character 10'],
    ['bucket(4 a)', 'expected "," at character 10'],
    ['a.', "expected a field's name at character 3"],
    ['a b', 'expected the end at character 3'],
  ])('%j is refused', (text, message) => {
    expect(() => parsePartitionTerm(text)).toThrow(expect.objectContaining({ name: 'FormError', message }) as Error)
  })
})

describe('sort terms', () => {
  test.each([
    ['a', 'asc', 'first'],
    ['a asc', 'asc', 'first'],
    ['a desc', 'desc', 'last'],
    ['a nulls last', 'asc', 'last'],
    ['a DESC NULLS FIRST', 'desc', 'first'],
    ['a asc nulls last', 'asc', 'last'],
  ])('%j', (text, direction, nulls) => {
    expect(parseSortTerm(text)).toEqual({ transform: 'identity', column: ['a'], direction, nulls })
  })

  test('may be transforms', () => {
    expect(parseSortTerm('bucket(4, a) desc')).toEqual({
      transform: 'bucket',
      parameter: 4,
      column: ['a'],
      direction: 'desc',
      nulls: 'last',
    })
  })

  test.each(['a down', 'a nulls', 'a nulls middle', 'a last', 'a asc desc', 'a asc nulls last last', 'a,b', 'a 5', ''])(
    '%j is refused',
    (text) => {
      expect(() => parseSortTerm(text)).toThrow(expect.objectContaining({ name: 'FormError' }) as Error)
    },
  )
})

describe('times', () => {
  test.each([
    ['2024-01-01T00:00:00Z', '2024-01-01T00:00:00.000Z'],
    ['2024-01-01', '2024-01-01T00:00:00.000Z'],
    ['2024-02-29T23:59:59.123456789+05:30', '2024-02-29T18:29:59.123Z'],
    ['2024-01-01T00:00-01:00', '2024-01-01T01:00:00.000Z'],
    ['1969-12-31T23:59:59.9Z', '1969-12-31T23:59:59.900Z'],
  ])('%j', (text, time) => {
    expect(new Date(parseTime(text).timeMs).toISOString()).toBe(time)
  })

  test.each([
    ['2024-01-01T00:00:00', 'with its zone: Z or +01:00'],
    ['2024-02-30', 'the calendar or the clock has no such time'],
    ['2023-02-29T00:00:00Z', 'the calendar or the clock has no such time'],
    ['2024-01-01T24:30:00Z', 'the calendar or the clock has no such time'],
    ['2024-13-01', 'the calendar or the clock has no such time'],
    ['2024-01-01T00:00:00+25:00', 'there is no such zone'],
    ['1704067200000', 'such as 2024-01-01T00:00:00Z'],
    ['2024-01-01 00:00:00Z', 'such as 2024-01-01T00:00:00Z'],
    ['', 'such as 2024-01-01T00:00:00Z'],
  ])('%j is refused', (text, message) => {
    expect(() => parseTime(text)).toThrow(expect.objectContaining({ name: 'FormError', message }) as Error)
  })
})
