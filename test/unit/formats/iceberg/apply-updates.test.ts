import { describe, expect, it } from 'vitest'
import { applyUpdates } from '../../../../src/formats/iceberg/apply-updates.ts'
import { newTableMetadata } from '../../../../src/formats/iceberg/new-table.ts'
import type { Schema } from '../../../../src/formats/iceberg/schema.ts'
import type { Snapshot, TableMetadata } from '../../../../src/formats/iceberg/table-metadata.ts'
import type { TableUpdate } from '../../../../src/formats/iceberg/table-update.ts'

const schema: Schema = { type: 'struct', 'schema-id': 0, fields: [{ id: 1, name: 'a', required: false, type: 'long' }] }
const nowMs = 1_700_000_000_000

function table(formatVersion: 2 | 3 = 2): TableMetadata {
  const request = { schema, partitionSpec: { 'spec-id': 0, fields: [] }, sortOrder: { 'order-id': 0, fields: [] }, properties: { a: '1' } }
  return newTableMetadata(request, { uuid: 'U-1', location: 's3://lake/t', nowMs, formatVersion })
}
function snapshot(id: bigint, fields: Partial<Snapshot> = {}): Snapshot {
  const summary = { operation: 'append' }
  const parent = id > 1n ? { 'parent-snapshot-id': id - 1n } : {}
  return {
    'snapshot-id': id,
    ...parent,
    'sequence-number': id,
    'timestamp-ms': nowMs + Number(id),
    'manifest-list': 'x',
    summary,
    ...fields,
  }
}
const add = (id: bigint, fields?: Partial<Snapshot>): TableUpdate => ({ action: 'add-snapshot', snapshot: snapshot(id, fields) })
const setMain = (id: bigint): TableUpdate => ({ action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': id })
const apply = (base: TableMetadata, ...updates: TableUpdate[]): TableMetadata => applyUpdates(base, updates, { nowMs: nowMs + 1000 })
const logOf = (metadata: TableMetadata): unknown =>
  metadata['snapshot-log']?.map((entry) => [entry['snapshot-id'], entry['timestamp-ms'] - nowMs])

describe('snapshots', () => {
  it('become current with main, and set the table’s time and sequence number', () => {
    const after = apply(table(), add(1n), setMain(1n))
    expect(after).toMatchObject({
      'current-snapshot-id': 1n,
      'last-sequence-number': 1n,
      'last-updated-ms': nowMs + 1,
      refs: { main: { 'snapshot-id': 1n, type: 'branch' } },
    })
    expect(logOf(after)).toEqual([[1n, 1]])
  })

  it('leave main alone on another branch', () => {
    const after = apply(table(), add(1n), { action: 'set-snapshot-ref', 'ref-name': 'audit', type: 'branch', 'snapshot-id': 1n })
    expect(after).toMatchObject({ 'current-snapshot-id': null, refs: { audit: { 'snapshot-id': 1n } } })
    expect(logOf(after)).toEqual([])
  })

  it('that were current only inside one commit are not in the log', () => {
    expect(logOf(apply(table(), add(1n), setMain(1n), add(2n), setMain(2n)))).toEqual([[2n, 2]])
  })

  it('can become current again, which happens now', () => {
    const two = apply(apply(table(), add(1n), setMain(1n)), add(2n), setMain(2n))
    const back = apply(two, setMain(1n))
    expect(back).toMatchObject({ 'current-snapshot-id': 1n, 'last-updated-ms': nowMs + 1000, 'last-sequence-number': 2n })
    expect(logOf(back)).toEqual([
      [1n, 1],
      [2n, 2],
      [1n, 1000],
    ])
  })

  it('take references, statistics and older history with them when they are removed', () => {
    const tagged: TableUpdate = { action: 'set-snapshot-ref', 'ref-name': 'old', type: 'tag', 'snapshot-id': 2n }
    const three = [1n, 2n, 3n].reduce((base, id) => apply(base, add(id), setMain(id)), {
      ...table(),
      statistics: [{ 'snapshot-id': 2 }, { 'snapshot-id': 3 }],
    } as TableMetadata)
    const after = apply(apply(three, tagged), { action: 'remove-snapshots', 'snapshot-ids': [2n, 99n] })
    expect(after.snapshots?.map((kept) => kept['snapshot-id'])).toEqual([1n, 3n])
    expect(Object.keys(after.refs ?? {})).toEqual(['main'])
    expect(after['statistics']).toEqual([{ 'snapshot-id': 3 }])
    expect(logOf(after)).toEqual([[3n, 3]])
  })

  it('leave an empty table when main is removed', () => {
    const after = apply(apply(table(), add(1n), setMain(1n)), { action: 'remove-snapshot-ref', 'ref-name': 'main' })
    expect(after).toMatchObject({ 'current-snapshot-id': null, refs: {} })
    expect(after.snapshots).toHaveLength(1)
  })

  it('take their row ids from a v3 table', () => {
    const one = apply(table(3), add(1n, { 'first-row-id': 0n, 'added-rows': 10n }), setMain(1n))
    expect(one['next-row-id']).toBe(10n)
    expect(apply(one, add(2n, { 'first-row-id': 10n, 'added-rows': 5n }))['next-row-id']).toBe(15n)
    expect(() => apply(one, add(2n, { 'first-row-id': 9n, 'added-rows': 5n }))).toThrow(
      'snapshot 2 has first-row-id 9, which is behind the table’s next-row-id, 10',
    )
    expect(() => apply(one, add(2n))).toThrow('snapshot 2 of a v3 table needs first-row-id and added-rows')
  })

  it.each<[string, TableUpdate[], string]>([
    ['an id that exists', [add(1n, { 'sequence-number': 2n })], 'snapshot 1 exists already'],
    [
      'an old sequence number',
      [add(2n, { 'sequence-number': 1n })],
      'snapshot 2 has sequence number 1, which is older than the last one, 1',
    ],
    ['no sequence number', [add(2n, { 'sequence-number': undefined })], 'snapshot 2 has no sequence-number'],
    ['a time long before the table’s', [add(2n, { 'timestamp-ms': nowMs - 60_000 })], 'more than a minute before the table’s last change'],
    ['a reference to nothing', [setMain(7n)], 'main is to name snapshot 7, which the table does not have'],
    ['a tag named main', [{ action: 'set-snapshot-ref', 'ref-name': 'main', type: 'tag', 'snapshot-id': 1n }], 'main is a branch'],
  ])('are refused for %s', (_what, updates, message) => {
    const base = apply(table(), add(1n), setMain(1n))
    expect(() => apply(base, ...updates)).toThrow(message)
  })
})

describe('definitions', () => {
  const wider: Schema = {
    ...schema,
    fields: [
      ...schema.fields,
      { id: 4, name: 'b', required: false, type: { type: 'list', 'element-id': 5, 'element-required': false, element: 'int' } },
    ],
  }
  const byDay = { 'source-id': 1, 'field-id': 1000, name: 'a_bucket', transform: 'bucket[8]' }

  it('get the next id, and −1 means the one just added', () => {
    const after = apply(
      table(),
      { action: 'add-schema', schema: wider },
      { action: 'set-current-schema', 'schema-id': -1 },
      { action: 'add-spec', spec: { 'spec-id': 0, fields: [byDay] } },
      { action: 'set-default-spec', 'spec-id': -1 },
      {
        action: 'add-sort-order',
        'sort-order': { 'order-id': 9, fields: [{ 'source-id': 1, transform: 'identity', direction: 'asc', 'null-order': 'nulls-first' }] },
      },
      { action: 'set-default-sort-order', 'sort-order-id': -1 },
    )
    expect(after).toMatchObject({
      'current-schema-id': 1,
      'last-column-id': 5,
      'default-spec-id': 1,
      'last-partition-id': 1000,
      'default-sort-order-id': 1,
      'last-updated-ms': nowMs + 1000,
    })
    expect(after.schemas.map((each) => each['schema-id'])).toEqual([0, 1])
    expect(after['sort-orders'].map((each) => each['order-id'])).toEqual([0, 1])
  })

  it('that the table has already are used again', () => {
    const before = table()
    const same = { ...schema, 'schema-id': 44, 'identifier-field-ids': [] }
    expect(apply(before, { action: 'add-schema', schema: same }, { action: 'set-current-schema', 'schema-id': -1 })).toBe(before)
    const unsorted: TableUpdate[] = [
      { action: 'add-sort-order', 'sort-order': { 'order-id': 5, fields: [] } },
      { action: 'set-default-sort-order', 'sort-order-id': -1 },
    ]
    expect(apply(before, ...unsorted)).toBe(before)
  })

  it.each<[TableUpdate, string]>([
    [{ action: 'set-current-schema', 'schema-id': 3 }, 'there is no schema 3'],
    [{ action: 'set-current-schema', 'schema-id': -1 }, 'the schema last added is to become the current one, and none was added'],
    [{ action: 'set-default-spec', 'spec-id': 3 }, 'there is no partition spec 3'],
    [{ action: 'set-default-sort-order', 'sort-order-id': 3 }, 'there is no sort order 3'],
    [{ action: 'upgrade-format-version', 'format-version': 1 }, 'a table of format version 2 can not go back to 1'],
    [{ action: 'upgrade-format-version', 'format-version': 4 }, 'format version 4 is not supported'],
  ])('that there are not are refused: %j', (update, message) => {
    expect(() => apply(table(), update)).toThrow(message)
  })

  it('start row lineage when a table becomes v3', () => {
    expect(apply(table(), { action: 'upgrade-format-version', 'format-version': 3 })).toMatchObject({
      'format-version': 3,
      'next-row-id': 0n,
    })
  })

  it('of properties, location and uuid change those alone', () => {
    const after = apply(
      table(),
      { action: 'set-properties', updates: { b: '2' } },
      { action: 'remove-properties', removals: ['a', 'zz'] },
      { action: 'set-location', location: 's3://lake/moved' },
      { action: 'assign-uuid', uuid: 'U-2' },
    )
    expect(after).toEqual({
      ...table(),
      properties: { b: '2' },
      location: 's3://lake/moved',
      'table-uuid': 'U-2',
      'last-updated-ms': nowMs + 1000,
    })
  })
})

describe('applying updates', () => {
  it('gives the same document where nothing changes, and never alters it', () => {
    const before = Object.freeze(table())
    const none: TableUpdate[] = [
      { action: 'set-properties', updates: { a: '1' } },
      { action: 'remove-properties', removals: ['b'] },
      { action: 'remove-snapshots', 'snapshot-ids': [1n] },
      { action: 'upgrade-format-version', 'format-version': 2 },
    ]
    expect(apply(before, ...none)).toBe(before)
  })

  it('does not set the table’s time back where the clock does', () => {
    const later = { ...table(), 'last-updated-ms': nowMs + 5000 }
    expect(apply(later, { action: 'set-properties', updates: { b: '1' } })['last-updated-ms']).toBe(nowMs + 5000)
  })

  it('gives a document from before references its main branch', () => {
    const { refs: _refs, ...old } = apply(table(), add(1n), setMain(1n))
    const after = apply(old, add(2n), {
      action: 'set-snapshot-ref',
      'ref-name': 'audit',
      type: 'branch',
      'snapshot-id': 2n,
    })
    expect(after.refs).toMatchObject({ main: { 'snapshot-id': 1n, type: 'branch' }, audit: { 'snapshot-id': 2n } })
  })
})
