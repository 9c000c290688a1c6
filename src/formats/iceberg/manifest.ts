import { type Container, openContainer } from '../avro/container-reader.ts'
import { writeContainer } from '../avro/container-writer.ts'
import { AvroError } from '../avro/schema.ts'
import type { AvroValue } from '../avro/schema.ts'
import { StructReader } from './avro-struct.ts'
import type { DataFile, ManifestEntry, ManifestFile, SingleValue } from './data-file.ts'
import { dataFileFieldId, entryFields, fileFields, manifestEntryRecord, optionalFieldsOf, partitionFieldId } from './manifest-fields.ts'
import { readManifestHeader, writeManifestHeader } from './manifest-header.ts'
import type { PartitionField, PartitionSpec } from './partition-spec.ts'
import { partitionRecord, partitionTypes, partitionValueFromAvro, partitionValueToAvro } from './partition-type.ts'
import type { PrimitiveType, Schema } from './schema.ts'

export interface ManifestContents {
  /** A schema of the table that has the source columns of the spec. */
  readonly schema: Schema
  readonly spec: PartitionSpec
  /** 0 data files, 1 delete files. */
  readonly content: 0 | 1
  readonly formatVersion: 2 | 3
  /** Taken one at a time, once. */
  readonly entries: Iterable<ManifestEntry>
  /** 16 random bytes. */
  readonly syncMarker: Uint8Array
}

/**
 * A manifest file (table specification, "Manifests"). Added entries may leave snapshot id and sequence numbers null, to inherit them;
 * existing and deleted ones carry them. Their file sequence number may be null where another writer left it out: then nobody knows it.
 * @throws Error for an entry that breaks these rules or the types of the spec, naming its number.
 */
export function writeManifest(contents: ManifestContents): Uint8Array {
  const { schema, spec, formatVersion } = contents
  const types = partitionTypes(schema, spec)
  return writeContainer({
    schema: manifestEntryRecord(partitionRecord(spec, types), formatVersion),
    metadata: writeManifestHeader(contents),
    records: entryRecords(contents, types),
    syncMarker: contents.syncMarker,
  })
}

function* entryRecords(contents: ManifestContents, types: readonly PrimitiveType[]): Generator<AvroValue> {
  const optional = optionalFieldsOf(contents.formatVersion)
  let number = 0
  for (const entry of contents.entries) {
    const i = number++
    const file = entry.dataFile
    const refuse = (problem: string): never => {
      throw new Error(`iceberg: manifest entry ${i}: ${problem}`)
    }
    if (entry.status !== 1 && (entry.snapshotId === null || entry.sequenceNumber === null)) {
      refuse('an entry that is not ADDED needs its snapshot id and sequence numbers, found null')
    }
    if ((file.content === 0) !== (contents.content === 0)) {
      refuse(`content ${file.content} can not stand in a manifest of ${contents.content === 0 ? 'data' : 'delete'} files`)
    }
    if (file.partition.length !== types.length) refuse(`expected ${types.length} partition values, found ${file.partition.length}`)
    yield [
      entry.status,
      entry.snapshotId,
      entry.sequenceNumber,
      entry.fileSequenceNumber,
      [
        file.content,
        file.filePath,
        file.fileFormat,
        file.partition.map((value, field) => partitionValueToAvro(types[field], value)),
        file.recordCount,
        file.fileSizeInBytes,
        ...optional.map(([key, field]) => (file[key] === undefined ? null : field.toAvro(file[key] as never))),
      ],
    ]
  }
}

/** What entries inherit from their manifest's row in the manifest list. */
export type ManifestOrigin = Pick<ManifestFile, 'manifestPath' | 'partitionSpecId' | 'addedSnapshotId' | 'sequenceNumber' | 'firstRowId'>

export interface Manifest<Entries = ManifestEntry[]> {
  /** In the file's order, with inherited values filled in. Partition values are in the order of `partitionFields`. */
  readonly entries: Entries
  readonly specId: number
  /** The fields of the spec that the manifest was written with. */
  readonly partitionFields: readonly PartitionField[]
  readonly content: 0 | 1
  readonly formatVersion: number
}

/**
 * Reads a manifest of any format version up to 3; fields are found by their ids, unknown ones are ignored. Null snapshot ids, the
 * null sequence numbers of added entries and null first row ids are inherited ("Sequence Number Inheritance", "First Row ID
 * Inheritance"); in version 1, which has no sequence numbers, they are 0.
 * @throws AvroError that names the manifest and the place in it.
 */
export function readManifest(bytes: Uint8Array, origin: ManifestOrigin): Manifest {
  const manifest = openManifest(bytes, origin)
  return { ...manifest, entries: [...manifest.entries] }
}

