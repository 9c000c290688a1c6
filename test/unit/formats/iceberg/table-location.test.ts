import { describe, expect, it } from 'vitest'
import { deletesDroppedMetadata, logPrevious } from '../../../../src/formats/iceberg/metadata-log.ts'
import {
  dataDirectory,
  isGzipMetadata,
  metadataDirectory,
  metadataFileLocation,
  metadataVersion,
} from '../../../../src/formats/iceberg/table-location.ts'
import type { TableMetadata } from '../../../../src/formats/iceberg/table-metadata.ts'

const uuid = '02dd3d5b-53c9-446e-8a0a-3eff5a0edf16'

describe('where a table’s files go', () => {
  it('is under its location', () => {
    const table = { location: 's3://lake/db/t/' }
    expect(dataDirectory(table)).toBe('s3://lake/db/t/data')
    expect(metadataDirectory(table)).toBe('s3://lake/db/t/metadata')
    expect(metadataFileLocation(table, 12, uuid)).toBe(`s3://lake/db/t/metadata/00012-${uuid}.metadata.json`)
  })

  it('is where the properties say', () => {
    const properties = {
      'write.data.path': 's3://data/d/',
      'write.metadata.path': 's3://meta/m',
      'write.metadata.compression-codec': 'gzip',
    }
    const table = { location: 's3://lake/db/t', properties }
    expect(dataDirectory(table)).toBe('s3://data/d')
    expect(metadataFileLocation(table, 123456, uuid)).toBe(`s3://meta/m/123456-${uuid}.gz.metadata.json`)
  })

  it('tells a document’s version and compression by its name', () => {
    const names = [`00012-${uuid}.metadata.json`, `00012-${uuid}.gz.metadata.json`, 'v3.metadata.json', '3.metadata.json.gz'].map(
      (name) => `s3://b/00099-x/${name}`,
    )
    expect(names.map(metadataVersion)).toEqual([12, 12, -1, -1])
    expect(names.map(isGzipMetadata)).toEqual([false, true, false, true])
  })
})

function withLog(properties: Record<string, string>, entries: number): TableMetadata {
  const log = Array.from({ length: entries }, (_, i) => ({ 'metadata-file': `m${i}`, 'timestamp-ms': i }))
  return { properties, 'metadata-log': log } as unknown as TableMetadata
}

describe('the metadata log', () => {
  const previous = { location: 'previous', lastUpdatedMs: 77 }

  it('ends with the document that is replaced', () => {
    const { metadata, dropped } = logPrevious(withLog({}, 2), previous)
    expect(metadata['metadata-log']?.map((entry) => entry['metadata-file'])).toEqual(['m0', 'm1', 'previous'])
    expect(metadata['metadata-log']?.at(-1)?.['timestamp-ms']).toBe(77)
    expect(dropped).toEqual([])
  })

  it.each([
    [{}, 100, ['m0']],
    [{ 'write.metadata.previous-versions-max': '3' }, 3, ['m0']],
    [{ 'write.metadata.previous-versions-max': '0' }, 5, ['m0', 'm1', 'm2', 'm3', 'm4']],
    [{ 'write.metadata.previous-versions-max': 'x' }, 100, ['m0']],
  ])('lets the oldest entries fall off: %j', (properties, entries, expected) => {
    expect(logPrevious(withLog(properties, entries), previous).dropped).toEqual(expected)
  })

  it('deletes what fell off only where the table says so', () => {
    const switchedTo = (value: string): TableMetadata => withLog({ 'write.metadata.delete-after-commit.enabled': value }, 0)
    expect([withLog({}, 0), switchedTo('false'), switchedTo('TRUE')].map(deletesDroppedMetadata)).toEqual([false, false, true])
  })
})
