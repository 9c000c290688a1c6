import { expect, test } from 'vitest'
import { chooseExpired, type ExpirySettings, expirySettings } from '../../../../src/pipeline/maintain/choose-expired.ts'
import { foreign, tableWith } from '../commit/tables.ts'

const settings: ExpirySettings = { maxAgeMs: 1000, minSnapshots: 1, maxSnapshots: 1000 }

/** Snapshots 1 to `count`, one a second, looked at when the last was made unless `nowMs` says otherwise. */
function line(count: number, everyMs = 1000) {
  return Array.from({ length: count }, (_, i) => foreign(i + 1, i === 0 ? null : i, { 'timestamp-ms': everyMs * (i + 1) }))
}

function expired(
  more: Parameters<typeof tableWith>[1] = {},
  { snapshots = line(5), nowMs = 5_000, keep = null as bigint | null, ...other }: Partial<ExpirySettings> & Record<string, unknown> = {},
): number[] {
  const table = tableWith(snapshots as ReturnType<typeof line>, more)
  return chooseExpired(table, { ...settings, ...other }, keep as bigint | null, nowMs as number).snapshots.map((one) =>
    Number(one['snapshot-id']),
  )
}

test('snapshots that are older than the age go, and the current one never', () => {
  expect(expired()).toEqual([1, 2, 3])
  expect(expired({}, { nowMs: 1_000_000 })).toEqual([1, 2, 3, 4])
})

test('so many are kept, whatever their age', () => {
  expect(expired({}, { nowMs: 1_000_000, minSnapshots: 4 })).toEqual([1])
})

test('our newest snapshot and all after it stay, however many others came', () => {
  expect(expired({}, { nowMs: 1_000_000, keep: 2n })).toEqual([1])
})

test('settings of the branch main win, and it is not thinned then', () => {
  const main = { 'snapshot-id': 5n, type: 'branch' as const }
  expect(expired({ refs: { main: { ...main, 'min-snapshots-to-keep': 5 } } }, { nowMs: 1_000_000, maxSnapshots: 2 })).toEqual([])
  expect(expired({ refs: { main: { ...main, 'max-snapshot-age-ms': 3_500 } } })).toEqual([1])
})

test('what a tag names stays, and of another branch what its settings keep', () => {
  expect(expired({ refs: { kept: { 'snapshot-id': 2n, type: 'tag' } } })).toEqual([1, 3])
  expect(expired({ refs: { kept: { 'snapshot-id': 2n, type: 'branch' } } })).toEqual([1, 3])
  expect(expired({ refs: { kept: { 'snapshot-id': 2n, type: 'branch', 'min-snapshots-to-keep': 2 } } })).toEqual([3])
  expect(expired({ refs: { kept: { 'snapshot-id': 3n, type: 'branch', 'max-snapshot-age-ms': 3_000 } } })).toEqual([1])
})

test('a branch or tag that comes to its own age ends, main never, and what it held can go', () => {
  const tag = { 'snapshot-id': 2n, type: 'tag' as const, 'max-ref-age-ms': 2_000 }
  const table = tableWith(line(5), { refs: { old: tag, main: { 'snapshot-id': 5n, type: 'branch', 'max-ref-age-ms': 1 } } })
  const { snapshots, refs } = chooseExpired(table, settings, null, 5_500)
  expect(refs).toEqual(['old'])
  expect(snapshots.map((one) => Number(one['snapshot-id']))).toEqual([1, 2, 3, 4])
})

test('what no branch reaches goes when it is too old', () => {
  const staged = foreign(9, 3, { 'timestamp-ms': 4_500, summary: { operation: 'append', 'wap.id': 'a' } })
  const snapshots = [...line(5), staged]
  expect(expired({ current: 5 }, { snapshots })).toEqual([1, 2, 3])
  expect(expired({ current: 5 }, { snapshots, nowMs: 1_000_000 })).toEqual([1, 2, 3, 4, 9])
})

test('one commit drops a thousand at most, the oldest first', () => {
  const dropped = expired({}, { snapshots: line(1500), nowMs: 10_000_000 })
  expect(dropped).toHaveLength(1000)
  expect(dropped[0]).toBe(1)
})

