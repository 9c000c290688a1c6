import { expect, test } from 'vitest'
import { figures, isMet, markdownLines, named, reportLines } from '../../bench/figures.ts'

const all = new Map<string, number>(named.map(({ name }, i) => [name, 1.234567 * (i + 1)]))

test('the figures come with value, unit and goal, in the order of their names', () => {
  const { figures: found, missing } = figures(all)
  expect(missing).toEqual([])
  expect(found.map(({ name }) => name)).toEqual(named.map(({ name }) => name))
  expect(found[0]).toEqual({ name: 'hot-path', value: 1.235, unit: '× native', goal: '>= 1.0' })
})

test('a figure that was not measured, or is no number, is named, and the others are given', () => {
  const lacking = new Map(all)
  lacking.delete('first-row')
  lacking.set('service-4mib', Number.NaN)
  const { figures: found, missing } = figures(lacking)
  expect(missing).toEqual(['service-4mib', 'first-row'])
  expect(found).toHaveLength(named.length - 2)
})

test('every goal is a comparator and a number', () => {
  for (const { goal } of named) expect(typeof isMet(1, goal)).toBe('boolean')
  expect([isMet(3, '>= 3'), isMet(2.9, '>= 3'), isMet(1.05, '<= 1.05'), isMet(2, '<= 1.05')]).toEqual([true, false, true, false])
  expect(() => isMet(1, 'fast')).toThrow('expected ">= N" or "<= N"')
})

test('a report says of each figure whether its goal was met', () => {
  const some = [
    { name: 'one', value: 0.5, unit: 's', goal: '<= 1' },
    { name: 'other', value: 1234.5, unit: 'MB', goal: '<= 350' },
  ]
  expect(reportLines(some)).toEqual(['one          0.5  <= 1        ok      s', 'other    1,234.5  <= 350      MISSED  MB'])
  expect(markdownLines(some).slice(2)).toEqual(['| `one` | 0.5 s | <= 1 | met |', '| `other` | 1,234.5 MB | <= 350 | **missed** |'])
})
