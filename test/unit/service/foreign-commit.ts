import type { DataFile, ManifestEntry, ManifestFile } from '../../../src/formats/iceberg/data-file.ts'
import { readManifest, writeManifest } from '../../../src/formats/iceberg/manifest.ts'
import { readManifestList, writeManifestList } from '../../../src/formats/iceberg/manifest-list.ts'
import { summarizeManifest } from '../../../src/formats/iceberg/summarize-manifest.ts'
import { currentSchema, currentSnapshot, defaultSpec } from '../../../src/formats/iceberg/table-metadata.ts'
import { vectorOf } from '../formats/arrow/fill.ts'
import { batchOf, encodeFile } from '../formats/parquet/encode/files.ts'
import { vectorOf as deletionVectorOf } from './deletion-vectors.ts'
import { namespace, type World } from './world.ts'

const syncMarker = new Uint8Array(16)

/** What another writer has of a world: its table and its files. */
export type ForeignWorld = Pick<World, 'io' | 'catalog' | 'table'> & { readonly seams: Pick<World['seams'], 'entropy'> }

/** The live data files of a table, each with its sequence number. */
export async function liveEntries({ io, table }: ForeignWorld, name: string): Promise<ManifestEntry[]> {
  const { manifests } = readManifestList(await io.read(currentSnapshot(await table(name))!['manifest-list']))
  const entries: ManifestEntry[] = []
  for (const manifest of manifests) entries.push(...readManifest(await io.read(manifest.manifestPath), manifest).entries)
  return entries.filter(({ status }) => status !== 2)
}

/** What another writer does in one snapshot. */
export interface ForeignChange {
  /** Paths of data files to remove. */
  readonly remove?: readonly string[]
  readonly add?: readonly DataFile[]
  readonly deletes?: readonly DataFile[]
  /** Of the manifests that are written: deletion vectors are of version 3. */
  readonly formatVersion?: 2 | 3
  /** Whether the table is replaced, as by `CREATE OR REPLACE … AS SELECT`: the snapshot has no parent, and of the files only those of `add`. */
  readonly replaces?: boolean
}

