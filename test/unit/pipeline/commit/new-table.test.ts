import { describe, expect, test } from 'vitest'
import { newTable, wantedLayout } from '../../../../src/pipeline/commit/new-table.ts'
import { parseLayout } from '../../../../src/pipeline/commit/stored-layout.ts'
import { summaryKeys } from '../../../../src/pipeline/commit/summary-keys.ts'
import { mappingFor } from '../../../../src/spec/table-mapping.ts'
import { declaredValue } from '../../../../src/spec/value-column.ts'
import { load, type Plain, smallest } from '../../spec/documents.ts'

function made(settings: Plain = {}, properties: Record<string, string> = {}, forbiddenProperties: string[] = []) {
  const document = load(smallest((plain) => (plain.spec.mappings = [{ topic: 'orders', ...settings }])))
  const mapping = mappingFor(document, 'orders')
  const value = declaredValue(mapping.value) ?? ({ format: 'binary' } as const)
  return {
    layout: wantedLayout(mapping, value),
    request: newTable(mapping, { value, properties, formatVersion: 2, profile: { propertiesInCommit: true, forbiddenProperties } }),
  }
}

describe('the columns of a new table', () => {
  test('are the Kafka coordinates and the value', () => {
    expect(
      made().request.schema.fields.map(({ name, required, type }) => [name, required, typeof type === 'string' ? type : type.type]),
    ).toEqual([
      ['kafka_topic', true, 'string'],
      ['kafka_partition', true, 'int'],
      ['kafka_offset', true, 'long'],
      ['kafka_timestamp', false, 'timestamptz'],
      ['kafka_key', false, 'binary'],
      ['kafka_headers', false, 'list'],
      ['value', false, 'binary'],
    ])
  })

  test('have each its own id, at every level', () => {
    const ids = JSON.stringify(made().request.schema)
      .match(/"(element-)?id":\d+/g)!
      .map((text) => Number(text.replace(/\D/g, '')))
    expect(new Set(ids)).toEqual(new Set(Array.from({ length: 10 }, (_, i) => i + 1)))
    expect(ids).toHaveLength(10)
  })

  test('are named, left out and typed as the document says', () => {
    const settings = { kafkaColumns: { topic: 'source', key: 'k', headers: null }, key: { format: 'string' }, value: { format: 'string' } }
    expect(made(settings).request.schema.fields.map(({ name, type }) => [name, type])).toEqual([
      ['source', 'string'],
      ['kafka_partition', 'int'],
      ['kafka_offset', 'long'],
      ['kafka_timestamp', 'timestamptz'],
      ['k', 'string'],
      ['value', 'string'],
    ])
  })
})

describe('the columns of a new table for JSON values', () => {
  const columns = [
    { name: 'id', type: 'long', required: true },
    { name: 'place', type: "struct<zip 'Zip-Code': string, at: list<decimal(9,6)>>", path: '$.where.place' },
    { name: 'tags', type: 'map<date, timestamptz>', unit: 'ms' },
  ]

  test('are the Kafka coordinates, the columns of the value in their order, and the rescue column', () => {
    const { fields } = made({ kafkaColumns: { timestamp: null, key: null, headers: null }, value: { columns }, rescueColumn: 'rest' })
      .request.schema
    expect(fields.slice(3)).toEqual([
      { id: 4, name: 'id', required: true, type: 'long' },
      {
        id: 5,
        name: 'place',
        required: false,
        type: {
          type: 'struct',
          fields: [
            { id: 6, name: 'zip', required: false, type: 'string' },
            {
              id: 7,
              name: 'at',
              required: false,
              type: { type: 'list', 'element-id': 8, 'element-required': false, element: 'decimal(9, 6)' },
            },
          ],
        },
      },
      {
        id: 9,
        name: 'tags',
        required: false,
        type: { type: 'map', 'key-id': 10, key: 'date', 'value-id': 11, 'value-required': false, value: 'timestamptz' },
      },
      {
        id: 12,
        name: 'rest',
        required: false,
        type: 'string',
        doc: 'What the columns of the value can not hold: JSON object from path to JSON text',
      },
    ])
  })

  test('are stored with what the documents call them', () => {
    const { layout, request } = made({ value: { columns } })
    const text = request.properties[summaryKeys.layout]
    expect(JSON.parse(text)).toEqual({
      columns: {
        topic: 'kafka_topic',
        partition: 'kafka_partition',
        offset: 'kafka_offset',
        timestamp: 'kafka_timestamp',
        key: 'kafka_key',
        headers: 'kafka_headers',
        rescue: '_rescued',
      },
      keyFormat: 'binary',
      valueFormat: 'json',
      value: [
        { name: 'id', type: 'long', required: true },
        { name: 'place', type: "struct<zip 'Zip-Code': string, at: list<decimal(9,6)>>", path: "$['where']['place']" },
        { name: 'tags', type: 'map<date, timestamptz>', unit: 'ms' },
      ],
    })
    expect(parseLayout(text)).toEqual(layout)
  })
})

describe('the properties of a new table', () => {
  test('store what was chosen', () => {
    const { layout, request } = made({ value: { format: 'string' } })
    expect(JSON.parse(request.properties[summaryKeys.layout])).toEqual({
      columns: layout.columns,
      keyFormat: 'binary',
      valueFormat: 'string',
    })
    expect(layout.columns).toMatchObject({ offset: 'kafka_offset', value: 'value' })
  })

  test('bound its metadata, and the document’s win', () => {
    expect(made().request.properties).toMatchObject({
      'format-version': '2',
      'write.parquet.compression-codec': 'zstd',
      'write.metadata.delete-after-commit.enabled': 'true',
      'write.metadata.previous-versions-max': '20',
      'history.expire.max-snapshot-age-ms': '259200000',
      'history.expire.min-snapshots-to-keep': '20',
    })
    expect(made({}, { 'write.parquet.compression-codec': 'gzip', own: 'x' }).request.properties).toMatchObject({
      'write.parquet.compression-codec': 'gzip',
      own: 'x',
    })
  })

  test('lack what the catalog forbids', () => {
    expect(made({}, {}, ['write.metadata.previous-versions-max']).request.properties).not.toHaveProperty(
      'write.metadata.previous-versions-max',
    )
  })

  test('can not undo what was chosen', () => {
    expect(made({}, { [summaryKeys.layout]: 'x' }).request.properties[summaryKeys.layout]).toMatch(/^\{"columns"/)
  })
})
