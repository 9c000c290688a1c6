import { describe, expect, test } from 'vitest'
import { applyUpdates } from '../../../../src/formats/iceberg/apply-updates.ts'
import { checkRequirements } from '../../../../src/formats/iceberg/check-requirements.ts'
import { defaultSpec, type TableMetadata } from '../../../../src/formats/iceberg/table-metadata.ts'
import { layoutChange } from '../../../../src/pipeline/commit/layout-change.ts'
import { parsePartitionTerm, parseSortTerm } from '../../../../src/spec/terms.ts'
import { tableWith } from './tables.ts'

const fields = [
  { id: 1, name: 'at', required: false, type: 'timestamptz' },
  { id: 2, name: 'id', required: false, type: 'long' },
] as const
const plain = tableWith([], { schemas: [{ type: 'struct', 'schema-id': 0, fields }] })

const wanted = (partitionBy: readonly string[], sortBy: readonly string[] = []) => ({
  partitionBy: partitionBy.map(parsePartitionTerm),
  sortBy: sortBy.map(parseSortTerm),
})

/** The table as it is when a document has been followed that says so. */
function followed(metadata: TableMetadata, partitionBy: readonly string[], sortBy: readonly string[] = []): TableMetadata {
  const change = layoutChange(metadata, wanted(partitionBy, sortBy))
  if (change === null) return metadata
  expect(checkRequirements(metadata, change.requirements)).toBeNull()
  return applyUpdates(metadata, change.updates, { nowMs: metadata['last-updated-ms'] })
}

describe('partitions that a document names', () => {
  test('become a new spec, with ids that no field had before, called as Java calls fields that are added', () => {
    const table = followed(plain, ['day(at)', 'bucket(4, id)'])
    expect(defaultSpec(table)).toEqual({
      'spec-id': 1,
      fields: [
        { 'source-id': 1, 'field-id': 1000, name: 'at_day', transform: 'day' },
        { 'source-id': 2, 'field-id': 1001, name: 'id_bucket_4', transform: 'bucket[4]' },
      ],
    })
    expect(table['partition-specs']).toHaveLength(2)
    expect(table['last-partition-id']).toBe(1001)
  })

  test('that the table has already, in whatever order and under whatever names, change nothing', () => {
    const table = followed(plain, ['day(at)', 'bucket(4, id)'])
    expect(layoutChange(table, wanted(['bucket(4, id)', 'day(at)']))).toBeNull()
  })

  test('that an earlier spec had keep their ids and names, and the spec is that one', () => {
    const days = followed(plain, ['day(at)'])
    const hours = followed(days, ['hour(at)'])
    const again = followed(hours, ['day(at)'])
    expect(defaultSpec(hours).fields[0]).toMatchObject({ 'field-id': 1001, name: 'at_hour' })
    expect([again['default-spec-id'], again['partition-specs'].length]).toEqual([days['default-spec-id'], 3])
  })

  test('and an order that the table had before are taken by their ids: catalogs that find them there know of no last one', () => {
    const before = followed(plain, ['day(at)', 'bucket(4, id)'], ['id'])
    const since = followed(before, ['hour(at)'], ['id desc'])
    expect(layoutChange(since, wanted(['bucket(4, id)', 'day(at)'], ['id']))!.updates).toEqual([
      { action: 'set-default-spec', 'spec-id': before['default-spec-id'] },
      { action: 'set-default-sort-order', 'sort-order-id': before['default-sort-order-id'] },
    ])
  })

  test('are refused where the table lacks the column, by their place', () => {
    expect(() => layoutChange(plain, wanted(['day(at)', 'idd']))).toThrow(
      'partitionBy[1]: expected a column of the table, found "idd"; did you mean id?',
    )
  })
})

test('what the document does not name stays as the table has it', () => {
  const table = followed(plain, ['day(at)'], ['id desc'])
  expect(layoutChange(table, wanted([]))).toBeNull()
})

describe('an order that a document names', () => {
  test('becomes a new one of its own id, beside the partitions', () => {
    const table = followed(plain, [], ['id desc nulls first', 'bucket(2, id)'])
    expect(table['default-sort-order-id']).toBe(1)
    expect(table['sort-orders'].at(-1)).toEqual({
      'order-id': 1,
      fields: [
        { 'source-id': 2, transform: 'identity', direction: 'desc', 'null-order': 'nulls-first' },
        { 'source-id': 2, transform: 'bucket[2]', direction: 'asc', 'null-order': 'nulls-first' },
      ],
    })
    expect(table['default-spec-id']).toBe(plain['default-spec-id'])
    expect(layoutChange(table, wanted([], ['id desc nulls first', 'bucket(2, id)']))).toBeNull()
    expect(followed(table, [], ['id'])['default-sort-order-id']).toBe(2)
  })
})
