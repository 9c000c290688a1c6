import { describe, expect, test } from 'vitest'
import { newTable, wantedLayout } from '../../../../src/pipeline/commit/new-table.ts'
import { summaryKeys } from '../../../../src/pipeline/commit/summary-keys.ts'
import { mappingFor } from '../../../../src/spec/table-mapping.ts'
import { load, type Plain, smallest } from '../../spec/documents.ts'

function made(settings: Plain = {}, properties: Record<string, string> = {}, forbiddenProperties: string[] = []) {
  const document = load(smallest((plain) => (plain.spec.mappings = [{ topic: 'orders', ...settings }])))
  const mapping = mappingFor(document, 'orders')
  return {
    layout: wantedLayout(mapping),
    request: newTable(mapping, { properties, formatVersion: 2, profile: { propertiesInCommit: true, forbiddenProperties } }),
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

describe('the properties of a new table', () => {
  test('store what was chosen', () => {
    const { layout, request } = made({ value: { format: 'string' } })
    expect(JSON.parse(request.properties[summaryKeys.layout])).toEqual(layout)
    expect(layout).toMatchObject({ keyFormat: 'binary', valueFormat: 'string', columns: { offset: 'kafka_offset', value: 'value' } })
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
