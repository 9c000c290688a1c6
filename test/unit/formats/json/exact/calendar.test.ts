import { expect, test } from 'vitest'
import { dateOf, dayOf, firstDay, lastDay } from '../../../../../src/formats/json/exact/calendar.ts'

test('every day of the years 1 to 9999 is the one that the engine’s calendar has', () => {
  const engine = new Date(0)
  for (let day = firstDay; day <= lastDay; day++) {
    engine.setTime(day * 86_400_000)
    const date = dateOf(day)
    if (date.year !== engine.getUTCFullYear() || date.month !== engine.getUTCMonth() + 1 || date.day !== engine.getUTCDate())
      expect.fail(`${day} is ${JSON.stringify(date)}`)
    if (dayOf(date) !== day) expect.fail(`${JSON.stringify(date)} is ${dayOf(date)}`)
  }
})

test('they begin and end where the years do', () => {
  expect(dateOf(firstDay)).toEqual({ year: 1, month: 1, day: 1 })
  expect(dateOf(lastDay)).toEqual({ year: 9999, month: 12, day: 31 })
  expect([dayOf({ year: 1970, month: 1, day: 1 }), dayOf({ year: 1969, month: 12, day: 31 })]).toEqual([0, -1])
})

test('around them the calendar goes on', () => {
  expect(dateOf(firstDay - 1)).toEqual({ year: 0, month: 12, day: 31 })
  expect(dateOf(lastDay + 1)).toEqual({ year: 10_000, month: 1, day: 1 })
})

test.each([
  [0, 12, 31],
  [10_000, 1, 1],
  [2024, 0, 1],
  [2024, 13, 1],
  [2024, 1, 0],
  [2024, 1, 32],
  [2024, 4, 31],
  [2024, 2, 30],
  [2023, 2, 29],
  [1900, 2, 29],
  [2100, 2, 29],
])('there is no %i-%i-%i', (year, month, day) => {
  expect(dayOf({ year, month, day })).toBeNull()
})

test.each([
  [2024, 2, 29],
  [2000, 2, 29],
  [400, 2, 29],
])('there is a %i-%i-%i', (year, month, day) => {
  expect(dayOf({ year, month, day })).toBe(Date.UTC(year, month - 1, day) / 86_400_000)
})
