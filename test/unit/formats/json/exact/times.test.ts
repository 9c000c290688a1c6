import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { timeOfText } from '../../../../../src/formats/json/exact/times.ts'
import type { TimeForm, TimeShape } from '../../../../../src/formats/json/shape.ts'

function shape(kind: TimeShape['kind'], form: TimeForm | null = null): TimeShape {
  return { kind, unit: 'iso8601', form }
}

function exactly(value: number | bigint): object {
  return { value, isExact: true }
}

function nearly(value: number | bigint): object {
  return { value, isExact: false }
}

/** Microseconds since 1970 of a text that the engine reads. */
function micros(text: string, more = 0): number {
  return Date.parse(text) * 1000 + more
}

describe('date', () => {
  test.each([
    ['1970-01-01', 0],
    ['1969-12-31', -1],
    ['2024-02-29', 19_782],
    ['0001-01-01', -719_162],
    ['9999-12-31', 2_932_896],
  ])('%s is day %i, exactly', (text, day) => {
    expect(timeOfText(shape('date'), text)).toEqual(exactly(day))
  })

  test.each([
    '',
    '2024-2-29',
    '24-02-29',
    '2024-02-30',
    '2023-02-29',
    '2024-13-01',
    '2024-00-10',
    '2024-01-00',
    '0000-12-31',
    '10000-01-01',
    '+2024-01-01',
    '2024-01-01Z',
    '2024-01-01T00:00:00',
    ' 2024-01-01',
    '2024-01-01\n',
    '20240101',
    '２０２４-01-01',
  ])('%j is none', (text) => {
    expect(timeOfText(shape('date'), text)).toBeNull()
  })
})

describe('time', () => {
  test.each([
    ['00:00:00', 0],
    ['23:59:59', 86_399_000_000],
    ['12:34:56.789', 45_296_789_000],
    ['12:34:56.789012', 45_296_789_012],
    ['00:00:00.000001', 1],
  ])('%s is exact', (text, value) => {
    expect(timeOfText(shape('time'), text)).toEqual(exactly(value))
  })

  test.each([
    ['12:34', 45_240_000_000],
    ['12:34:56.0', 45_296_000_000],
    ['12:34:56.000', 45_296_000_000],
    ['12:34:56.78', 45_296_780_000],
    ['12:34:56.789000', 45_296_789_000],
    ['12:34:56.7890129', 45_296_789_012],
    ['23:59:59.999999999', 86_399_999_999],
  ])('%s is written otherwise, or finer', (text, value) => {
    expect(timeOfText(shape('time'), text)).toEqual(nearly(value))
  })

  test.each([
    '',
    '24:00:00',
    '12:60:00',
    '12:34:60',
    '1:02:03',
    '12',
    '12:3',
    '12:34:',
    '12:34:56.',
    '12:34:56.1234567890',
    '12:34:56,5',
    '12:34:56Z',
    '12:34.5',
    '-12:34:56',
    'T12:34:56',
  ])('%j is none', (text) => {
    expect(timeOfText(shape('time'), text)).toBeNull()
  })

  test('only the fraction of a form says how it is written', () => {
    const form = { separator: ' ', fraction: 2, zone: '+02:00' } as const
    expect(timeOfText(shape('time', form), '12:34:56.70')).toEqual(exactly(45_296_700_000))
    expect(timeOfText(shape('time', form), '12:34:56.7')).toEqual(nearly(45_296_700_000))
    expect(timeOfText(shape('time', form), '12:34:56.701')).toEqual(nearly(45_296_701_000))
  })
})

describe('timestamp', () => {
  test.each([
    ['1970-01-01T00:00:00', 0],
    ['2024-06-07T00:00:00', micros('2024-06-07')],
    ['2024-06-07T12:34:56.789', micros('2024-06-07T12:34:56.789Z')],
    ['1969-12-31T23:59:59.999999', -1],
    ['2255-06-05T23:47:33', 9_007_199_253_000_000],
    ['2255-06-05T23:47:34', 9_007_199_254_000_000n],
    ['2255-06-05T23:47:34.740993', 9_007_199_254_740_993n],
    ['1684-07-28T00:12:25.259007', -9_007_199_254_740_993n],
    ['0001-01-01T00:00:00', -62_135_596_800_000_000n],
    ['9999-12-31T23:59:59.999999', 253_402_300_799_999_999n],
  ])('%s is exact', (text, value) => {
    expect(timeOfText(shape('timestamp'), text)).toEqual({
      value: expect.toSatisfy((found) => BigInt(found as number) === BigInt(value)),
      isExact: true,
    })
  })

  test.each(['2024-06-07 12:34:56', '2024-06-07t12:34:56', '2024-06-07T12:34', '2024-06-07T12:34:56.000'])(
    '%s is written otherwise',
    (text) => {
      expect(timeOfText(shape('timestamp'), text)?.isExact).toBe(false)
    },
  )

  test.each([
    '',
    '2024-06-07',
    '2024-06-07T',
    '2024-06-07T12',
    '2024-06-07  12:34:56',
    '2024-06-07_12:34:56',
    '2024-02-30T00:00:00',
    '2024-06-07T24:00:00',
    '2024-06-30T23:59:60',
    '0000-01-01T00:00:00',
    '2024-06-07T12:34:56Z',
    '2024-06-07T12:34:56+00:00',
    '12:34:56',
  ])('%j is none', (text) => {
    expect(timeOfText(shape('timestamp'), text)).toBeNull()
  })
})

