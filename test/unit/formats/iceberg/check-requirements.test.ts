import { describe, expect, it } from 'vitest'
import { applyUpdates } from '../../../../src/formats/iceberg/apply-updates.ts'
import { checkRequirements } from '../../../../src/formats/iceberg/check-requirements.ts'
import { newTableMetadata } from '../../../../src/formats/iceberg/new-table.ts'
import type { TableRequirement } from '../../../../src/formats/iceberg/table-update.ts'

const empty = newTableMetadata(
  {
    schema: { type: 'struct', 'schema-id': 0, fields: [{ id: 1, name: 'a', required: false, type: 'long' }] },
    partitionSpec: { 'spec-id': 0, fields: [] },
    sortOrder: { 'order-id': 0, fields: [] },
    properties: {},
  },
  { uuid: 'U-1', location: 's3://lake/t', nowMs: 1, formatVersion: 2 },
)
const snapshot = { 'snapshot-id': 1n, 'sequence-number': 1n, 'timestamp-ms': 2, 'manifest-list': 'x', summary: { operation: 'append' } }
const table = applyUpdates(
  empty,
  [
    { action: 'add-snapshot', snapshot },
    { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': 1n },
  ],
  { nowMs: 2 },
)

describe('requirements', () => {
  it.each<[string, TableRequirement, string | null]>([
    ['creation of a table that is there', { type: 'assert-create' }, 'the table exists already'],
    ['the uuid, whatever its case', { type: 'assert-table-uuid', uuid: 'u-1' }, null],
    ['another uuid', { type: 'assert-table-uuid', uuid: 'u-2' }, 'the table’s uuid is u-1, and the commit asserts u-2'],
    ['the snapshot of main', { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': 1n }, null],
    [
      'main where none was expected',
      { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': null },
      'the snapshot of main is 1, and the commit asserts none',
    ],
    ['a branch that is not there', { type: 'assert-ref-snapshot-id', ref: 'audit', 'snapshot-id': null }, null],
    [
      'a branch that is gone',
      { type: 'assert-ref-snapshot-id', ref: 'audit', 'snapshot-id': 1n },
      'the snapshot of audit is none, and the commit asserts 1',
    ],
    ['the last field id', { type: 'assert-last-assigned-field-id', 'last-assigned-field-id': 1 }, null],
    [
      'another schema',
      { type: 'assert-current-schema-id', 'current-schema-id': 2 },
      'the current schema’s id is 0, and the commit asserts 2',
    ],
    ['the last partition id', { type: 'assert-last-assigned-partition-id', 'last-assigned-partition-id': 999 }, null],
    [
      'another partition spec',
      { type: 'assert-default-spec-id', 'default-spec-id': 1 },
      'the default partition spec’s id is 0, and the commit asserts 1',
    ],
    ['the sort order', { type: 'assert-default-sort-order-id', 'default-sort-order-id': 0 }, null],
  ])('are checked: %s', (_what, requirement, reason) => {
    expect(checkRequirements(table, [{ type: 'assert-default-spec-id', 'default-spec-id': 0 }, requirement])).toBe(reason)
  })

  it('of a table that does not exist hold only where it is to be created', () => {
    expect(checkRequirements(null, [{ type: 'assert-create' }])).toBeNull()
    expect(() => checkRequirements(table, [{ type: 'assert-weather' } as never])).toThrow(
      'a requirement of type assert-weather can not be checked',
    )
    expect(checkRequirements(null, [{ type: 'assert-table-uuid', uuid: 'x' }])).toBe('the table does not exist')
  })
})
