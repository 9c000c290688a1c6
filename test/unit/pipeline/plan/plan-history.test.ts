import { expect, test } from 'vitest'
import { historyStart, planHistory } from '../../../../src/pipeline/plan/plan-history.ts'
import { at } from '../../service/segments.ts'
import { graceMs, listedAtMs, object, pair } from './objects.ts'

const wanted = [[0n, 30n]] as const
const young = { ageMs: 1000 }
const basesOf = ({ runs }: ReturnType<typeof planHistory>) => runs.flatMap(({ segments }) => segments.map(({ baseOffset }) => baseOffset))

test('a part of a listing with one segment that counts is not the end: the next part begins there', () => {
  const listing = { objects: [object(0, 'kfs'), ...pair(10)], listedAtMs, complete: false }
  for (const from of [null, 0n]) {
    const plan = planHistory(at, { ...historyStart, from }, wanted, listing, graceMs)
    expect(plan).toMatchObject({ runs: [], next: { from: 10n, previous: null }, tooYoung: null })
  }
})

test('a segment that is too young is named where it may have what is wanted, and what comes before it is planned', () => {
  const newest = { objects: [...pair(0), ...pair(10), ...pair(20, young)], listedAtMs, complete: true }
  const plan = planHistory(at, historyStart, wanted, newest, graceMs)
  expect([basesOf(plan), plan.next, plan.tooYoung]).toEqual([[0n, 10n], null, 20n])
  expect(planHistory(at, historyStart, [[0n, 20n]], newest, graceMs).tooYoung).toBeNull()
  // One that waits for its index keeps back what follows, while that is too young to tell that it has none.
  const behind = { objects: [...pair(0), object(5, 'kfs'), ...pair(10, young), ...pair(20)], listedAtMs, complete: true }
  expect(planHistory(at, historyStart, wanted, behind, graceMs)).toMatchObject({ next: null, tooYoung: 10n })
})
