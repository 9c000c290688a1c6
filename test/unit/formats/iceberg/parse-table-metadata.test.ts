import { describe, expect, it } from 'vitest'
import { parseTableMetadata } from '../../../../src/formats/iceberg/parse-table-metadata.ts'
import { currentSnapshot, refSnapshotId, serializeTableMetadata, snapshotById } from '../../../../src/formats/iceberg/table-metadata.ts'

const document = `{"format-version":2,"table-uuid":"6f9b0a1e-0000-4000-8000-000000000000","location":"s3://lake/t","last-sequence-number":3,\
"last-updated-ms":1700000000002,"last-column-id":1,"current-schema-id":0,"schemas":[{"type":"struct","schema-id":0,"fields":[{"id":1,"name":"a","required":true,"type":"long"}],"x-schema":true}],\
"default-spec-id":0,"partition-specs":[{"spec-id":0,"fields":[]}],"last-partition-id":999,"default-sort-order-id":0,"sort-orders":[{"order-id":0,"fields":[]}],\
"properties":{"a":"b"},"current-snapshot-id":9223372036854775807,\
"refs":{"main":{"snapshot-id":9223372036854775807,"type":"branch"},"keep":{"snapshot-id":5,"type":"tag","max-ref-age-ms":9223372036854775807}},\
"snapshots":[{"snapshot-id":5,"timestamp-ms":1700000000001,"manifest-list":"s3://lake/t/1.avro","summary":{"operation":"append"},"sequence-number":2},\
{"snapshot-id":9223372036854775807,"parent-snapshot-id":5,"sequence-number":3,"timestamp-ms":1700000000002,"manifest-list":"s3://lake/t/2.avro","summary":{"operation":"append"},"key-id":"k"}],\
"snapshot-log":[{"snapshot-id":5,"timestamp-ms":1700000000001},{"snapshot-id":9223372036854775807,"timestamp-ms":1700000000002}],\
"metadata-log":[],"statistics":[{"snapshot-id":9007199254740993,"statistics-path":"s3://lake/t/s.puffin","blob-metadata":[]}],"x-future":[1,{"n":12345678901234567890}]}`

const edited = (edit: (value: Record<string, never>) => void): string => {
  const value = structuredClone(parseTableMetadata(document)) as unknown as Record<string, never>
  edit(value)
  return serializeTableMetadata(value as never)
}

describe('table metadata', () => {
  it('comes back as the same text, whatever else it holds', () => {
    expect(serializeTableMetadata(parseTableMetadata(document))).toBe(document)
  })

  it('has bigint where the specification has 64 bits, small values too', () => {
    const metadata = parseTableMetadata(document)
    expect(metadata['last-sequence-number']).toBe(3n)
    expect(snapshotById(metadata, 5n)).toMatchObject({ 'snapshot-id': 5n, 'sequence-number': 2n, 'timestamp-ms': 1_700_000_000_001 })
    expect(currentSnapshot(metadata)).toMatchObject({ 'snapshot-id': 2n ** 63n - 1n, 'parent-snapshot-id': 5n })
    expect(currentSnapshot(metadata, 'keep')?.['snapshot-id']).toBe(5n)
    expect(currentSnapshot(metadata, 'nobody')).toBeNull()
    expect(metadata['snapshot-log']?.[0]?.['snapshot-id']).toBe(5n)
  })

  it.each([undefined, null, -1n])('takes a current snapshot of %s for none', (none) => {
    const metadata = parseTableMetadata(
      edited((value) => {
        Object.assign(value, { 'current-snapshot-id': none, refs: {} })
      }),
    )
    expect(refSnapshotId(metadata)).toBeNull()
    expect(currentSnapshot(metadata)).toBeNull()
  })

  it('takes the current snapshot for main where a document has no references', () => {
    const metadata = parseTableMetadata(edited((value) => delete value['refs']))
    expect(refSnapshotId(metadata)).toBe(2n ** 63n - 1n)
  })

  it.each<[string, (value: Record<string, never>) => void, RegExp]>([
    [
      'v1',
      (value) => Object.assign(value, { 'format-version': 1 }),
      /^m\.json: format version 1 is not supported, only 2 and 3 are: set the table property format-version to 2/,
    ],
    ['v4', (value) => Object.assign(value, { 'format-version': 4 }), /^m\.json: format version 4 is not supported, only 2 and 3 are$/],
    ['no uuid', (value) => delete value['table-uuid'], /^m\.json: table-uuid: expected a string, found nothing$/],
    [
      'a fraction',
      (value) => Object.assign(value, { 'last-sequence-number': 1.5 }),
      /last-sequence-number: expected a 64-bit integer, found a number/,
    ],
    [
      'more than 64 bits',
      (value) => Object.assign(value, { 'current-snapshot-id': 2n ** 63n }),
      /current-snapshot-id: expected a 64-bit integer, found an integer out of range/,
    ],
    ['a wrong list', (value) => Object.assign(value, { snapshots: {} }), /snapshots: expected a list, found an object/],
    [
      'a wrong item',
      (value) => Object.assign(value, { snapshots: [{ 'snapshot-id': 'x' }] }),
      /snapshots\[0\]\.snapshot-id: expected a 64-bit integer, found a string/,
    ],
    [
      'manifests inline',
      (value) => Object.assign(value, { snapshots: [{ 'snapshot-id': 1, 'timestamp-ms': 1, manifests: [] }] }),
      /snapshots\[0\]: it lists its manifests inline/,
    ],
    [
      'a property that is no string',
      (value) => Object.assign(value, { properties: { a: 1 } }),
      /properties\.a: expected a string, found a number/,
    ],
    ['no current schema', (value) => Object.assign(value, { 'current-schema-id': 9 }), /there is no schema 9, which is the current one/],
    [
      'no default spec',
      (value) => Object.assign(value, { 'default-spec-id': 9 }),
      /there is no partition spec 9, which is the default one/,
    ],
    [
      'a missing current snapshot',
      (value) => Object.assign(value, { snapshots: [] }),
      /its current snapshot, 9223372036854775807, is not in it/,
    ],
    [
      'two opinions about main',
      (value) => Object.assign(value, { 'current-snapshot-id': 5 }),
      /branch main names snapshot 9223372036854775807, and current-snapshot-id is 5/,
    ],
    ['no row id in v3', (value) => Object.assign(value, { 'format-version': 3 }), /next-row-id: expected a 64-bit integer, found nothing/],
  ])('refuses a document with %s, naming the place', (_what, edit, message) => {
    expect(() => parseTableMetadata(edited(edit), 'm.json')).toThrow(message)
  })

  it('reads v3, and snapshots from before an upgrade that have no summary', () => {
    const text = edited((value) => {
      Object.assign(value, { 'format-version': 3, 'next-row-id': 7 })
      delete (value['snapshots'] as { summary?: unknown }[])[0].summary
    })
    const metadata = parseTableMetadata(text)
    expect(metadata['next-row-id']).toBe(7n)
    expect(snapshotById(metadata, 5n)?.summary).toEqual({})
  })
})
