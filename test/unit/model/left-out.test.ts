import { describe, expect, test } from 'vitest'
import { askedBelow, leftOutAfter, leftOutWith, neverAsked, startOf } from '../../../src/model/left-out.ts'
import type { OffsetRanges } from '../../../src/model/offset-range.ts'
import { decidedRanges, noProgress, withDecided } from '../../../src/model/progress.ts'
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

describe('what a backfill asked for', () => {
  const backfill = { id: 'a', topic: 'orders', ranges: new Map([[0, [[40n, 70n]] as const]]), newestFirst: false, by: 'command' } as const

  test('is left out no more, unless it was cancelled', () => {
    const left = (state: 'active' | 'cancelled') =>
      neverAsked({ ...below, requests: { ...noRequests, backfills: [{ ...backfill, state }] } }, 's', at)
    // prettier-ignore
    expect(left('active')).toEqual([[0n, 40n], [70n, 100n]])
    expect(left('cancelled')).toEqual([[0n, 100n]])
  })

  test('is left out as before of another source', () => {
    const requests = { ...noRequests, backfills: [{ ...backfill, source: 'another/', state: 'active' as const }] }
    const progress = withDecided(below.progress, 'another/', at, [[0n, 10n]])
    expect(neverAsked({ ...below, progress, requests }, 's', at)).toEqual([[0n, 100n]])
    // It has moved since.
    expect(neverAsked({ ...below, requests }, 's', at)).toEqual([
      [0n, 40n],
      [70n, 100n],
    ])
  })

  test('is left out no more for good once it is done, so that the start lies below it', () => {
    const done = (ranges: OffsetRanges, progress = below.progress) => {
      const leftOut = leftOutAfter({ ...below, progress }, 's', { topic: 'orders', ranges: new Map([[0, ranges]]) })
      return { left: decidedRanges(leftOut, 's', at), start: startOf({ progress, leftOut }, 's', at), progress, leftOut }
    }
    // prettier-ignore
    expect(done([[40n, 70n]])).toMatchObject({ left: [[0n, 40n], [70n, 100n]], start: 100n })
    expect(done([[40n, 100n]])).toMatchObject({ left: [[0n, 40n]], start: 40n })
    expect(askedBelow(done([[40n, 100n]]), 's', at)).toEqual([[40n, 100n]])
    expect(done([[100n, 110n]])).toMatchObject({ left: [[0n, 100n]], start: 100n })
    const all = done([[0n, 100n]])
    expect(all).toMatchObject({ left: [[0n, 0n]], start: 0n })
    expect(askedBelow(all, 's', at)).toEqual([[0n, 100n]])
    expect(askedBelow(below, 's', at)).toEqual([])
    const whole = done([[0n, 100n]], withDecided(below.progress, 's', at, [[0n, 60n]]))
    expect(whole).toMatchObject({ left: [], start: 0n })
    expect(whole.leftOut.size).toBe(0)
  })
})
