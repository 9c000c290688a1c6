import { readContainer } from '../avro/container-reader.ts'
import { writeContainer } from '../avro/container-writer.ts'
import { AvroError } from '../avro/schema.ts'
import type { AvroRecord, AvroValue } from '../avro/schema.ts'
import {
  StructReader,
  binaryField,
  booleanField,
  intField,
  longField,
  optionalAvroField,
  requiredAvroField,
  stringField,
} from './avro-struct.ts'
import type { FieldSummary, ManifestFile } from './data-file.ts'
import { unassignedSequenceNumber } from './summarize-manifest.ts'

const fields = {
  manifestPath: stringField(500, 'manifest_path'),
  manifestLength: longField(501, 'manifest_length'),
  partitionSpecId: intField(502, 'partition_spec_id'),
  content: intField(517, 'content'),
  sequenceNumber: longField(515, 'sequence_number'),
  minSequenceNumber: longField(516, 'min_sequence_number'),
  addedSnapshotId: longField(503, 'added_snapshot_id'),
  addedFilesCount: intField(504, 'added_files_count'),
  existingFilesCount: intField(505, 'existing_files_count'),
  deletedFilesCount: intField(506, 'deleted_files_count'),
  addedRowsCount: longField(512, 'added_rows_count'),
  existingRowsCount: longField(513, 'existing_rows_count'),
  deletedRowsCount: longField(514, 'deleted_rows_count'),
} as const
const partitionsFieldId = 507
const keyMetadata = binaryField(519, 'key_metadata')
const firstRowId = longField(520, 'first_row_id')

const containsNull = booleanField(509, 'contains_null')
const containsNan = booleanField(518, 'contains_nan')
const lowerBound = binaryField(510, 'lower_bound')
const upperBound = binaryField(511, 'upper_bound')

const fieldSummary: AvroRecord = {
  type: 'record',
  name: 'r508',
  fields: [requiredAvroField(containsNull), optionalAvroField(containsNan), optionalAvroField(lowerBound), optionalAvroField(upperBound)],
}

export interface ManifestListContents {
  readonly manifests: readonly ManifestFile[]
  readonly snapshotId: bigint
  readonly parentSnapshotId: bigint | null
  /** The snapshot's. Manifests of this snapshot whose sequence number is not assigned get it. */
  readonly sequenceNumber: bigint
  readonly formatVersion: 2 | 3
  /** Further keys of the Avro file's metadata. */
  readonly metadata?: Readonly<Record<string, string>>
  /** 16 random bytes. */
  readonly syncMarker: Uint8Array
}

/**
 * A manifest list (table specification, "Manifest Lists"). `first_row_id` is written in version 3 where a manifest has one.
 * @throws Error for a manifest of another snapshot whose sequence number is not assigned.
 */
export function writeManifestList(contents: ManifestListContents): Uint8Array {
  const { manifests, snapshotId, parentSnapshotId, sequenceNumber, formatVersion } = contents
  return writeContainer({
    schema: manifestFileRecord(formatVersion),
    metadata: {
      ...contents.metadata,
      'snapshot-id': String(snapshotId),
      'parent-snapshot-id': String(parentSnapshotId),
      'sequence-number': String(sequenceNumber),
      'format-version': String(formatVersion),
    },
    records: manifests.map((manifest) => manifestRecord(assignSequenceNumber(manifest, snapshotId, sequenceNumber), formatVersion)),
    syncMarker: contents.syncMarker,
  })
}

function manifestFileRecord(formatVersion: 2 | 3): AvroRecord {
  return {
    type: 'record',
    name: 'manifest_file',
    fields: [
      ...Object.values(fields).map((field) => ({ name: field.name, type: field.type, 'field-id': field.id })),
      {
        name: 'partitions',
        type: { type: 'union', branches: [{ type: 'null' }, { type: 'array', items: fieldSummary, 'element-id': 508 }] },
        default: null,
        'field-id': partitionsFieldId,
      },
      optionalAvroField(keyMetadata),
      ...(formatVersion >= 3 ? [optionalAvroField(firstRowId)] : []),
    ],
  }
}

