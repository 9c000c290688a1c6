import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readContainer } from '../../../../src/formats/avro/container-reader.ts'
import { writeContainer } from '../../../../src/formats/avro/container-writer.ts'
import type { AvroField, AvroRecord, AvroSchema } from '../../../../src/formats/avro/schema.ts'
import type { DataFile, ManifestEntry, SingleValue } from '../../../../src/formats/iceberg/data-file.ts'
import { readManifest, writeManifest } from '../../../../src/formats/iceberg/manifest.ts'
import type { PartitionSpec } from '../../../../src/formats/iceberg/partition-spec.ts'
import type { PrimitiveType, Schema } from '../../../../src/formats/iceberg/schema.ts'

const syncMarker = new Uint8Array(16).fill(0xab)
const origin = { manifestPath: 's3://b/t/metadata/m.avro', partitionSpecId: 4, addedSnapshotId: 2n ** 62n + 1n, sequenceNumber: 9n }

const sources: readonly [PrimitiveType, fc.Arbitrary<SingleValue>][] = [
  ['boolean', fc.boolean()],
  ['int', fc.integer()],
  ['long', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  ['float', fc.float()],
  ['double', fc.double()],
  ['date', fc.integer()],
  ['time', fc.bigInt({ min: 0n, max: 86_399_999_999n })],
  ['timestamp', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  ['timestamptz', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  ['string', fc.string({ unit: 'binary' })],
  ['uuid', bytes({ minLength: 16, maxLength: 16 })],
  ['uuid', bytes({ minLength: 16, maxLength: 16 })],
  ['fixed[3]', bytes({ minLength: 3, maxLength: 3 })],
  ['binary', bytes({})],
  ['decimal(9, 2)', fc.bigInt({ min: -999_999_999n, max: 999_999_999n })],
  ['decimal(38, 0)', fc.bigInt({ min: 1n - 10n ** 38n, max: 10n ** 38n - 1n })],
]
const schema: Schema = {
  type: 'struct',
  'schema-id': 3,
  fields: sources.map(([type], i) => ({ id: i + 1, name: `c${i + 1}`, required: false, type })),
}
const wide: PartitionSpec = {
  'spec-id': 4,
  fields: sources.map((_, i) => ({ 'source-id': i + 1, 'field-id': 1000 + i, name: `c${i + 1}`, transform: 'identity' })),
}
const unpartitioned: PartitionSpec = { 'spec-id': 0, fields: [] }

function bytes(constraints: fc.IntArrayConstraints): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array(constraints).map((data) => Uint8Array.from(data))
}

const plainFile: DataFile = {
  content: 0,
  filePath: 's3://b/t/data/é%20 1.parquet',
  fileFormat: 'PARQUET',
  partition: [],
  recordCount: 10n,
  fileSizeInBytes: 2n ** 53n + 1n,
}
const added = (file: Partial<DataFile> = {}): ManifestEntry => ({
  status: 1,
  snapshotId: null,
  sequenceNumber: null,
  fileSequenceNumber: null,
  dataFile: { ...plainFile, ...file },
})
const write = (entries: readonly ManifestEntry[], spec = unpartitioned, formatVersion: 2 | 3 = 2, content: 0 | 1 = 0): Uint8Array =>
  writeManifest({ schema, spec, content, formatVersion, entries, syncMarker })

const long = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })
const map = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Map<number, T>> => fc.array(fc.tuple(fc.nat(), value)).map((pairs) => new Map(pairs))
const anyFile: fc.Arbitrary<DataFile> = fc
  .record(
    {
      filePath: fc.string({ unit: 'binary' }),
      recordCount: long,
      fileSizeInBytes: long,
      partition: fc.tuple(...sources.map(([, value]) => fc.option(value))),
      columnSizes: map(long),
      valueCounts: map(long),
      nullValueCounts: map(long),
      nanValueCounts: map(long),
      lowerBounds: map(bytes({})),
      upperBounds: map(bytes({})),
      keyMetadata: bytes({}),
      splitOffsets: fc.array(long),
      equalityIds: fc.array(fc.nat()),
      sortOrderId: fc.nat(),
      referencedDataFile: fc.string(),
      firstRowId: long,
      contentOffset: long,
      contentSizeInBytes: long,
    },
    { requiredKeys: ['filePath', 'recordCount', 'fileSizeInBytes', 'partition'] },
  )
  .map((file) => ({ ...file, content: 0, fileFormat: 'PARQUET' }))