describe('timestamptz', () => {
  test.each([
    ['2024-06-07T12:34:56Z', '2024-06-07T12:34:56Z'],
    ['2024-06-07T12:34:56.789Z', '2024-06-07T12:34:56.789Z'],
  ])('%s is exact', (text, same) => {
    expect(timeOfText(shape('timestamptz'), text)).toEqual(exactly(micros(same)))
  })

  test.each([
    ['2024-06-07T12:34:56z', '2024-06-07T12:34:56Z'],
    ['2024-06-07t12:34:56Z', '2024-06-07T12:34:56Z'],
    ['2024-06-07 12:34Z', '2024-06-07T12:34:00Z'],
    ['2024-06-07T12:34:56.7Z', '2024-06-07T12:34:56.700Z'],
    ['2024-06-07T12:34:56+02:00', '2024-06-07T10:34:56Z'],
    ['2024-06-07T12:34:56-0530', '2024-06-07T18:04:56Z'],
    ['2024-06-07T12:34:56+18:00', '2024-06-06T18:34:56Z'],
    ['2024-06-07T12:34:56-18:00', '2024-06-08T06:34:56Z'],
    ['2024-06-07T12:34:56-00:00', '2024-06-07T12:34:56Z'],
  ])('%s is %s, written otherwise', (text, same) => {
    expect(timeOfText(shape('timestamptz'), text)).toEqual(nearly(micros(same)))
  })

  test.each([
    '2024-06-07T12:34:56',
    '2024-06-07T12:34:56+18:01',
    '2024-06-07T12:34:56-19:00',
    '2024-06-07T12:34:56+01:60',
    '2024-06-07T12:34:56+2',
    '2024-06-07T12:34:56+02',
    '2024-06-07T12:34:56 Z',
    '2024-06-07T12:34:56ZZ',
    '2024-06-07Z',
    '2024-06-07T12:34:56+02:00:00',
  ])('%j is none', (text) => {
    expect(timeOfText(shape('timestamptz'), text)).toBeNull()
  })

  test('the years 1 to 9999 are those of UTC, and those that are written', () => {
    expect(timeOfText(shape('timestamptz'), '0001-01-01T00:00:00-01:00')).not.toBeNull()
    expect(timeOfText(shape('timestamptz'), '0001-01-01T00:59:59+01:00')).toBeNull()
    expect(timeOfText(shape('timestamptz'), '9999-12-31T23:00:00-01:00')).toBeNull()
    expect(timeOfText(shape('timestamptz'), '9999-12-31T23:59:59+01:00')).not.toBeNull()
    expect(timeOfText(shape('timestamptz'), '0000-12-31T23:00:00-02:00')).toBeNull()
  })

  test.each<[TimeForm, string]>([
    [{ separator: ' ', fraction: 0, zone: 'Z' }, '2024-06-07 12:34:56Z'],
    [{ separator: 'T', fraction: 3, zone: '+02:00' }, '2024-06-07T14:34:56.000+02:00'],
    [{ separator: 'T', fraction: 9, zone: '-05:30' }, '2024-06-07T07:04:56.000000000-05:30'],
    [{ separator: ' ', fraction: 1, zone: '+0000' }, '2024-06-07 12:34:56.0+0000'],
    [{ separator: 'T', fraction: 6, zone: '+18:00' }, '2024-06-08T06:34:56.000000+18:00'],
  ])('in the form %j, %s is exact, and no other text of that moment', (form, text) => {
    const value = micros('2024-06-07T12:34:56Z')
    expect(timeOfText(shape('timestamptz', form), text)).toEqual(exactly(value))
    expect(timeOfText(shape('timestamptz', form), '2024-06-07T12:34:56Z')).toEqual(nearly(value))
    expect(timeOfText(shape('timestamptz', form), '2024-06-07T13:34:56+01:00')).toEqual(nearly(value))
  })

  test('what is finer than a microsecond is left out, and not exact in a form of nine digits either', () => {
    const form = { separator: 'T', fraction: 9, zone: 'Z' } as const
    const value = micros('2024-06-07T12:34:56Z', 123_456)
    expect(timeOfText(shape('timestamptz', form), '2024-06-07T12:34:56.123456000Z')).toEqual(exactly(value))
    expect(timeOfText(shape('timestamptz', form), '2024-06-07T12:34:56.123456789Z')).toEqual(nearly(value))
    expect(timeOfText(shape('timestamptz', form), '1969-12-31T23:59:59.123456789Z')).toEqual(nearly(-876_544))
  })

  test('every moment as the engine writes it is read as the engine reads it', () => {
    const first = Date.parse('0001-01-01T00:00:00Z')
    const last = Date.parse('9999-12-31T23:59:59.999Z')
    fc.assert(
      fc.property(fc.integer({ min: first, max: last }), (ms) => {
        const found = timeOfText(shape('timestamptz', { separator: 'T', fraction: 3, zone: 'Z' }), new Date(ms).toISOString())
        expect([BigInt(found!.value), found!.isExact]).toEqual([BigInt(ms) * 1000n, true])
      }),
    )
  })
})
