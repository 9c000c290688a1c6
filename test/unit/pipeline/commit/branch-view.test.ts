import { expect, test } from 'vitest'
import type { Snapshot, TableMetadata } from '../../../../src/formats/iceberg/table-metadata.ts'
import { summaryKeys } from '../../../../src/pipeline/commit/summary-keys.ts'
import { requestOf, viewOf } from '../../../../src/pipeline/commit/branch-view.ts'
import { chooseExpired } from '../../../../src/pipeline/maintain/choose-expired.ts'

const snapshot = (id: bigint): Snapshot => ({
  'snapshot-id': id,
  'sequence-number': id,
  'timestamp-ms': Number(id),
  'manifest-list': `list-${id}`,
  summary: { operation: 'append' },
})

test('main never ends where the upkeep of another branch looks, whatever age its reference says', () => {
  const metadata = {
    'current-snapshot-id': 1n,
    snapshots: [snapshot(1n), snapshot(2n)],
    refs: { main: { 'snapshot-id': 1n, type: 'branch', 'max-ref-age-ms': 1 }, ours: { 'snapshot-id': 2n, type: 'branch' } },
  } as unknown as TableMetadata
  const seen = viewOf(metadata, { name: 'ours', begins: 'as main' })
  expect(seen.refs).toEqual({ main: { 'snapshot-id': 2n, type: 'branch' }, ours: { 'snapshot-id': 1n, type: 'branch' } })
  const settings = { maxAgeMs: 1, minSnapshots: 1, maxSnapshots: 10 }
  expect(chooseExpired(seen, settings, null, 1_000_000)).toEqual({ snapshots: [], refs: [] })
})

test("a branch neither sees nor writes the copies of what main's snapshots say, nor their version", () => {
  const { version, progress, requests, accepted, leftOut } = summaryKeys
  const copies = Object.fromEntries([version, progress, requests, accepted, leftOut].map((key) => [key, '{}']))
  const branch = { name: 'ours', begins: 'empty' } as const
  const metadata = { snapshots: [], refs: {}, properties: { ...copies, owner: 'us' } } as unknown as TableMetadata
  expect(viewOf(metadata, branch).properties).toEqual({ owner: 'us' })
  const commit = { requirements: [], updates: [{ action: 'set-properties', updates: copies } as const], idempotencyKey: 'key' }
  expect(requestOf(commit, branch, true).updates).toEqual([])
})