const anyEntry: fc.Arbitrary<ManifestEntry> = fc.record({
  status: fc.constantFrom(0, 1, 2),
  snapshotId: long,
  sequenceNumber: long,
  fileSequenceNumber: long,
  dataFile: anyFile,
})

test('whatever entries are written to a version 3 manifest are read again', () => {
  fc.assert(
    fc.property(fc.array(anyEntry, { maxLength: 5 }), (entries) => {
      const manifest = readManifest(write(entries, wide, 3), origin)
      expect(manifest.entries).toEqual(entries)
      expect(manifest).toMatchObject({ specId: 4, content: 0, formatVersion: 3, partitionFields: wide.fields })
    }),
  )
})

test('version 2 has no row ids and no positions of deletion vectors', () => {
  const file = { firstRowId: 1n, contentOffset: 2n, contentSizeInBytes: 3n, referencedDataFile: 's3://b/x' }
  expect(readManifest(write([added(file)]), origin).entries[0].dataFile).toEqual({ ...plainFile, referencedDataFile: 's3://b/x' })
})

function fieldOf(record: AvroSchema, id: number): AvroField {
  const field = record.type === 'record' ? record.fields.find((one) => one['field-id'] === id) : undefined
  if (field === undefined) throw new Error(`no field ${id}`)
  return field
}

test('the header names schema, spec fields, spec id, format version and content', () => {
  const { metadata } = readContainer(write([], wide, 3, 1))
  const text = Object.fromEntries(Array.from(metadata, ([key, value]) => [key, new TextDecoder().decode(value)]))
  expect(JSON.parse(text['schema'])).toEqual(schema)
  expect(JSON.parse(text['partition-spec'])).toEqual(wide.fields)
  expect(text).toMatchObject({
    'schema-id': '3',
    'partition-spec-id': '4',
    'format-version': '3',
    content: 'deletes',
    'avro.codec': 'deflate',
  })
})

test('a 64-bit default in the schema keeps its digits in the header', () => {
  const exact: Schema = { ...schema, fields: [{ id: 1, name: 'a', type: 'long', required: true, 'initial-default': 2n ** 62n + 1n }] }
  const { metadata } = readContainer(
    writeManifest({ schema: exact, spec: unpartitioned, content: 0, formatVersion: 2, entries: [], syncMarker }),
  )
  expect(new TextDecoder().decode(metadata.get('schema'))).toContain('"initial-default":4611686018427387905')
})

