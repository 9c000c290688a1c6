import { expect, test } from 'vitest'
import type { ManifestFile } from '../../../../src/formats/iceberg/data-file.ts'
import { assignRowIds } from '../../../../src/formats/iceberg/row-ids.ts'

function manifest(more: Partial<ManifestFile>): ManifestFile {
  return {
    manifestPath: 'm',
    manifestLength: 1n,
    partitionSpecId: 0,
    content: 0,
    sequenceNumber: 1n,
    minSequenceNumber: 1n,
    addedSnapshotId: 1n,
    addedFilesCount: 1,
    existingFilesCount: 1,
    deletedFilesCount: 1,
    addedRowsCount: 10n,
    existingRowsCount: 5n,
    deletedRowsCount: 100n,
    ...more,
  }
}

test('data manifests without a first row id get one each, with room for what they add and keep', () => {
  const manifests = [manifest({}), manifest({ content: 1 }), manifest({ firstRowId: 3n }), manifest({ existingRowsCount: 0n })]
  const assigned = assignRowIds({ 'format-version': 3, 'next-row-id': 1000n }, manifests)
  expect(assigned.manifests.map(({ firstRowId }) => firstRowId)).toEqual([1000n, undefined, 3n, 1015n])
  expect(assigned.rowLineage).toEqual({ 'first-row-id': 1000n, 'added-rows': 25n })
})

test('version 2 knows no row ids', () => {
  const manifests = [manifest({})]
  expect(assignRowIds({ 'format-version': 2 }, manifests)).toEqual({ manifests, rowLineage: {} })
})
