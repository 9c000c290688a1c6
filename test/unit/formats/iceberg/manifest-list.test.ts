import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readContainer } from '../../../../src/formats/avro/container-reader.ts'
import { writeContainer } from '../../../../src/formats/avro/container-writer.ts'
import type { AvroRecord } from '../../../../src/formats/avro/schema.ts'
import type { FieldSummary, ManifestEntry, ManifestFile, SingleValue } from '../../../../src/formats/iceberg/data-file.ts'
import { readManifestList, writeManifestList } from '../../../../src/formats/iceberg/manifest-list.ts'
import type { PrimitiveType, Schema } from '../../../../src/formats/iceberg/schema.ts'
import { serializeSingleValue } from '../../../../src/formats/iceberg/single-value.ts'
import { summarizeManifest, unassignedSequenceNumber } from '../../../../src/formats/iceberg/summarize-manifest.ts'

const syncMarker = new Uint8Array(16).fill(3)
const snapshot = { snapshotId: 2n ** 62n + 1n, parentSnapshotId: 5n, sequenceNumber: 9n, formatVersion: 2, syncMarker } as const

const count = fc.nat()
const long = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })
const bytes = fc.uint8Array().map((data) => Uint8Array.from(data))
const fieldSummary: fc.Arbitrary<FieldSummary> = fc.record(
  { containsNull: fc.boolean(), containsNan: fc.boolean(), lowerBound: bytes, upperBound: bytes },
  { requiredKeys: ['containsNull'] },
)
const manifestFile: fc.Arbitrary<ManifestFile> = fc.record(
  {
    manifestPath: fc.string({ unit: 'binary' }),
    manifestLength: long,
    partitionSpecId: count,
    content: fc.constantFrom(0, 1),
    sequenceNumber: long,
    minSequenceNumber: long,
    addedSnapshotId: long,
    addedFilesCount: count,
    existingFilesCount: count,
    deletedFilesCount: count,
    addedRowsCount: long,
    existingRowsCount: long,
    deletedRowsCount: long,
    partitions: fc.array(fieldSummary),
    keyMetadata: bytes,
    firstRowId: long,
  },
  {
    requiredKeys: [
      ...([
        'manifestPath',
        'manifestLength',
        'partitionSpecId',
        'content',
        'sequenceNumber',
        'minSequenceNumber',
        'addedSnapshotId',
      ] as const),
      ...([
        'addedFilesCount',
        'existingFilesCount',
        'deletedFilesCount',
        'addedRowsCount',
        'existingRowsCount',
        'deletedRowsCount',
      ] as const),
    ],
  },
)

test('whatever manifests are listed are read again, in version 3 with their row ids', () => {
  fc.assert(
    fc.property(fc.array(manifestFile), (manifests) => {
      expect(readManifestList(writeManifestList({ ...snapshot, formatVersion: 3, manifests })).manifests).toEqual(manifests)
      const withoutRowIds = manifests.map((one) => Object.fromEntries(Object.entries(one).filter(([key]) => key !== 'firstRowId')))
      expect(readManifestList(writeManifestList({ ...snapshot, manifests })).manifests).toEqual(withoutRowIds)
    }),
  )
})

test('the metadata says which snapshot it is, and carries further keys', () => {
  const file = writeManifestList({ ...snapshot, manifests: [], metadata: { 'kafscale.processor.progress': '{"é":[]}' } })
  const { metadata } = readManifestList(file)
  expect(Object.fromEntries(metadata)).toMatchObject({
    'kafscale.processor.progress': '{"é":[]}',
    'snapshot-id': '4611686018427387905',
    'parent-snapshot-id': '5',
    'sequence-number': '9',
    'format-version': '2',
  })
  expect(
    readManifestList(writeManifestList({ ...snapshot, parentSnapshotId: null, manifests: [] })).metadata.get('parent-snapshot-id'),
  ).toBe('null')
})

test('further keys do not replace the keys of the specification', () => {
  const file = writeManifestList({ ...snapshot, manifests: [], metadata: { 'snapshot-id': '1' } })
  expect(readManifestList(file).metadata.get('snapshot-id')).toBe('4611686018427387905')
})

