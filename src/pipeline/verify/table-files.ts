import type { DataFile, ManifestEntry, ManifestFile, SingleValue } from '../../formats/iceberg/data-file.ts'
import { openManifest } from '../../formats/iceberg/manifest.ts'
import type { NestedField } from '../../formats/iceberg/schema.ts'
import { parseSingleValue } from '../../formats/iceberg/single-value.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { FileIO } from '../../seams/file-io.ts'
import type { Window } from './scope.ts'

/** The columns that say where a row comes from. */
export interface KafkaColumns {
  readonly topic: NestedField
  readonly partition: NestedField
  readonly offset: NestedField
}

/** Where all rows of a file lie. */
export interface Extent extends TopicPartition {
  readonly start: bigint
  /** Exclusive. */
  readonly end: bigint
}

/** What parts of a file take, bytes. */
export interface FileSizes {
  readonly rowGroups: number
  /** Of the Kafka columns of all its rows; the whole file where the manifest does not say. */
  readonly kafka: number
  /** Of the columns that equality deletes compare, and how many of them there are; those of all such deletes of the table. */
  readonly keys: number
  readonly keyColumns: number
  /** Of all columns that the manifest says it of. */
  readonly columns: number
}

/** What a manifest says of a file, as far as it is looked at: ten thousand of them are held at once. */
export interface TableFile {
  readonly path: string
  readonly format: DataFile['fileFormat']
  readonly rows: bigint
  readonly bytes: number
  /** The sequence number with which the file came into the table; a rewrite of manifests keeps it. */
  readonly sequence: bigint
  /** The sequence number of its rows, with which they are compared with deletes; a rewrite of files has that of its inputs. */
  readonly dataSequence: bigint
  /** The partition spec that `partition` follows. */
  readonly specId: number
  readonly partition: readonly SingleValue[]
  /** The snapshot that added the file, or in a list of removed ones, that removed it. */
  readonly snapshot: bigint | null
  /** By the bounds in the manifest; null where they do not tell one topic-partition. */
  readonly extent: Extent | null
  /** What reading it takes, as the manifest tells. */
  readonly sizes: FileSizes
}

/** A file of deletes. */
export interface DeleteFile extends TableFile {
  readonly kind: 'position' | 'equality' | 'vector'
  /** Of equality deletes: the columns that they compare. */
  readonly equalityIds: readonly number[] | undefined
  /** Of a deletion vector: where its bytes begin, and the data file that it is about. */
  readonly blob: { readonly start: number; readonly dataFile: string } | null
}

/** An entry of a manifest, and the partition spec of that manifest. */
export interface SpecEntry {
  readonly entry: ManifestEntry
  readonly specId: number
}

/** The entries of manifests, manifest after manifest. Throws as `openManifest` and the store do. */
export async function* manifestEntries(io: FileIO, manifests: readonly ManifestFile[]): AsyncGenerator<SpecEntry, void, undefined> {
  for (const manifest of manifests) {
    const { entries } = openManifest(await io.read(manifest.manifestPath), manifest)
    for (const entry of entries) yield { entry, specId: manifest.partitionSpecId }
  }
}

/** An entry of a manifest of data files. */
export function tableFile({ entry, specId }: SpecEntry, columns: KafkaColumns, keyIds: ReadonlySet<number> = new Set()): TableFile {
  const { filePath, fileFormat, recordCount, fileSizeInBytes, partition } = entry.dataFile
  return {
    path: filePath,
    format: fileFormat,
    rows: recordCount,
    bytes: Number(fileSizeInBytes),
    sequence: entry.fileSequenceNumber ?? entry.sequenceNumber ?? 0n,
    dataSequence: entry.sequenceNumber ?? 0n,
    specId,
    partition,
    snapshot: entry.snapshotId,
    extent: extentOf(entry.dataFile, columns),
    sizes: sizesOf(entry.dataFile, columns, keyIds),
  }
}

function sizesOf(
  { fileSizeInBytes, columnSizes, splitOffsets }: DataFile,
  { topic, partition, offset }: KafkaColumns,
  keyIds: ReadonlySet<number>,
) {
  const of = (ids: Iterable<number>) => {
    let sum = 0
    for (const id of ids) sum += Number(columnSizes?.get(id) ?? fileSizeInBytes)
    return Math.min(sum, Number(fileSizeInBytes))
  }
  return {
    rowGroups: Math.max(1, splitOffsets?.length ?? 1),
    kafka: of([topic.id, partition.id, offset.id]),
    keys: of(keyIds),
    keyColumns: keyIds.size,
    columns: of(columnSizes?.keys() ?? []),
  }
}

/** An entry of a manifest of deletes. */
export function deleteFile({ entry, specId }: SpecEntry, columns: KafkaColumns): DeleteFile {
  const { content, fileFormat, contentOffset, contentSizeInBytes, referencedDataFile, equalityIds } = entry.dataFile
  const isWhole = contentOffset !== undefined && contentSizeInBytes !== undefined && referencedDataFile !== undefined
  return {
    ...tableFile({ entry, specId }, columns),
    ...(isWhole && { bytes: Number(contentSizeInBytes) }),
    sequence: entry.sequenceNumber ?? 0n,
    blob: isWhole ? { start: Number(contentOffset), dataFile: referencedDataFile } : null,
    kind: fileFormat === 'PUFFIN' ? 'vector' : content === 2 ? 'equality' : 'position',
    equalityIds,
  }
}

/** Whether a file may hold a row of one of these ranges, by the bounds in its manifest entry. */
export function mayHold(file: DataFile, columns: KafkaColumns, windows: Iterable<Window>): boolean {
  const { topic, partition, offset } = boundsOf(file, columns)
  for (const { at, range } of windows) {
    const [start, end] = range
    if (topic !== null && (at.topic < topic[0] || at.topic > topic[1])) continue
    if (partition !== null && (at.partition < partition[0] || at.partition > partition[1])) continue
    if (offset === null || (offset[0] < end && offset[1] >= start)) return true
  }
  return false
}

/** The least and the greatest value of each of the columns; null where the manifest does not tell. */
function boundsOf({ lowerBounds, upperBounds }: DataFile, columns: KafkaColumns) {
  const of = ({ id, type }: NestedField) => {
    const [lower, upper] = [lowerBounds?.get(id), upperBounds?.get(id)]
    if (lower === undefined || upper === undefined || typeof type !== 'string') return null
    try {
      return [parseSingleValue(type, lower), parseSingleValue(type, upper)] as const
    } catch {
      return null
    }
  }
  const [topic, partition, offset] = [of(columns.topic), of(columns.partition), of(columns.offset)]
  return {
    topic: topic === null ? null : ([String(topic[0]), String(topic[1])] as const),
    partition: partition === null ? null : ([Number(partition[0]), Number(partition[1])] as const),
    offset: typeof offset?.[0] === 'bigint' && typeof offset[1] === 'bigint' ? ([offset[0], offset[1]] as const) : null,
  }
}

function extentOf(file: DataFile, columns: KafkaColumns): Extent | null {
  const { topic, partition, offset } = boundsOf(file, columns)
  if (topic === null || partition === null || offset === null) return null
  if (topic[0] !== topic[1] || partition[0] !== partition[1]) return null
  return { topic: topic[0], partition: partition[0], start: offset[0], end: offset[1] + 1n }
}