function assignSequenceNumber(manifest: ManifestFile, snapshotId: bigint, assigned: bigint): ManifestFile {
  const unassigned = manifest.sequenceNumber === unassignedSequenceNumber || manifest.minSequenceNumber === unassignedSequenceNumber
  if (!unassigned) return manifest
  if (manifest.addedSnapshotId !== snapshotId) {
    throw new Error(
      `iceberg: manifest ${manifest.manifestPath}: of snapshot ${manifest.addedSnapshotId}, expected its sequence number, found none`,
    )
  }
  const { sequenceNumber, minSequenceNumber } = manifest
  return {
    ...manifest,
    sequenceNumber: sequenceNumber === unassignedSequenceNumber ? assigned : sequenceNumber,
    minSequenceNumber: minSequenceNumber === unassignedSequenceNumber ? assigned : minSequenceNumber,
  }
}

function manifestRecord(manifest: ManifestFile, formatVersion: 2 | 3): AvroValue {
  return [
    ...Object.keys(fields).map((key) => manifest[key as keyof typeof fields]),
    manifest.partitions?.map((field) => [
      field.containsNull,
      field.containsNan ?? null,
      field.lowerBound ?? null,
      field.upperBound ?? null,
    ]) ?? null,
    manifest.keyMetadata ?? null,
    ...(formatVersion >= 3 ? [manifest.firstRowId ?? null] : []),
  ]
}

export interface ManifestList {
  readonly manifests: ManifestFile[]
  /** The Avro file's metadata as text. */
  readonly metadata: ReadonlyMap<string, string>
}

/**
 * Reads a manifest list of any format version up to 3 by field id; unknown fields are ignored, in version 1 content and sequence
 * numbers are 0.
 * @throws AvroError that names the place, also where a count is missing that version 1 did not ask for.
 */
export function readManifestList(bytes: Uint8Array): ManifestList {
  const { schema, metadata, records } = readContainer(bytes)
  const reader = new StructReader(schema, 'manifest_file')
  const text = new TextDecoder()
  return {
    manifests: records.map((record) => readManifestFile(reader, record)),
    metadata: new Map(Array.from(metadata, ([key, value]) => [key, text.decode(value)])),
  }
}

function readManifestFile(reader: StructReader, record: AvroValue): ManifestFile {
  const content = reader.optional(record, fields.content) ?? 0
  if (content !== 0 && content !== 1) throw new AvroError(`iceberg: manifest_file.content: expected 0 or 1, found ${content}`)
  const partitions = readPartitions(reader, record)
  const keys = reader.optional(record, keyMetadata)
  const rowId = reader.optional(record, firstRowId)
  return {
    manifestPath: reader.required(record, fields.manifestPath),
    manifestLength: reader.required(record, fields.manifestLength),
    partitionSpecId: reader.required(record, fields.partitionSpecId),
    content,
    sequenceNumber: reader.optional(record, fields.sequenceNumber) ?? 0n,
    minSequenceNumber: reader.optional(record, fields.minSequenceNumber) ?? 0n,
    addedSnapshotId: reader.required(record, fields.addedSnapshotId),
    addedFilesCount: reader.required(record, fields.addedFilesCount),
    existingFilesCount: reader.required(record, fields.existingFilesCount),
    deletedFilesCount: reader.required(record, fields.deletedFilesCount),
    addedRowsCount: reader.required(record, fields.addedRowsCount),
    existingRowsCount: reader.required(record, fields.existingRowsCount),
    deletedRowsCount: reader.required(record, fields.deletedRowsCount),
    ...(partitions !== undefined && { partitions }),
    ...(keys !== undefined && { keyMetadata: keys }),
    ...(rowId !== undefined && { firstRowId: rowId }),
  }
}

function readPartitions(reader: StructReader, record: AvroValue): FieldSummary[] | undefined {
  const value = reader.value(record, partitionsFieldId) ?? null
  if (value === null) return undefined
  const union = reader.schema(partitionsFieldId)
  const array = union?.type === 'union' ? union.branches.find((branch) => branch.type === 'array') : union
  if (array?.type !== 'array' || !Array.isArray(value)) throw new AvroError('iceberg: manifest_file.partitions: expected an array')
  const summary = new StructReader(array.items, 'field_summary')
  return value.map((item) => {
    const [nan, lower, upper] = [
      summary.optional(item, containsNan),
      summary.optional(item, lowerBound),
      summary.optional(item, upperBound),
    ]
    return {
      containsNull: summary.required(item, containsNull),
      ...(nan !== undefined && { containsNan: nan }),
      ...(lower !== undefined && { lowerBound: lower }),
      ...(upper !== undefined && { upperBound: upper }),
    }
  })
}