/** Commits a snapshot that knows nothing of this program; returns its id. */
export async function commitForeign(
  world: ForeignWorld,
  name: string,
  { remove = [], add = [], deletes = [], formatVersion = 2, replaces = false }: ForeignChange,
): Promise<bigint> {
  const { io, catalog, seams } = world
  const metadata = await world.table(name)
  const parent = replaces ? null : currentSnapshot(metadata)
  const [schema, spec] = [currentSchema(metadata), defaultSpec(metadata)]
  const snapshotId = seams.entropy.int63()
  const sequenceNumber = metadata['last-sequence-number'] + 1n
  const write = async (content: 0 | 1, entries: readonly ManifestEntry[]): Promise<ManifestFile> => {
    const path = `${metadata.location}/metadata/${seams.entropy.uuid()}.avro`
    const bytes = writeManifest({ schema, spec, content, formatVersion, entries, syncMarker })
    await io.write(path, [bytes])
    return summarizeManifest({ path, length: BigInt(bytes.length), spec, schema, content, snapshotId, sequenceNumber: null, entries })
  }
  const added = (dataFile: DataFile): ManifestEntry => ({
    status: 1,
    snapshotId: null,
    sequenceNumber: null,
    fileSequenceNumber: null,
    dataFile,
  })
  const manifests: ManifestFile[] = []
  for (const manifest of parent === null ? [] : readManifestList(await io.read(parent['manifest-list'])).manifests) {
    const { entries } = readManifest(await io.read(manifest.manifestPath), manifest)
    const live = entries.filter(({ status }) => status !== 2)
    if (!live.some(({ dataFile }) => remove.includes(dataFile.filePath))) manifests.push(manifest)
    else {
      const rewritten = live.map((entry) =>
        remove.includes(entry.dataFile.filePath) ? { ...entry, status: 2 as const, snapshotId } : { ...entry, status: 0 as const },
      )
      manifests.push(await write(0, rewritten))
    }
  }
  if (add.length > 0) manifests.unshift(await write(0, add.map(added)))
  if (deletes.length > 0) manifests.push(await write(1, deletes.map(added)))
  const manifestList = `${metadata.location}/metadata/${seams.entropy.uuid()}.avro`
  const parentSnapshotId = parent?.['snapshot-id'] ?? null
  await io.write(manifestList, [
    writeManifestList({ manifests, snapshotId, parentSnapshotId, sequenceNumber, formatVersion: 2, syncMarker }),
  ])
  const outcome = await catalog.commitTable(
    { namespace, name },
    {
      requirements: [],
      updates: [
        {
          action: 'add-snapshot',
          snapshot: {
            'snapshot-id': snapshotId,
            ...(parentSnapshotId !== null && { 'parent-snapshot-id': parentSnapshotId }),
            'sequence-number': sequenceNumber,
            'timestamp-ms': (parent?.['timestamp-ms'] ?? metadata['last-updated-ms']) + 1,
            'manifest-list': manifestList,
            summary: { operation: remove.length + deletes.length > 0 ? 'overwrite' : 'append' },
          },
        },
        { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': snapshotId },
      ],
      idempotencyKey: seams.entropy.uuidV7(),
    },
  )
  if (outcome.kind !== 'committed') throw new Error(`the foreign commit came to ${outcome.kind}`)
  return snapshotId
}

/** Makes another snapshot the current one, as engines roll back. */
export async function rollBack({ catalog, seams }: ForeignWorld, snapshotId: bigint, name = 'orders'): Promise<void> {
  const update = { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': snapshotId } as const
  const request = { requirements: [], updates: [update], idempotencyKey: seams.entropy.uuidV7() }
  const outcome = await catalog.commitTable({ namespace, name }, request)
  if (outcome.kind !== 'committed') throw new Error(`the rollback came to ${outcome.kind}`)
}

/** Writes a deletion vector that takes these rows out of a data file, behind other bytes in its file. */
export async function deletionVector({ io, seams }: World, path: string, positions: readonly number[]): Promise<DataFile> {
  const blob = deletionVectorOf(new Map([[0, { kind: positions.length > 4096 ? 'bitmap' : 'array', values: positions }]]), false)
  const filePath = `${path.slice(0, path.lastIndexOf('/'))}/${seams.entropy.uuid()}.puffin`
  await io.write(filePath, [Buffer.concat([Buffer.from('PFA1'), blob, Buffer.from('rest')])])
  return {
    content: 1,
    filePath,
    fileFormat: 'PUFFIN',
    partition: [],
    recordCount: BigInt(positions.length),
    fileSizeInBytes: BigInt(blob.length + 8),
    referencedDataFile: path,
    contentOffset: 4n,
    contentSizeInBytes: BigInt(blob.length),
  }
}

/** Writes a position delete file that takes these rows out of a data file. */
export async function positionDeletes({ io, seams }: ForeignWorld, path: string, positions: readonly number[]): Promise<DataFile> {
  const fields = [
    { id: 2147483546, name: 'file_path', required: true, type: 'string' },
    { id: 2147483545, name: 'pos', required: true, type: 'long' },
  ] as const
  const columns = [
    vectorOf(
      'string',
      positions.map(() => Buffer.from(path)),
    ),
    vectorOf('long', positions.map(BigInt)),
  ]
  const { bytes } = encodeFile(fields, [[{ length: positions.length, columns }]])
  const filePath = `${path.slice(0, path.lastIndexOf('/'))}/${seams.entropy.uuid()}.parquet`
  await io.write(filePath, [bytes])
  return {
    content: 1,
    filePath,
    fileFormat: 'PARQUET',
    partition: [],
    recordCount: BigInt(positions.length),
    fileSizeInBytes: BigInt(bytes.length),
  }
}

/** Writes a file of equality deletes: of the rows whose `columns` have the values of a row of `rows`. */
export async function equalityDeletes(
  { io, seams, table }: World,
  name: string,
  columns: readonly string[],
  rows: readonly (readonly unknown[])[],
): Promise<DataFile> {
  const metadata = await table(name)
  const { location } = metadata
  const { fields: all } = currentSchema(metadata)
  const fields = columns.map((column) => all.find((field) => field.name === column)!)
  const { bytes } = encodeFile(fields, [[batchOf(fields, rows)]])
  const filePath = `${location}/data/${seams.entropy.uuid()}.parquet`
  await io.write(filePath, [bytes])
  return {
    content: 2,
    filePath,
    fileFormat: 'PARQUET',
    partition: [],
    recordCount: BigInt(rows.length),
    fileSizeInBytes: BigInt(bytes.length),
    equalityIds: fields.map(({ id }) => id),
  }
}
