import { expect, test } from 'vitest'
import { faultKinds } from './faults.ts'
import { type SimulationReport, simulate } from './simulate.ts'

/** What a few dozen seeds surely meet; the rarest kinds are left to the long run. */
const rare = new Set([
  'restart-suspected',
  'old-snapshots-expired',
  'foreign-expire-ours',
  'namespace-error',
  'foreign-rollback',
  'create-lost-before',
  'create-lost-after',
  'foreign-column',
  'backfills-overlap',
  'backfill-paused',
  'backfill-active',
  'backfill-cancelled',
])

test('one seed replays one run, event by event', async () => {
  const first = await simulate(5)
  expect(await simulate(5)).toEqual(first)
  expect((await simulate(6)).digest).not.toBe(first.digest)
}, 30_000)

test('no fault between source and table adds a row, loses one or takes the wrong one', async () => {
  const reports: SimulationReport[] = []
  for (let seed = 1001; seed <= 1040; seed++) {
    const report = await simulate(seed)
    expect(report.broken, `seed ${seed}`).toBeNull()
    reports.push(report)
  }
  const happened = new Set(reports.flatMap(({ faults }) => [...faults.keys()]))
  expect(faultKinds.filter((kind) => !happened.has(kind) && !rare.has(kind))).toEqual([])
  expect(reports.reduce((sum, { conflicts }) => sum + conflicts, 0)).toBeGreaterThan(0)
}, 300_000)