test('a table that is committed to each minute keeps the newest half of its snapshots, and the time before it evenly', () => {
  const hour = 3_600_000
  const thin = { maxAgeMs: 72 * hour, minSnapshots: 20, maxSnapshots: 200 }
  let snapshots = line(0)
  let most = 0
  for (let i = 1; i <= 6000; i++) {
    snapshots.push(foreign(i, i === 1 ? null : i - 1, { 'timestamp-ms': 60_000 * i }))
    if (i % 10 !== 0) continue
    const gone = new Set(chooseExpired(tableWith(snapshots), thin, BigInt(i), 60_000 * i).snapshots)
    snapshots = snapshots.filter((one) => !gone.has(one))
    most = Math.max(most, snapshots.length)
  }
  const ids = snapshots.map((one) => Number(one['snapshot-id']))
  expect(most).toBeLessThanOrEqual(200)
  expect(ids.slice(-100)).toEqual(Array.from({ length: 100 }, (_, i) => 5901 + i))
  const older = ids.filter((id) => id <= 5900)
  // 50 slots of 86.4 minutes; what was kept once was not dropped later in favour of a neighbour.
  expect(older[0]).toBeLessThan(6000 - 72 * 60 + 90)
  const steps = older.slice(1).map((id, i) => id - older[i])
  expect(Math.max(...steps)).toBeLessThanOrEqual(2 * 87)
})

test('where snapshots are few, none is thinned', () => {
  expect(expired({}, { snapshots: line(200), nowMs: 200_000, maxAgeMs: 1_000_000, maxSnapshots: 200 })).toEqual([])
})

test('what came after our newest snapshot is never thinned, though the clock that made ours was ahead of the others', () => {
  const timeOf = (i: number) => (i < 3 ? 1000 * i : i === 3 ? 60_000 : 50_000)
  const snapshots = line(12).map((one, i) => ({ ...one, 'timestamp-ms': timeOf(i) }))
  const thin = { snapshots, nowMs: 60_000, maxAgeMs: 1_000_000, maxSnapshots: 4 }
  expect(expired({}, { ...thin, keep: 4n })).toEqual([2, 3])
  expect(expired({}, { ...thin, snapshots: snapshots.map((one) => ({ ...one, 'timestamp-ms': 50_000 })), keep: 4n })).not.toContain(8)
  expect(expired({}, thin).length).toBeGreaterThan(5)
})

test('what a tag names is never thinned, nor what is staged', () => {
  const staged = foreign(999, 3, { 'timestamp-ms': 3_500, summary: { operation: 'append', 'wap.id': 'a' } })
  const gone = expired(
    { current: 300, refs: { kept: { 'snapshot-id': 7n, type: 'tag' } } },
    { snapshots: [...line(300), staged], nowMs: 300_000, maxAgeMs: 1_000_000_000, maxSnapshots: 100 },
  )
  expect(gone).not.toContain(7)
  expect(gone).not.toContain(999)
  expect(gone.length).toBeGreaterThan(200)
})

test('the document’s word comes before the table’s properties, and those before the defaults', () => {
  const properties = { 'history.expire.max-snapshot-age-ms': '60000', 'history.expire.min-snapshots-to-keep': '7' }
  expect(expirySettings({ properties: {} })).toEqual({ maxAgeMs: 72 * 3_600_000, minSnapshots: 20, maxSnapshots: 150 })
  expect(expirySettings({ properties })).toEqual({ maxAgeMs: 60_000, minSnapshots: 7, maxSnapshots: 150 })
  expect(expirySettings({ properties }, { maxAgeHours: 1, minSnapshots: 3, maxSnapshots: 2 })).toEqual({
    maxAgeMs: 3_600_000,
    minSnapshots: 3,
    maxSnapshots: 3,
  })
  expect(expirySettings({ properties: { 'history.expire.max-snapshot-age-ms': 'soon' } }).maxAgeMs).toBe(72 * 3_600_000)
})
