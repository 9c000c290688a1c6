import { describe, expect, it } from 'vitest'
import { appendSummary } from '../../../../src/formats/iceberg/snapshot-summary.ts'
import type { Snapshot } from '../../../../src/formats/iceberg/table-metadata.ts'

const parent = (summary: Record<string, string>): Snapshot => ({ 'snapshot-id': 1n, 'timestamp-ms': 1, 'manifest-list': 'x', summary })
const added = { files: 2, records: 10n, bytes: 300n }

describe('the summary of an append', () => {
  it('counts from zero where there is no parent', () => {
    expect(appendSummary({ parent: null, added, extra: { 'kafscale.processor.name': 'p' } })).toEqual({
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
    expect(appendSummary({ parent: parent(totals), added, extra: {} })).toMatchObject({
      ...totals,
      'total-records': '9007199254741003',
      'total-files-size': '301',
      'total-data-files': '7',
    })
  })

  it('leaves out a total that the parent lacks or garbles', () => {
    const summary = appendSummary({ parent: parent({ 'total-records': 'many', 'total-data-files': '1' }), added, extra: {} })
    expect(Object.keys(summary).filter((key) => key.startsWith('total-'))).toEqual(['total-data-files'])
  })

  it('names no added files where there are none, and the partitions that it was told', () => {
    const empty = appendSummary({ parent: null, added: { files: 0, records: 0n, bytes: 0n }, extra: {} })
    expect(empty).toMatchObject({ operation: 'append', 'changed-partition-count': '0', 'total-records': '0' })
    expect(empty).not.toHaveProperty('added-data-files')
    expect(appendSummary({ parent: null, added: { ...added, partitions: 9 }, extra: {} })['changed-partition-count']).toBe('9')
  })

  it('lets nobody overwrite a count', () => {
    expect(appendSummary({ parent: null, added, extra: { 'total-records': '1', operation: 'delete' } })).toMatchObject({
      'total-records': '10',
      operation: 'append',
    })
  })
})
