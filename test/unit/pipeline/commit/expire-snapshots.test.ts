import { expect, test } from 'vitest'
import { expiredSnapshots } from '../../../../src/pipeline/commit/expire-snapshots.ts'
import { summaryKeys } from '../../../../src/pipeline/commit/summary-keys.ts'
import { decided, foreign, ours, tableWith } from './tables.ts'

const managed = {
  [summaryKeys.layout]: '{}',
  'history.expire.max-snapshot-age-ms': '1000',
  'history.expire.min-snapshots-to-keep': '1',
}

/** Five snapshots of ours at 1 s to 5 s, looked at when the last was made. */
const five = [1, 2, 3, 4, 5].map((id) => ours(id, id === 1 ? null : id - 1, decided([0, id])))

function expired(more: Parameters<typeof tableWith>[1] = {}, snapshots = five, nowMs = 5_000): number[] {
  return expiredSnapshots(tableWith(snapshots, { properties: managed, ...more }), nowMs)
    .map(Number)
    .sort((a, b) => a - b)
}

test('snapshots that are older than the age go, our newest one never', () => {
  expect(expired()).toEqual([1, 2, 3])
  expect(expired({}, five, 1_000_000)).toEqual([1, 2, 3, 4])
})

test('so many are kept, whatever their age, counting the one that is being committed', () => {
  expect(expired({ properties: { ...managed, 'history.expire.min-snapshots-to-keep': '4' } }, five, 1_000_000)).toEqual([1, 2])
})

test('settings of the branch main win', () => {
  const main = { 'snapshot-id': 5n, type: 'branch' as const }
  expect(expired({ refs: { main: { ...main, 'min-snapshots-to-keep': 5 } } }, five, 1_000_000)).toEqual([1])
  expect(expired({ refs: { main: { ...main, 'max-snapshot-age-ms': 3_500 } } })).toEqual([1])
})

test('what a tag or another branch reaches stays', () => {
  expect(expired({ refs: { kept: { 'snapshot-id': 2n, type: 'tag' } } })).toEqual([1, 3])
  expect(expired({ refs: { kept: { 'snapshot-id': 2n, type: 'branch' } } })).toEqual([3])
})

test('our newest snapshot and all after it stay, however many others came', () => {
  const snapshots = [...five.slice(0, 2), foreign(3, 2), foreign(4, 3), foreign(5, 4)]
  expect(expired({}, snapshots, 1_000_000)).toEqual([1])
})

test('of one commit’s size: 200 at most, the oldest first', () => {
  const many = Array.from({ length: 300 }, (_, i) => ours(i + 1, i === 0 ? null : i, decided([0, i + 1])))
  expect(expired({}, many, 10_000_000)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1))
})

test.each([
  ['a table that others created', { 'history.expire.max-snapshot-age-ms': '1' }],
  ['a table whose garbage others collect', { ...managed, 'gc.enabled': 'false' }],
  ['a table without an age', { [summaryKeys.layout]: '{}' }],
  ['an age that is no number', { ...managed, 'history.expire.max-snapshot-age-ms': 'soon' }],
  ['a number to keep that is none', { ...managed, 'history.expire.min-snapshots-to-keep': '0' }],
])('of %s nothing goes', (_what, properties) => {
  expect(expired({ properties }, five, 1_000_000)).toEqual([])
})

test('of a table without a snapshot of ours nothing goes', () => {
  expect(expired({}, [foreign(1, null), foreign(2, 1)], 1_000_000)).toEqual([])
  expect(expired({}, [])).toEqual([])
})
