import { describe, expect, test } from 'vitest'
import { leftOutWith, neverAsked, startOf } from '../../../src/model/left-out.ts'
import { noProgress, withDecided } from '../../../src/model/progress.ts'
import { noRequests } from '../../../src/model/requests.ts'

const at = { topic: 'orders', partition: 0 }
const begun = { progress: withDecided(noProgress, 's', at, [[100n, 100n]]), leftOut: noProgress }
const below = { ...begun, leftOut: leftOutWith(begun, 's', [{ at, ranges: [[50n, 60n]] }]) }

describe('where a tail begins', () => {
  test('is the first decided offset, and stays there when history below it is decided', () => {
    expect(startOf(begun, 's', at)).toBe(100n)
    const progress = withDecided(below.progress, 's', at, [[50n, 60n]])
    expect(startOf({ ...below, progress }, 's', at)).toBe(100n)
    const further = leftOutWith({ ...below, progress }, 's', [{ at, ranges: [[10n, 20n]] }])
    expect(startOf({ progress, leftOut: further }, 's', at)).toBe(100n)
  })

  test('is noted for nothing that lies behind it', () => {
    expect(
      leftOutWith(begun, 's', [
        { at, ranges: [[100n, 110n]] },
        { at, ranges: [] },
      ]),
    ).toBe(begun.leftOut)
    expect(leftOutWith(begun, 'another', [{ at, ranges: [[5n, 9n]] }])).toBe(begun.leftOut)
  })
})

test('what a backfill asked for is left out no more, unless it was cancelled', () => {
  const backfill = { id: 'a', topic: 'orders', ranges: new Map([[0, [[40n, 70n]] as const]]), newestFirst: false, by: 'command' } as const
  const left = (state: 'active' | 'done' | 'cancelled') =>
    neverAsked({ ...below, requests: { ...noRequests, backfills: [{ ...backfill, state }] } }, 's', at)
  // prettier-ignore
  expect(left('done')).toEqual([[0n, 40n], [70n, 100n]])
  expect(left('active')).toEqual(left('done'))
  expect(left('cancelled')).toEqual([[0n, 100n]])
})
