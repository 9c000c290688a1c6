import { expect, test } from 'vitest'
import { Turns } from '../../../src/service/tasks/turns.ts'

test('no more run at a time than may, in the order in which they came, whether they fail or not', async () => {
  const turns = new Turns(2)
  const begun: number[] = []
  const ends: PromiseWithResolvers<string>[] = []
  const done = [0, 1, 2, 3].map((i) =>
    turns.take(() => {
      begun.push(i)
      ends[i] = Promise.withResolvers()
      return ends[i].promise
    }),
  )
  await Promise.resolve()
  expect(begun).toEqual([0, 1])
  ends[1].reject(new Error('it failed'))
  await expect(done[1]).rejects.toThrow('it failed')
  await expect.poll(() => begun).toEqual([0, 1, 2])
  ends[0].resolve('first')
  expect(await done[0]).toBe('first')
  await expect.poll(() => begun).toEqual([0, 1, 2, 3])
  ends[2].resolve('third')
  ends[3].resolve('fourth')
  expect(await Promise.all([done[2], done[3]])).toEqual(['third', 'fourth'])
})