/**
 * As `readManifest`, with entries that are read as they are taken, once: ten thousand with all their metrics take more than a hundred
 * megabytes when they are held.
 */
export function openManifest(bytes: Uint8Array, origin: ManifestOrigin): Manifest<Generator<ManifestEntry, void, undefined>> {
  return namingManifest(origin, () => {
    const container = openContainer(bytes)
    const header = readManifestHeader(container.metadata, origin.partitionSpecId)
    return { ...header, entries: entriesOf(container, header.partitionFields, origin) }
  })
}

function namingManifest<T>({ manifestPath }: ManifestOrigin, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof AvroError) throw new AvroError(`manifest ${manifestPath}: ${error.message}`, { cause: error })
    throw error
  }
}

function entriesOf(
  { schema, records }: Container,
  partitionFields: readonly PartitionField[],
  origin: ManifestOrigin,
): Generator<ManifestEntry, void, undefined> {
  const entryReader = new StructReader(schema, 'manifest_entry')
  const fileSchema = entryReader.schema(dataFileFieldId)
  if (fileSchema === undefined) throw new AvroError(`iceberg: manifest_entry has no data_file (field ${dataFileFieldId})`)
  const readFile = fileReader(new StructReader(fileSchema, 'data_file'), partitionFields)
  let nextRowId = origin.firstRowId
  const entryOf = (record: AvroValue, i: number): ManifestEntry => {
    const status = entryReader.required(record, entryFields.status)
    if (status !== 0 && status !== 1 && status !== 2)
      throw new AvroError(`iceberg: manifest entry ${i}: expected status 0, 1 or 2, found ${status}`)
    let dataFile = readFile(entryReader.value(record, dataFileFieldId) ?? null, i)
    if (nextRowId !== undefined && dataFile.firstRowId === undefined && status !== 2 && dataFile.content === 0) {
      dataFile = { ...dataFile, firstRowId: nextRowId }
      nextRowId += dataFile.recordCount
    }
    const inherited = status === 1 || origin.sequenceNumber === 0n ? origin.sequenceNumber : null
    return {
      status,
      snapshotId: entryReader.optional(record, entryFields.snapshotId) ?? origin.addedSnapshotId,
      sequenceNumber: entryReader.optional(record, entryFields.sequenceNumber) ?? inherited,
      fileSequenceNumber: entryReader.optional(record, entryFields.fileSequenceNumber) ?? inherited,
      dataFile,
    }
  }
  function* entries(): Generator<ManifestEntry, void, undefined> {
    for (let i = 0; ; i++) {
      const entry = namingManifest(origin, () => {
        const { value, done } = records.next()
        return done === true ? null : entryOf(value, i)
      })
      if (entry === null) return
      yield entry
    }
  }
  return entries()
}

function fileReader(reader: StructReader, partitionFields: readonly PartitionField[]): (record: AvroValue, entry: number) => DataFile {
  const partitionSchema = reader.schema(partitionFieldId)
  if (partitionSchema === undefined) throw new AvroError(`iceberg: data_file has no partition (field ${partitionFieldId})`)
  const partitionReader = new StructReader(partitionSchema, 'partition')
  const optional = optionalFieldsOf(3)
  return (record, entry) => {
    const content = reader.optional(record, fileFields.content) ?? 0
    if (content !== 0 && content !== 1 && content !== 2)
      throw new AvroError(`iceberg: manifest entry ${entry}: expected content 0, 1 or 2, found ${content}`)
    const tuple = reader.value(record, partitionFieldId) ?? null
    const partition = partitionFields.map(({ 'field-id': id, name }): SingleValue => {
      const type = partitionReader.schema(id)
      const value = type === undefined ? null : partitionValueFromAvro(type, partitionReader.value(tuple, id) ?? null)
      if (value === undefined)
        throw new AvroError(`iceberg: manifest entry ${entry}: partition field ${id} "${name}" holds no single value`)
      return value
    })
    return {
      content,
      filePath: reader.required(record, fileFields.filePath),
      fileFormat: fileFormat(reader.required(record, fileFields.fileFormat), entry),
      partition,
      recordCount: reader.required(record, fileFields.recordCount),
      fileSizeInBytes: reader.required(record, fileFields.fileSizeInBytes),
      ...Object.fromEntries(
        optional.flatMap(([key, field]) => {
          const value = reader.optional(record, field)
          return value === undefined ? [] : [[key, value]]
        }),
      ),
    }
  }
}

function fileFormat(name: string, entry: number): DataFile['fileFormat'] {
  const upper = name.toUpperCase()
  if (upper === 'PARQUET' || upper === 'AVRO' || upper === 'ORC' || upper === 'PUFFIN') return upper
  throw new AvroError(`iceberg: manifest entry ${entry}: file format "${name.slice(0, 32)}" is not known`)
}
