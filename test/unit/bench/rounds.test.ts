import { afterEach, expect, test, vi } from 'vitest'
import { medians } from '../../bench/rounds.ts'

afterEach(() => vi.restoreAllMocks())

test('contestants take turns, and each gets the median of its rounds, not the mean', async () => {
  vi.spyOn(console, 'log').mockImplementation(() => undefined)
  const turns: string[] = []
  const contestant = (name: string, values: number[]) => async () => {
    turns.push(name)
    return values.shift()!
  }
  const found = await medians(3, { ours: contestant('ours', [100, 2, 9]), native: contestant('native', [5, 40, 3]) })
  expect(found).toEqual({ ours: 9, native: 5 })
  expect(turns).toEqual(['ours', 'native', 'ours', 'native', 'ours', 'native'])
})
