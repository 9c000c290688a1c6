import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { pickThree, spreadEvenly } from '../../../../src/pipeline/infer/pick-segments.ts'

const list = (length: number) => Array.from({ length }, (_, i) => i)

test('what is spread begins with the first item and ends with the last one, in equal steps', () => {
  expect(spreadEvenly(list(100), 4)).toEqual([0, 33, 66, 99])
  expect(spreadEvenly(list(16), 16)).toEqual(list(16))
  expect(spreadEvenly(list(3), 16)).toEqual(list(3))
  expect(spreadEvenly(list(9), 1)).toEqual([0])
  expect(spreadEvenly([], 3)).toEqual([])
})

test('no item is picked twice, and they keep their order', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 1, max: 40 }), (length, count) => {
      const picked = spreadEvenly(list(length), count)
      expect(picked).toHaveLength(Math.min(length, count))
      expect([...new Set(picked)].sort((a, b) => a - b)).toEqual(picked)
    }),
  )
})

test('of each list three are picked, and of the others one in turn', () => {
  expect(pickThree([['a', 'b', 'c', 'd', 'e'], ['f'], ['g', 'h', 'i', 'j', 'k']])).toEqual({
    picked: ['a', 'c', 'e', 'f', 'g', 'i', 'k'],
    others: ['b', 'h', 'd', 'j'],
  })
})
