import { expect, test } from 'vitest'
import { figures, isMet, named } from '../../bench/figures.ts'

const all = new Map<string, number>(named.map(({ name }, i) => [name, 1234.567 * (i + 1)]))

test('the figures come with value, unit and goal, in the order of their names', () => {
  expect(figures(all).map(({ name }) => name)).toEqual(named.map(({ name }) => name))
  expect(figures(all)[0]).toEqual({ name: 'hot-path-raw-records', value: 1235, unit: 'records per CPU second', goal: '>= 120000' })
})

test('a figure that was not measured, or is no number, is named', () => {
  const lacking = new Map(all)
  lacking.delete('first-row')
  lacking.set('service-records', Number.NaN)
  expect(() => figures(lacking)).toThrow('not measured: service-records, first-row')
})

test('every goal is a comparator and a number', () => {
  for (const { goal } of named) expect(typeof isMet(1, goal)).toBe('boolean')
  expect([isMet(3, '>= 3'), isMet(2.9, '>= 3'), isMet(1.05, '<= 1.05'), isMet(2, '<= 1.05')]).toEqual([true, false, true, false])
  expect(() => isMet(1, 'fast')).toThrow('expected ">= N" or "<= N"')
})