test('every field has its id', () => {
  const { fields } = readContainer(writeManifestList({ ...snapshot, formatVersion: 3, manifests: [] })).schema as AvroRecord
  expect(fields.map((field) => [field['field-id'], field.name])).toEqual([
    [500, 'manifest_path'],
    [501, 'manifest_length'],
    [502, 'partition_spec_id'],
    [517, 'content'],
    [515, 'sequence_number'],
    [516, 'min_sequence_number'],
    [503, 'added_snapshot_id'],
    [504, 'added_files_count'],
    [505, 'existing_files_count'],
    [506, 'deleted_files_count'],
    [512, 'added_rows_count'],
    [513, 'existing_rows_count'],
    [514, 'deleted_rows_count'],
    [507, 'partitions'],
    [519, 'key_metadata'],
    [520, 'first_row_id'],
  ])
  expect(fields[13].type).toMatchObject({
    branches: [
      { type: 'null' },
      {
        type: 'array',
        'element-id': 508,
        items: { name: 'r508', fields: [{ 'field-id': 509 }, { 'field-id': 518 }, { 'field-id': 510 }, { 'field-id': 511 }] },
      },
    ],
  })
})

const schema: Schema = {
  type: 'struct',
  'schema-id': 0,
  fields: [
    { id: 1, name: 'd', required: false, type: 'double' },
    { id: 2, name: 's', required: false, type: 'string' },
  ],
}
const spec = {
  'spec-id': 2,
  fields: [1, 2].map((id) => ({ 'source-id': id, 'field-id': 999 + id, name: `f${id}`, transform: 'identity' })),
}
const entry = (
  status: 0 | 1 | 2,
  sequenceNumber: bigint | null,
  rows: bigint,
  partition: readonly SingleValue[] = [1, 'a'],
): ManifestEntry => ({
  status,
  snapshotId: sequenceNumber === null ? null : 3n,
  sequenceNumber,
  fileSequenceNumber: sequenceNumber,
  dataFile: { content: 0, filePath: 's3://b/1', fileFormat: 'PARQUET', partition, recordCount: rows, fileSizeInBytes: 1n },
})
const summarize = (entries: readonly ManifestEntry[], sequenceNumber: bigint | null = null): ManifestFile =>
  summarizeManifest({
    path: 's3://b/m.avro',
    length: 1234n,
    spec,
    schema,
    content: 0,
    snapshotId: snapshot.snapshotId,
    sequenceNumber,
    entries,
  })

test('a summary counts files and rows by status', () => {
  const manifest = summarize([entry(1, null, 10n), entry(1, null, 5n), entry(0, 4n, 100n), entry(2, 2n, 1000n)])
  expect(manifest).toMatchObject({
    manifestPath: 's3://b/m.avro',
    manifestLength: 1234n,
    partitionSpecId: 2,
    content: 0,
    addedSnapshotId: snapshot.snapshotId,
    addedFilesCount: 2,
    existingFilesCount: 1,
    deletedFilesCount: 1,
    addedRowsCount: 15n,
    existingRowsCount: 100n,
    deletedRowsCount: 1000n,
  })
})

test('the smallest sequence number is that of the live entries', () => {
  expect(summarize([entry(1, null, 1n), entry(0, 7n, 1n), entry(0, 4n, 1n), entry(2, 2n, 1n)]).minSequenceNumber).toBe(4n)
  expect(summarize([entry(0, 4n, 1n)], 9n)).toMatchObject({ sequenceNumber: 9n, minSequenceNumber: 4n })
  expect(summarize([entry(1, null, 1n)], 9n)).toMatchObject({ sequenceNumber: 9n, minSequenceNumber: 9n })
})

test('a manifest without a sequence number gets that of the snapshot whose list names it, and so does its smallest one', () => {
  const inherits = summarize([entry(1, null, 1n)])
  const merged = summarize([entry(0, 4n, 1n)])
  expect([inherits.sequenceNumber, inherits.minSequenceNumber, merged.minSequenceNumber]).toEqual([
    unassignedSequenceNumber,
    unassignedSequenceNumber,
    4n,
  ])
  const read = readManifestList(writeManifestList({ ...snapshot, manifests: [inherits, merged] })).manifests
  expect(read.map((one) => [one.sequenceNumber, one.minSequenceNumber])).toEqual([
    [9n, 9n],
    [9n, 4n],
  ])
})

test('a manifest of another snapshot without a sequence number is not listed', () => {
  const foreign = { ...summarize([entry(1, null, 1n)]), addedSnapshotId: 1n }
  expect(() => writeManifestList({ ...snapshot, manifests: [foreign] })).toThrow(
    /manifest s3:\/\/b\/m.avro: of snapshot 1, expected its sequence number/,
  )
})

const summaryOf = (type: PrimitiveType, values: readonly SingleValue[]): FieldSummary | undefined => {
  const one = { ...schema, fields: [{ id: 1, name: 'a', required: false, type }] }
  const entries = values.map((value) => entry(1, null, 1n, [value]))
  const summary = summarizeManifest({
    path: '',
    length: 0n,
    spec: { 'spec-id': 0, fields: [spec.fields[0]] },
    schema: one,
    content: 0,
    snapshotId: 1n,
    sequenceNumber: null,
    entries,
  })
  return summary.partitions?.[0]
}

