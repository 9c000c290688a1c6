import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { scalarOfText } from '../../../../src/formats/json/exact/scalars.ts'
import { readTimeText } from '../../../../src/pipeline/infer/time-text.ts'

const two = fc.integer({ min: 0, max: 70 }).map((n) => String(n).padStart(2, '0'))
const near = fc
  .record({
    year: fc.constantFrom('0000', '0001', '1970', '2023', '2024', '9999', '12345'),
    month: two,
    day: two,
    separator: fc.constantFrom('T', ' ', 't', ''),
    clock: fc.tuple(fc.oneof(two, fc.constant('00')), two, two),
    fraction: fc.oneof(fc.constant(''), fc.stringMatching(/^\.\d{0,10}$/), fc.stringMatching(/^\.[01]{0,6}0{0,4}$/)),
    zone: fc.oneof(
      fc.constantFrom('', 'Z', 'z', '+00:00', '-00:00', '+18:00', '+0100', '+02:60'),
      fc.tuple(two, two).map(([h, m]) => `-${h}:${m}`),
    ),
    part: fc.constantFrom('date', 'time', 'both'),
  })
  .map(({ year, month, day, separator, clock, fraction, zone, part }) => {
    const [date, time] = [`${year}-${month}-${day}`, `${clock.join(':')}${fraction}`]
    return part === 'date' ? date : part === 'time' ? time : `${date}${separator}${time}${zone}`
  })

const unit = 'iso8601'

test('a time is read where, and only where, a column in its form writes it in the same way', () => {
  fc.assert(
    fc.property(near, (text) => {
      const found = readTimeText(text)
      if (found === null) return
      const form = found.type === 'date' ? null : found.form
      expect(scalarOfText({ kind: found.type, unit, form }, text)?.isExact).toBe(found.type === 'date' || found.isExact)
      if (found.type !== 'date') expect(scalarOfText({ kind: found.type, unit, form: null }, text)?.isExact).toBe(found.isPlain)
    }),
    { numRuns: 20_000 },
  )
})

test('what is not read is written by no form', () => {
  const forms = ['T', ' '].flatMap((separator) =>
    Array.from({ length: 10 }, (_, fraction) =>
      ['', 'Z', '+00:00', '-00:00'].map((zone) => ({ separator: separator as 'T' | ' ', fraction, zone })),
    ).flat(),
  )
  fc.assert(
    fc.property(near, (text) => {
      if (readTimeText(text) !== null) return
      for (const kind of ['date', 'time', 'timestamp', 'timestamptz'] as const) {
        for (const form of [null, ...forms]) expect(scalarOfText({ kind, unit, form }, text)?.isExact).not.toBe(true)
      }
    }),
    { numRuns: 300 },
  )
})

test.each([
  ['2024-02-29', 'date'],
  ['23:59:59.999999', 'time'],
  ['2024-02-29T23:59:59', 'timestamp'],
  ['2024-02-29 23:59:59.999999999-18:00', 'timestamptz'],
])('%s is a %s', (text, type) => {
  expect(readTimeText(text)?.type).toBe(type)
})

test.each([
  '',
  '2024',
  '2024-02-30',
  '1900-02-29',
  '2024-02-29T',
  '2024-02-29Z',
  '12:00',
  '12:00:00Z',
  '2024-02-29T12:00:00.',
  ' 2024-02-29',
  '2024-02-29 ',
])('%j is none', (text) => {
  expect(readTimeText(text)).toBeNull()
})
