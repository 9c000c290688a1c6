import { describe, expect, test } from 'vitest'
import type { TableMetadata } from '../../../../src/formats/iceberg/table-metadata.ts'
import { encodeProgress } from '../../../../src/pipeline/commit/progress-text.ts'
import { summaryKeys } from '../../../../src/pipeline/commit/summary-keys.ts'
import { findTableState } from '../../../../src/pipeline/commit/table-state.ts'
import { decided, foreign, ours, tableWith } from './tables.ts'

const find = (metadata: TableMetadata) => findTableState('db.orders', metadata, async () => null)

// PyIceberg's expiry leaves a snapshot whose parent it removed without a parent id.
describe('where an expiry cleared the parent id of what it left', () => {
  const left = foreign(3, null)
  const layout = { [summaryKeys.layout]: '{}' }
  const copy = { [summaryKeys.progress]: encodeProgress(decided([0, 5])) }

  test('the copy in the properties tells', async () => {
    expect(await find(tableWith([left], { properties: { ...layout, ...copy } }))).toMatchObject({
      snapshotId: 3n,
      progress: decided([0, 5]),
    })
  })

  test('a table of ours without a copy is stopped, and nothing is materialized twice', async () => {
    await expect(find(tableWith([left], { properties: layout }))).rejects.toThrow('recover --from-rows')
  })

  test('a table whose first snapshots another writer made on a branch was not cut off', async () => {
    const main = foreign(3, null)
    expect(await find(tableWith([foreign(1, null), foreign(2, 1), main], { properties: layout }))).toMatchObject({ snapshotId: 3n })
    // With one of them gone, nobody can tell.
    await expect(find(tableWith([foreign(1, null), main], { properties: layout }))).rejects.toThrow('recover --from-rows')
  })

  test('a table that we never wrote begins from nothing', async () => {
    expect(await find(tableWith([left]))).toMatchObject({ snapshotId: 3n, progress: new Map() })
  })

  test('a rollback to before a snapshot of ours is told from an expiry: the copy knows more than the rows', async () => {
    const rolledBack = tableWith([foreign(3, 2), ours(4, 3, decided([0, 9]))], {
      current: 3,
      properties: { ...layout, [summaryKeys.progress]: encodeProgress(decided([0, 9])) },
    })
    await expect(find(rolledBack)).rejects.toThrow('--accept-rollback')
  })

  test('an old snapshot of ours that a tag keeps is no rollback', async () => {
    const tagged = tableWith([ours(1, null, decided([0, 2])), foreign(5, 4)], { current: 5, properties: { ...layout, ...copy } })
    expect(await find(tagged)).toMatchObject({ progress: decided([0, 5]) })
  })

  test('a replaced table, beside whose history our snapshots still lie, is stopped', async () => {
    const replaced = tableWith([ours(1, null, decided([0, 2])), ours(2, 1, decided([0, 5])), left], { properties: { ...layout, ...copy } })
    await expect(find(replaced)).rejects.toThrow('--accept-rollback')
  })
})
