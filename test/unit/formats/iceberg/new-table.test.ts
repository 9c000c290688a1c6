import { describe, expect, it } from 'vitest'
import { highestFieldId } from '../../../../src/formats/iceberg/field-ids.ts'
import { newTableMetadata, requestedFormatVersion } from '../../../../src/formats/iceberg/new-table.ts'
import type { NewTable } from '../../../../src/formats/iceberg/new-table.ts'
import { parseTableMetadata } from '../../../../src/formats/iceberg/parse-table-metadata.ts'
import type { Schema } from '../../../../src/formats/iceberg/schema.ts'
import { serializeTableMetadata } from '../../../../src/formats/iceberg/table-metadata.ts'

const schema: Schema = {
  type: 'struct',
  'schema-id': 4,
  'identifier-field-ids': [50],
  fields: [
    {
      id: 77,
      name: 'outer',
      required: false,
      type: {
        type: 'struct',
        fields: [
          { id: 100, name: 'a', required: false, type: { type: 'list', 'element-id': 9, 'element-required': true, element: 'int' } },
          { id: 3, name: 'b', required: false, type: 'int' },
        ],
      },
    },
    { id: 50, name: 'id', required: true, type: 'long', doc: 'kept' },
    {
      id: 60,
      name: 'm',
      required: false,
      type: {
        type: 'map',
        'key-id': 61,
        key: { type: 'struct', fields: [{ id: 62, name: 'k', required: true, type: 'int' }] },
        'value-id': 63,
        'value-required': false,
        value: { type: 'list', 'element-id': 64, 'element-required': false, element: 'string' },
      },
    },
  ],
}
const made = { uuid: 'u', location: 's3://lake/t', nowMs: 12, formatVersion: 2 as const }
const plain: NewTable = { schema, partitionSpec: { 'spec-id': 0, fields: [] }, sortOrder: { 'order-id': 0, fields: [] }, properties: {} }

describe('the metadata of a new table', () => {
  it('has ids as the reference implementation gives them: siblings first, then what is nested in each', () => {
    const [renumbered] = newTableMetadata(plain, made).schemas
    expect(renumbered).toMatchObject({
      'schema-id': 0,
      'identifier-field-ids': [2],
      fields: [
        { id: 1, type: { fields: [{ id: 4, type: { 'element-id': 6 } }, { id: 5 }] } },
        { id: 2, doc: 'kept' },
        { id: 3, type: { 'key-id': 7, 'value-id': 8, key: { fields: [{ id: 9 }] }, value: { 'element-id': 10 } } },
      ],
    })
    expect(highestFieldId(renumbered)).toBe(10)
  })

  it('counts nested fields in last-column-id, and starts where the specification says', () => {
    expect(newTableMetadata(plain, made)).toMatchObject({
      'last-column-id': 10,
      'last-partition-id': 999,
      'default-sort-order-id': 0,
      'sort-orders': [{ 'order-id': 0, fields: [] }],
      'last-sequence-number': 0n,
      'last-updated-ms': 12,
      'current-snapshot-id': null,
    })
  })

  it('lets partition fields and sort fields follow their columns to the new ids', () => {
    const metadata = newTableMetadata(
      {
        ...plain,
        partitionSpec: { 'spec-id': 3, fields: [{ 'source-id': 50, 'field-id': 1500, name: 'id_bucket', transform: 'bucket[4]' }] },
        sortOrder: { 'order-id': 9, fields: [{ 'source-id': 3, transform: 'identity', direction: 'asc', 'null-order': 'nulls-last' }] },
      },
      made,
    )
    expect(metadata).toMatchObject({
      'default-spec-id': 0,
      'partition-specs': [{ 'spec-id': 0, fields: [{ 'source-id': 2, 'field-id': 1000 }] }],
      'last-partition-id': 1000,
      'default-sort-order-id': 1,
      'sort-orders': [{ 'order-id': 1, fields: [{ 'source-id': 5 }] }],
    })
  })

  it('refuses specs, orders and identifiers of fields that there are not', () => {
    const field = { 'source-id': 8, 'field-id': 1000, name: 'x', transform: 'identity' }
    expect(() => newTableMetadata({ ...plain, partitionSpec: { 'spec-id': 0, fields: [field] } }, made)).toThrow(
      'partition field x names field 8, which the schema does not have',
    )
    expect(() => newTableMetadata({ ...plain, schema: { ...schema, 'identifier-field-ids': [8] } }, made)).toThrow(
      'identifier-field-ids names field 8',
    )
  })

  it('is a document that we read again, in v2 and v3', () => {
    for (const formatVersion of [2, 3] as const) {
      const metadata = newTableMetadata(plain, { ...made, formatVersion })
      expect(parseTableMetadata(serializeTableMetadata(metadata))).toEqual(metadata)
    }
  })

  it('takes the format version from the properties and stores no reserved one', () => {
    expect([
      requestedFormatVersion({}),
      requestedFormatVersion({ 'format-version': '2' }),
      requestedFormatVersion({ 'format-version': '3' }),
    ]).toEqual([2, 2, 3])
    expect(() => requestedFormatVersion({ 'format-version': '1' })).toThrow('property format-version: expected 2 or 3, found 1')
    const { properties } = newTableMetadata({ ...plain, properties: { 'format-version': '3', uuid: 'x', a: 'b' } }, made)
    expect(properties).toEqual({ a: 'b' })
  })
})