test('every field has its id and type, the partition record is r102, maps are arrays of key and value', () => {
  const entrySchema = readContainer(write([], wide)).schema as AvroRecord
  expect(entrySchema.fields.map((field) => [field['field-id'], field.name])).toEqual([
    [0, 'status'],
    [1, 'snapshot_id'],
    [3, 'sequence_number'],
    [4, 'file_sequence_number'],
    [2, 'data_file'],
  ])
  const file = fieldOf(entrySchema, 2).type as AvroRecord
  expect(file.name).toBe('r2')
  expect(file.fields.map((field) => [field['field-id'], field.name])).toEqual([
    [134, 'content'],
    [100, 'file_path'],
    [101, 'file_format'],
    [102, 'partition'],
    [103, 'record_count'],
    [104, 'file_size_in_bytes'],
    [108, 'column_sizes'],
    [109, 'value_counts'],
    [110, 'null_value_counts'],
    [137, 'nan_value_counts'],
    [125, 'lower_bounds'],
    [128, 'upper_bounds'],
    [131, 'key_metadata'],
    [132, 'split_offsets'],
    [135, 'equality_ids'],
    [140, 'sort_order_id'],
    [143, 'referenced_data_file'],
  ])
  const bounds = {
    type: 'array',
    logicalType: 'map',
    items: {
      type: 'record',
      name: 'k126_v127',
      fields: [
        { name: 'key', type: { type: 'int' }, 'field-id': 126 },
        { name: 'value', type: { type: 'bytes' }, 'field-id': 127 },
      ],
    },
  }
  expect(fieldOf(file, 125).type).toEqual({ type: 'union', branches: [{ type: 'null' }, bounds] })
  expect(fieldOf(file, 132).type).toMatchObject({
    branches: [{ type: 'null' }, { type: 'array', items: { type: 'long' }, 'element-id': 133 }],
  })
  const partition = fieldOf(file, 102).type as AvroRecord
  expect(partition.name).toBe('r102')
  expect(partition.fields.map((field) => field['field-id'])).toEqual(wide.fields.map((field) => field['field-id']))
  expect(fieldOf(partition, 1008).type).toMatchObject({
    branches: [{}, { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': true }],
  })
  expect(fieldOf(partition, 1007).type).toMatchObject({
    branches: [{}, { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': false }],
  })
  expect(fieldOf(partition, 1006).type).toMatchObject({ branches: [{}, { type: 'long', logicalType: 'time-micros' }] })
  expect(fieldOf(partition, 1014).type).toMatchObject({
    branches: [{}, { type: 'fixed', size: 4, logicalType: 'decimal', precision: 9, scale: 2 }],
  })
})

test('optional fields are unions with null first, and null is their default', () => {
  const json = JSON.parse(new TextDecoder().decode(readContainer(write([], wide, 3)).metadata.get('avro.schema'))) as AvroJson
  const all = [json, json.fields[4].type, json.fields[4].type.fields[3].type].flatMap((record) => record.fields)
  const optional = all.filter((field) => Array.isArray(field.type))
  expect(optional).toHaveLength(3 + 14 + wide.fields.length)
  for (const field of optional) expect(field).toMatchObject({ type: ['null', expect.anything()], default: null })
})

interface AvroJson {
  readonly fields: readonly { readonly type: AvroJson }[]
}

test('version 3 has its further fields', () => {
  const file = fieldOf(readContainer(write([], wide, 3)).schema, 2).type as AvroRecord
  expect(file.fields.slice(-5).map((field) => [field['field-id'], field.name])).toEqual([
    [140, 'sort_order_id'],
    [142, 'first_row_id'],
    [143, 'referenced_data_file'],
    [144, 'content_offset'],
    [145, 'content_size_in_bytes'],
  ])
})

test('partition fields have the type of their transform, day that of a date, and names that Avro takes', () => {
  const transforms = ['year', 'month', 'day', 'hour', 'bucket[4]', 'void']
  const spec = {
    'spec-id': 4,
    fields: transforms.map((transform, i) => ({ 'source-id': 9, 'field-id': 1000 + i, name: `ts ${transform}`, transform })),
  }
  const file = fieldOf(readContainer(write([], spec)).schema, 2).type
  const fields = (fieldOf(file, 102).type as AvroRecord).fields.map((field) => [
    field.name,
    field.type.type === 'union' && field.type.branches[1],
  ])
  expect(fields).toEqual([
    ['ts_x20year', { type: 'int' }],
    ['ts_x20month', { type: 'int' }],
    ['ts_x20day', { type: 'int', logicalType: 'date' }],
    ['ts_x20hour', { type: 'int' }],
    ['ts_x20bucket_x5B4_x5D', { type: 'int' }],
    ['ts_x20void', { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': true }],
  ])
})

test('no fixed type is named twice, as PyIceberg does not follow references to a name', () => {
  const json = new TextDecoder().decode(readContainer(write([], wide)).metadata.get('avro.schema'))
  expect(json.match(/"uuid_fixed_\d+"/g)).toEqual(['"uuid_fixed_1010"', '"uuid_fixed_1011"'])
})

test('added entries inherit snapshot id and sequence numbers, existing and deleted ones keep their own', () => {
  const old = { snapshotId: 5n, sequenceNumber: 2n, fileSequenceNumber: 3n }
  const entries = [
    added(),
    { ...added(), ...old, status: 0 as const },
    { ...added(), ...old, status: 2 as const },
    { ...added(), sequenceNumber: 1n },
  ]
  const read = readManifest(write(entries), origin).entries
  expect(read.map(({ snapshotId, sequenceNumber, fileSequenceNumber }) => [snapshotId, sequenceNumber, fileSequenceNumber])).toEqual([
    [2n ** 62n + 1n, 9n, 9n],
    [5n, 2n, 3n],
    [5n, 2n, 3n],
    [2n ** 62n + 1n, 1n, 9n],
  ])
})

test('an added entry is written with nulls, so that the manifest survives a retry', () => {
  const [record] = readContainer(write([added()])).records as readonly unknown[][]
  expect(record.slice(0, 4)).toEqual([1, null, null, null])
})

test.each([0, 2] as const)('an entry of status %d without its own snapshot id or sequence number is not written', (status) => {
  const whole = { ...added(), status, snapshotId: 5n, sequenceNumber: 2n, fileSequenceNumber: 2n }
  expect(() => write([added(), { ...whole, snapshotId: null }])).toThrow(
    /manifest entry 1: an entry that is not ADDED needs its snapshot id/,
  )
  expect(() => write([{ ...whole, sequenceNumber: null }])).toThrow(/manifest entry 0/)
  // Older writers left the file sequence number out of such entries; no one can know it again.
  expect(readManifest(write([{ ...whole, fileSequenceNumber: null }]), origin).entries[0].fileSequenceNumber).toBeNull()
})

test('row ids of data files follow from the manifest, past those that have one and those deleted', () => {
  const own = { snapshotId: 5n, sequenceNumber: 2n, fileSequenceNumber: 2n }
  const entries = [
    added(),
    { ...added({ firstRowId: 7n }), ...own, status: 0 as const },
    { ...added(), ...own, status: 2 as const },
    added(),
    { ...added(), ...own, status: 0 as const },
  ]
  const ids = (firstRowId?: bigint): unknown[] =>
    readManifest(write(entries, unpartitioned, 3), { ...origin, firstRowId }).entries.map((one) => one.dataFile.firstRowId)
  expect(ids(1000n)).toEqual([1000n, 7n, undefined, 1010n, 1020n])
  expect(ids()).toEqual([undefined, 7n, undefined, undefined, undefined])
})

test('delete files go to delete manifests and nowhere else', () => {
  const deletes = [added({ content: 1, referencedDataFile: 's3://b/x' }), added({ content: 2, equalityIds: [1, 2] })]
  const manifest = readManifest(write(deletes, unpartitioned, 2, 1), origin)
  expect(manifest.content).toBe(1)
  expect(manifest.entries.map((one) => one.dataFile)).toEqual(deletes.map((one) => one.dataFile))
  expect(() => write(deletes)).toThrow(/content 1 can not stand in a manifest of data files/)
  expect(() => write([added()], unpartitioned, 2, 1)).toThrow(/content 0 can not stand in a manifest of delete files/)
})

test('a partition tuple of the wrong length or type is not written', () => {
  expect(() => write([added({ partition: [1] })])).toThrow(/manifest entry 0: expected 0 partition values, found 1/)
  const spec = { 'spec-id': 4, fields: [{ 'source-id': 3, 'field-id': 1000, name: 'c', transform: 'identity' }] }
  expect(() => write([added({ partition: ['x'] })], spec)).toThrow(/record 0: data_file.partition.c: expected a 64-bit integer/)
})

test('a partition value read before its column was widened is written as the wider type', () => {
  const spec = { 'spec-id': 4, fields: [{ 'source-id': 3, 'field-id': 1000, name: 'c', transform: 'identity' }] }
  expect(readManifest(write([added({ partition: [34] })], spec), origin).entries[0].dataFile.partition).toEqual([34n])
})

const withoutSource = (transform: string): PartitionSpec => ({
  'spec-id': 4,
  fields: [{ 'source-id': 99, 'field-id': 1000, name: 'gone', transform }],
})

test('a spec whose source column is gone is written where the result does not depend on it, else refused by name', () => {
  expect(readManifest(write([added({ partition: [3] })], withoutSource('bucket[4]')), origin).entries[0].dataFile.partition).toEqual([3])
  expect(() => write([], withoutSource('identity'))).toThrow('partition field 1000 "gone": its source column 99 is not in the schema')
})

const v1: AvroRecord = {
  type: 'record',
  name: 'manifest_entry',
  fields: [
    { name: 'status', type: { type: 'int' }, 'field-id': 0 },
    { name: 'snapshot_id', type: { type: 'long' }, 'field-id': 1 },
    {
      name: 'data_file',
      'field-id': 2,
      type: {
        type: 'record',
        name: 'r2',
        fields: [
          { name: 'block_size_in_bytes', type: { type: 'long' }, 'field-id': 105 },
          { name: 'renamed', type: { type: 'string' }, 'field-id': 100 },
          { name: 'file_format', type: { type: 'string' }, 'field-id': 101 },
          {
            name: 'partition',
            type: { type: 'record', name: 'r102', fields: [{ name: 'd', type: { type: 'int' }, 'field-id': 1000 }] },
            'field-id': 102,
          },
          { name: 'record_count', type: { type: 'long' }, 'field-id': 103 },
          { name: 'file_size_in_bytes', type: { type: 'int' }, 'field-id': 104 },
          { name: 'unknown', type: { type: 'map', values: { type: 'double' } }, 'field-id': 9999 },
        ],
      },
    },
  ],
}
const v1Header = { schema: '{}', 'partition-spec': '[{"name":"d","transform":"day","source-id":9}]' }

test('a version 1 manifest is read: fields by id, unknown ones passed over, sequence numbers 0', () => {
  const record = [1, 5n, [67n, 's3://b/1.orc', 'orc', [17_000], 3n, 77, new Map([['x', 1]])]]
  const file = writeContainer({ schema: v1, metadata: v1Header, records: [record, [0, ...record.slice(1)]], syncMarker })
  const manifest = readManifest(file, { ...origin, sequenceNumber: 0n })
  expect(manifest).toMatchObject({ specId: 4, content: 0, formatVersion: 1, partitionFields: [{ name: 'd', 'field-id': 1000 }] })
  const dataFile = { content: 0, filePath: 's3://b/1.orc', fileFormat: 'ORC', partition: [17_000], recordCount: 3n, fileSizeInBytes: 77n }
  expect(manifest.entries).toEqual(
    [1, 0].map((status) => ({ status, snapshotId: 5n, sequenceNumber: 0n, fileSequenceNumber: 0n, dataFile })),
  )
})

test.each<[string, Record<string, string>, unknown[], RegExp]>([
  ['an unknown status', v1Header, [3, 5n, [67n, 'p', 'orc', [1], 3n, 77, new Map()]], /entry 0: expected status 0, 1 or 2, found 3/],
  ['an unknown file format', v1Header, [1, 5n, [67n, 'p', 'csv', [1], 3n, 77, new Map()]], /file format "csv" is not known/],
  ['a header without a spec', { schema: '{}' }, [], /manifest header "partition-spec"/],
  ['a spec that is no JSON', { 'partition-spec': '[' }, [], /"partition-spec": expected JSON/],
  ['a spec that is an object', { 'partition-spec': '{"fields":[]}' }, [], /expected an array of fields/],
  ['an unknown content', { ...v1Header, content: 'both' }, [], /manifest header "content": expected "data" or "deletes"/],
  ['a spec id that is no number', { ...v1Header, 'partition-spec-id': 'x' }, [], /"partition-spec-id": expected a number/],
])('a malformed manifest is refused, naming it and the place: %s', (_name, metadata, record, message) => {
  const file = writeContainer({ schema: v1, metadata, records: record.length === 0 ? [] : [record as never], syncMarker })
  const read = (): unknown => readManifest(file, origin)
  expect(read).toThrow(message)
  expect(read).toThrow('manifest s3://b/t/metadata/m.avro: ')
})

test('a field of another type than the specification gives it is refused by name', () => {
  const strange: AvroRecord = {
    type: 'record',
    name: 'manifest_entry',
    fields: [{ name: 'status', type: { type: 'string' }, 'field-id': 0 }, v1.fields[2]],
  }
  const file = writeContainer({
    schema: strange,
    metadata: v1Header,
    records: [['1', [67n, 'p', 'orc', [1], 3n, 77, new Map()]]],
    syncMarker,
  })
  expect(() => readManifest(file, origin)).toThrow(/manifest_entry.status \(field 0\): expected int, found another type/)
})

test('changed bytes of a manifest are read or refused by name, never a crash', () => {
  const sound = write([added({ lowerBounds: new Map([[1, Uint8Array.of(1)]]) }), added()])
  let refused = 0
  fc.assert(
    fc.property(fc.nat(sound.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const file = sound.slice()
      file[at] ^= change
      const failure = failureOf(() => readManifest(file, origin))
      if (failure !== undefined) refused++
      expect(failure ?? 'manifest s3://b/t/metadata/m.avro: ').toMatch(/^manifest s3:\/\/b\/t\/metadata\/m.avro: /)
    }),
    { numRuns: 500 },
  )
  expect(refused).toBeGreaterThan(50)
})

/** The message of what `action` throws, undefined where it throws nothing. */
function failureOf(action: () => unknown): string | undefined {
  try {
    action()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