test('partition summaries order text by its UTF-8 bytes and decimals by value', () => {
  expect(summaryOf('string', ['\u{10000}', '\uffff', null])).toEqual({
    containsNull: true,
    lowerBound: serializeSingleValue('string', '\uffff'),
    upperBound: serializeSingleValue('string', '\u{10000}'),
  })
  expect(summaryOf('decimal(9, 2)', [-1n, 1n, 300n])).toEqual({
    containsNull: false,
    lowerBound: Uint8Array.of(0xff),
    upperBound: Uint8Array.of(1, 44),
  })
})

test('partition summaries leave NaN out of the bounds and say that it is there, and put −0.0 below and +0.0 above', () => {
  expect(summaryOf('double', [NaN, 2, -3])).toEqual({
    containsNull: false,
    containsNan: true,
    lowerBound: serializeSingleValue('double', -3),
    upperBound: serializeSingleValue('double', 2),
  })
  expect(summaryOf('float', [0])).toEqual({
    containsNull: false,
    containsNan: false,
    lowerBound: serializeSingleValue('float', -0),
    upperBound: serializeSingleValue('float', 0),
  })
  expect(summaryOf('double', [NaN])).toEqual({ containsNull: false, containsNan: true })
  expect(summaryOf('double', [null])).toEqual({ containsNull: true, containsNan: false })
})

test('an unpartitioned manifest has an empty list of summaries', () => {
  const manifest = summarizeManifest({
    path: '',
    length: 0n,
    spec: { 'spec-id': 0, fields: [] },
    schema,
    content: 0,
    snapshotId: 1n,
    sequenceNumber: null,
    entries: [entry(1, null, 1n, [])],
  })
  expect(manifest.partitions).toEqual([])
})

const v1: AvroRecord = {
  type: 'record',
  name: 'manifest_file',
  fields: [
    { name: 'manifest_path', type: { type: 'string' }, 'field-id': 500 },
    { name: 'manifest_length', type: { type: 'long' }, 'field-id': 501 },
    { name: 'partition_spec_id', type: { type: 'int' }, 'field-id': 502 },
    { name: 'added_snapshot_id', type: { type: 'long' }, 'field-id': 503 },
    ...[504, 505, 506].map((id) => ({
      name: `files_${id}`,
      type: { type: 'union', branches: [{ type: 'null' }, { type: 'int' }] } as const,
      'field-id': id,
    })),
    ...[512, 513, 514].map((id) => ({ name: `rows_${id}`, type: { type: 'long' } as const, 'field-id': id })),
  ],
}

test('a version 1 list is read with content and sequence numbers 0', () => {
  const file = writeContainer({ schema: v1, metadata: {}, records: [['s3://b/m', 10n, 0, 5n, 1, 2, 3, 4n, 5n, 6n]], syncMarker })
  expect(readManifestList(file).manifests).toEqual([
    {
      manifestPath: 's3://b/m',
      manifestLength: 10n,
      partitionSpecId: 0,
      content: 0,
      sequenceNumber: 0n,
      minSequenceNumber: 0n,
      addedSnapshotId: 5n,
      addedFilesCount: 1,
      existingFilesCount: 2,
      deletedFilesCount: 3,
      addedRowsCount: 4n,
      existingRowsCount: 5n,
      deletedRowsCount: 6n,
    },
  ])
})

test('a count that is missing is refused by name', () => {
  const file = writeContainer({ schema: v1, metadata: {}, records: [['s3://b/m', 10n, 0, 5n, null, 2, 3, 4n, 5n, 6n]], syncMarker })
  expect(() => readManifestList(file)).toThrow(/manifest_file.added_files_count \(field 504\): expected a value, found none/)
})

test('partition summaries have bounds of uuids where all orders of them agree, and none where they do not', () => {
  const [low, high, higher] = [0x7f, 0x80, 0xff].map((first) => new Uint8Array(16).fill(first))
  expect(summaryOf('uuid', [high, null, higher])).toEqual({ containsNull: true, lowerBound: high, upperBound: higher })
  expect(summaryOf('uuid', [low])).toEqual({ containsNull: false, lowerBound: low, upperBound: low })
  expect(summaryOf('uuid', [high, low, higher])).toBeUndefined()
  // To two signed numbers the nil uuid comes after one that has the same first half and the variant of RFC 9562.
  const nil = new Uint8Array(16)
  const variant = Uint8Array.from(nil, (byte, place) => (place === 8 ? 0x80 : byte))
  expect(summaryOf('uuid', [nil, variant])).toBeUndefined()
})
