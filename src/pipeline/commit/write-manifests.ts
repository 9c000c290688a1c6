import type { ManifestEntry, ManifestFile } from '../../formats/iceberg/data-file.ts'
import { writeManifest } from '../../formats/iceberg/manifest.ts'
import type { PartitionSpec } from '../../formats/iceberg/partition-spec.ts'
import { findField } from '../../formats/iceberg/primitive-type.ts'
import type { Schema } from '../../formats/iceberg/schema.ts'
import { type SummarizedEntry, summarizeManifest } from '../../formats/iceberg/summarize-manifest.ts'
import { metadataDirectory } from '../../formats/iceberg/table-location.ts'
import { currentSchema, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import type { Entropy } from '../../seams/entropy.ts'
import type { FileIO } from '../../seams/file-io.ts'
import type { AddedFile } from './file-change.ts'

/** What the manifests of a snapshot that is being built are written with. */
export interface ManifestWriting {
  readonly metadata: TableMetadata
  /** Of the new snapshot. */
  readonly snapshotId: bigint
  readonly io: FileIO
  readonly entropy: Entropy
}

/** The manifests of new files, one for each partition spec. Where entries do not say their sequence number, they inherit it. */
export async function writeAdded(writing: ManifestWriting, added: readonly AddedFile[]): Promise<ManifestFile[]> {
  const manifests: ManifestFile[] = []
  for (const [specId, files] of Map.groupBy(added, (one) => one.specId)) {
    const entries = files.map(({ file, sequenceNumber }): ManifestEntry => ({
      status: 1,
      snapshotId: null,
      sequenceNumber,
      fileSequenceNumber: null,
      dataFile: file,
    }))
    manifests.push(await writeOne(writing, specId, 0, entries))
  }
  return manifests
}

/** Writes a manifest of files of one kind (0 data, 1 deletes) and spec. The entries are taken one at a time: none is held with its metrics. */
export async function writeOne(
  { metadata, snapshotId, io, entropy }: ManifestWriting,
  specId: number,
  content: 0 | 1,
  entries: Iterable<ManifestEntry>,
): Promise<ManifestFile> {
  const spec = metadata['partition-specs'].find((candidate) => candidate['spec-id'] === specId)
  if (spec === undefined)
    throw new WorkError(`${metadata.location}: a manifest names partition spec ${specId}, which the table does not have`, {
      retry: 'never',
    })
  const schema = schemaFor(metadata, spec)
  const path = `${metadataDirectory(metadata)}/${entropy.uuid()}-m0.avro`
  const written: SummarizedEntry[] = []
  const noted = Iterator.from(entries).map((entry) => {
    const { status, sequenceNumber, dataFile } = entry
    written.push({ status, sequenceNumber, dataFile: { partition: dataFile.partition, recordCount: dataFile.recordCount } })
    return entry
  })
  const formatVersion = versionOf(metadata)
  const bytes = writeManifest({ schema, spec, content, formatVersion, entries: noted, syncMarker: syncMarker(entropy) })
  await io.write(path, [bytes])
  return summarizeManifest({
    path,
    length: BigInt(bytes.length),
    spec,
    schema,
    content,
    snapshotId,
    sequenceNumber: null,
    entries: written,
  })
}

/** The current schema, or where it lacks a source column of an old spec, the newest that has all of them. */
function schemaFor(metadata: TableMetadata, spec: PartitionSpec): Schema {
  const hasSources = ({ fields }: Schema) => spec.fields.every((field) => findField(fields, field['source-id']) !== undefined)
  const current = currentSchema(metadata)
  return hasSources(current) ? current : (metadata.schemas.findLast(hasSources) ?? current)
}

/** The format version that a table's files of metadata are written in. */
export function versionOf(metadata: TableMetadata): 2 | 3 {
  const version = metadata['format-version']
  if (version === 2 || version === 3) return version
  throw new WorkError(`${metadata.location} is of format version ${version}, and this program writes versions 2 and 3`, { retry: 'never' })
}

/** 16 random bytes for an Avro file. */
export function syncMarker(entropy: Entropy): Uint8Array {
  return Uint8Array.from(Buffer.from(entropy.uuid().replaceAll('-', ''), 'hex'))
}
