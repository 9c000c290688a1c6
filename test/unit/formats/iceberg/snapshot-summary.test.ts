import { describe, expect, it } from 'vitest'
import type { DataFile } from '../../../../src/formats/iceberg/data-file.ts'
import { snapshotSummary } from '../../../../src/formats/iceberg/snapshot-summary.ts'
import type { Snapshot } from '../../../../src/formats/iceberg/table-metadata.ts'

const parent = (summary: Record<string, string>): Snapshot => ({ 'snapshot-id': 1n, 'timestamp-ms': 1, 'manifest-list': 'x', summary })

function file(recordCount: bigint, fileSizeInBytes: bigint, more: Partial<DataFile> = {}): DataFile {
  return { content: 0, filePath: 'f', fileFormat: 'PARQUET', partition: [], recordCount, fileSizeInBytes, ...more }
}

const added = [file(4n, 100n), file(6n, 200n)]

const append = (before: Snapshot | null, files: readonly DataFile[], extra: Record<string, string> = {}) =>
  snapshotSummary({ operation: 'append', parent: before, added: files, removed: [], extra })

describe('the summary of an append', () => {
  it('counts from zero where there is no parent', () => {
    expect(append(null, added, { 'kafscale.processor.name': 'p' })).toEqual({
      'kafscale.processor.name': 'p',
      operation: 'append',
      'added-data-files': '2',
      'added-records': '10',
      'added-files-size': '300',
      'changed-partition-count': '1',
      'total-records': '10',
      'total-files-size': '300',
      'total-data-files': '2',
      'total-delete-files': '0',
      'total-position-deletes': '0',
      'total-equality-deletes': '0',
    })
  })

  it('carries the parent’s totals on, exactly', () => {
    const totals = {
      'total-records': '9007199254740993',
      'total-files-size': '1',
      'total-data-files': '5',
      'total-delete-files': '3',
      'total-position-deletes': '7',
      'total-equality-deletes': '0',
    }
    expect(append(parent(totals), added)).toMatchObject({
      ...totals,
      'total-records': '9007199254741003',
      'total-files-size': '301',
      'total-data-files': '7',
    })
  })

  it('leaves out a total that the parent lacks or garbles', () => {
    const summary = append(parent({ 'total-records': 'many', 'total-data-files': '1' }), added)
    expect(Object.keys(summary).filter((key) => key.startsWith('total-'))).toEqual(['total-data-files'])
  })

  it('names no added files where there are none, and counts partitions by their values', () => {
    const empty = append(null, [])
    expect(empty).toMatchObject({ operation: 'append', 'changed-partition-count': '0', 'total-records': '0' })
    expect(empty).not.toHaveProperty('added-data-files')
    const partitions = [[null], ['null'], [1n], ['1'], [Uint8Array.of(1)], [Uint8Array.of(1)], [0], [-0]]
    expect(
      append(
        null,
        partitions.map((partition) => file(1n, 1n, { partition })),
      )['changed-partition-count'],
    ).toBe('6')
  })

  it('lets nobody overwrite a count', () => {
    expect(append(null, added, { 'total-records': '1', operation: 'delete' })).toMatchObject({
      'total-records': '10',
      operation: 'append',
    })
  })
})

describe('the summary of a replacement', () => {
  const removed = [
    file(20n, 500n),
    file(3n, 50n, { content: 1 }),
    file(2n, 900n, { content: 1, fileFormat: 'PUFFIN', contentOffset: 4n, contentSizeInBytes: 40n }),
    file(1n, 30n, { content: 2 }),
  ]
  const totals = {
    'total-records': '100',
    'total-files-size': '5000',
    'total-data-files': '9',
    'total-delete-files': '4',
    'total-position-deletes': '8',
    'total-equality-deletes': '1',
  }
  const replaced = (before: Record<string, string>) =>
    snapshotSummary({ operation: 'replace', parent: parent(before), added: [file(14n, 300n)], removed, extra: {} })

  it('counts data and delete files that go by their kind, a deletion vector by its own bytes', () => {
    expect(replaced(totals)).toEqual({
      operation: 'replace',
      'added-data-files': '1',
      'added-records': '14',
      'added-files-size': '300',
      'deleted-data-files': '1',
      'deleted-records': '20',
      'removed-files-size': '620',
      'removed-delete-files': '3',
      'removed-position-delete-files': '1',
      'removed-dvs': '1',
      'removed-equality-delete-files': '1',
      'removed-position-deletes': '5',
      'removed-equality-deletes': '1',
      'changed-partition-count': '1',
      'total-records': '94',
      'total-files-size': '4680',
      'total-data-files': '9',
      'total-delete-files': '1',
      'total-position-deletes': '3',
      'total-equality-deletes': '0',
    })
  })

  it('leaves out a total that would be below zero: the parent’s can not be right', () => {
    expect(replaced({ ...totals, 'total-delete-files': '2' })).not.toHaveProperty('total-delete-files')
  })
})
