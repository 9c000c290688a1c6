import type { AvroRecord } from '../avro/schema.ts'
import {
  binary,
  binaryField,
  int,
  intField,
  listField,
  long,
  longField,
  mapField,
  optionalAvroField,
  requiredAvroField,
  stringField,
} from './avro-struct.ts'
import type { StructField } from './avro-struct.ts'
import type { DataFile } from './data-file.ts'

/** Fields of `manifest_entry` (table specification, "Manifest Entry Fields"). */
export const entryFields = {
  status: intField(0, 'status'),
  snapshotId: longField(1, 'snapshot_id'),
  sequenceNumber: longField(3, 'sequence_number'),
  fileSequenceNumber: longField(4, 'file_sequence_number'),
} as const
export const dataFileFieldId = 2

/** Fields of `data_file` that every one has ("Data File Fields"). `content` is missing in version 1. */
export const fileFields = {
  content: intField(134, 'content'),
  filePath: stringField(100, 'file_path'),
  fileFormat: stringField(101, 'file_format'),
  recordCount: longField(103, 'record_count'),
  fileSizeInBytes: longField(104, 'file_size_in_bytes'),
} as const
export const partitionFieldId = 102

/** The keys of a `DataFile` that may be missing, with their fields, in the specification's order. */
type OptionalFileFields = { readonly [K in OptionalKey]-?: StructField<NonNullable<DataFile[K]>> }
type OptionalKey = { [K in keyof DataFile]-?: undefined extends DataFile[K] ? K : never }[keyof DataFile]

const optionalFileFields: OptionalFileFields = {
  columnSizes: mapField(108, 'column_sizes', 117, 118, long),
  valueCounts: mapField(109, 'value_counts', 119, 120, long),
  nullValueCounts: mapField(110, 'null_value_counts', 121, 122, long),
  nanValueCounts: mapField(137, 'nan_value_counts', 138, 139, long),
  lowerBounds: mapField(125, 'lower_bounds', 126, 127, binary),
  upperBounds: mapField(128, 'upper_bounds', 129, 130, binary),
  keyMetadata: binaryField(131, 'key_metadata'),
  splitOffsets: listField(132, 'split_offsets', 133, long),
  equalityIds: listField(135, 'equality_ids', 136, int),
  sortOrderId: intField(140, 'sort_order_id'),
  firstRowId: longField(142, 'first_row_id'),
  referencedDataFile: stringField(143, 'referenced_data_file'),
  contentOffset: longField(144, 'content_offset'),
  contentSizeInBytes: longField(145, 'content_size_in_bytes'),
}

const sinceVersion3: ReadonlySet<string> = new Set<OptionalKey>(['firstRowId', 'contentOffset', 'contentSizeInBytes'])

/** The optional fields that a manifest of a format version has, with their keys in `DataFile`. */
export function optionalFieldsOf(formatVersion: 2 | 3): (readonly [OptionalKey, StructField<never>])[] {
  const fields = Object.entries(optionalFileFields) as unknown as [OptionalKey, StructField<never>][]
  return fields.filter(([key]) => formatVersion >= 3 || !sinceVersion3.has(key))
}

/** The Avro schema of a manifest. `partition` is the record of partition values. */
export function manifestEntryRecord(partition: AvroRecord, formatVersion: 2 | 3): AvroRecord {
  const dataFile: AvroRecord = {
    type: 'record',
    name: 'r2',
    fields: [
      requiredAvroField(fileFields.content),
      requiredAvroField(fileFields.filePath),
      requiredAvroField(fileFields.fileFormat),
      { name: 'partition', type: partition, 'field-id': partitionFieldId },
      requiredAvroField(fileFields.recordCount),
      requiredAvroField(fileFields.fileSizeInBytes),
      ...optionalFieldsOf(formatVersion).map(([, field]) => optionalAvroField(field)),
    ],
  }
  return {
    type: 'record',
    name: 'manifest_entry',
    fields: [
      requiredAvroField(entryFields.status),
      optionalAvroField(entryFields.snapshotId),
      optionalAvroField(entryFields.sequenceNumber),
      optionalAvroField(entryFields.fileSequenceNumber),
      { name: 'data_file', type: dataFile, 'field-id': dataFileFieldId },
    ],
  }
}
