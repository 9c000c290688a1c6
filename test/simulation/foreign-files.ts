import type { ManifestEntry, ManifestFile } from '../../src/formats/iceberg/data-file.ts'
import { readManifest, writeManifest } from '../../src/formats/iceberg/manifest.ts'
import { summarizeManifest } from '../../src/formats/iceberg/summarize-manifest.ts'
import { currentSchema, defaultSpec, type TableMetadata } from '../../src/formats/iceberg/table-metadata.ts'
import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import { resolveLayout } from '../../src/pipeline/commit/resolve-layout.ts'
import { liveFile } from '../../src/pipeline/maintain/live-entries.ts'
import { rewriteGroup } from '../../src/service/tasks/rewriter.ts'
import { writeEqualityDelete, writePositionDelete } from './foreign-deletes.ts'
import { writeForeignRows } from './foreign-rows.ts'
import type { Clock } from '../../src/seams/clock.ts'
import type { Entropy } from '../../src/seams/entropy.ts'
import type { FileIO } from '../../src/seams/file-io.ts'
import type { TopicMapping } from '../../src/spec/table-mapping.ts'
import type { TableReader } from './table-reader.ts'

interface FileSurroundings {
  readonly clock: Clock
  readonly io: FileIO
  readonly mapping: TopicMapping
  readonly reader: TableReader
}

/** The manifests of a new snapshot and what its summary says of the rows. */
export interface Change {
  readonly operation: 'append' | 'replace' | 'delete'
  readonly manifests: readonly ManifestFile[]
  readonly addedRows: bigint
}

/** What another writer makes of a table's files: the manifests of its next snapshot, and the files that they name. */
export class ForeignFiles {
  readonly #table: string
  readonly #random: SeededRandom
  readonly #entropy: Entropy
  readonly #around: FileSurroundings
  #rows = 0

  constructor(table: string, random: SeededRandom, entropy: Entropy, around: FileSurroundings) {
    this.#table = table
    this.#random = random
    this.#entropy = entropy
    this.#around = around
  }

  async appendFile(metadata: TableMetadata, manifests: readonly ManifestFile[], id: bigint): Promise<Change> {
    const { clock, io, mapping } = this.#around
    const layout = resolveLayout(this.#table, metadata, mapping)
    const count = 1 + this.#random.below(4)
    const [dataFile] = await writeForeignRows(this.#rows, count, metadata, layout, { io, clock, entropy: this.#entropy })
    this.#rows += count
    const added = await this.#writeManifest(metadata, id, [
      { status: 1, snapshotId: null, sequenceNumber: null, fileSequenceNumber: null, dataFile },
    ])
    return { operation: 'append', manifests: [added, ...manifests], addedRows: dataFile.recordCount }
  }

  /** All live files named by one new manifest. */
  async rewriteManifests(metadata: TableMetadata, manifests: readonly ManifestFile[], id: bigint): Promise<Change | null> {
    const entries = (await this.#liveEntries(manifests)).map((entry): ManifestEntry => ({ ...entry, status: 0 }))
    if (entries.length === 0) return null
    return { operation: 'replace', manifests: [await this.#writeManifest(metadata, id, entries), ...deletesOf(manifests)], addedRows: 0n }
  }

  /** Some files, made one, without what takes rows out of them. */
  async rewriteFiles(metadata: TableMetadata, manifests: readonly ManifestFile[], id: bigint): Promise<Change | null> {
    const { io } = this.#around
    const live = await this.#liveEntries(manifests)
    const names = new Set(await this.#namedByDeletes(manifests))
    if (names.has(null)) return null
    const inputs = live.filter(({ dataFile }) => !names.has(dataFile.filePath)).slice(0, 2 + this.#random.below(4))
    if (inputs.length < 2) return null
    const { files } = await rewriteGroup(
      {
        specId: metadata['default-spec-id'],
        partition: [],
        inputs: inputs.map((entry) => ({ live: liveFile(entry, metadata['default-spec-id']), deletes: [] })),
        sequenceNumber: metadata['last-sequence-number'],
      },
      metadata,
      {
        io,
        sortOrder: null,
        rowGroupBytes: 1e6,
        targetFileSizeBytes: 1e6,
        memoryLimitBytes: 1e6,
        newLocation: () => `${metadata.location}/data/foreign-${this.#entropy.uuid()}.parquet`,
        signal: new AbortController().signal,
      },
    )
    const entries = [
      ...files.map((dataFile): ManifestEntry => ({
        status: 1,
        snapshotId: null,
        sequenceNumber: null,
        fileSequenceNumber: null,
        dataFile,
      })),
      ...live.map((entry): ManifestEntry => (inputs.includes(entry) ? { ...entry, status: 2, snapshotId: id } : { ...entry, status: 0 })),
    ]
    return { operation: 'replace', manifests: [await this.#writeManifest(metadata, id, entries), ...deletesOf(manifests)], addedRows: 0n }
  }

  /** Paths that position deletes name; null where there are others. */
  async #namedByDeletes(manifests: readonly ManifestFile[]): Promise<(string | null)[]> {
    const { io, reader } = this.#around
    const entries = await Promise.all(
      deletesOf(manifests).map(async (manifest) => readManifest(await io.read(manifest.manifestPath), manifest).entries),
    )
    const live = entries.flat().filter(({ status }) => status !== 2)
    return Promise.all(live.map(async ({ dataFile }) => (dataFile.content === 2 ? null : reader.deletedFrom(dataFile.filePath))))
  }

  /** What `DELETE` does whose condition covers a whole file. */
  async deleteFile(metadata: TableMetadata, manifests: readonly ManifestFile[], id: bigint): Promise<Change | null> {
    const live = await this.#liveEntries(manifests)
    if (live.length === 0) return null
    const gone = this.#random.below(live.length)
    const entries = live.map((entry, i): ManifestEntry => (i === gone ? { ...entry, status: 2, snapshotId: id } : { ...entry, status: 0 }))
    return {
      operation: 'delete',
      manifests: [await this.#writeManifest(metadata, id, entries), ...deletesOf(manifests)],
      addedRows: -live[gone].dataFile.recordCount,
    }
  }

  /** What an engine does that merges on read: by the place of a row, or by what tells it from all others. */
  async deleteRow(
    kind: 'foreign-delete-position' | 'foreign-delete-record',
    metadata: TableMetadata,
    manifests: readonly ManifestFile[],
    id: bigint,
  ): Promise<Change | null> {
    const { io, reader } = this.#around
    const live = await this.#liveEntries(manifests)
    if (live.length === 0) return null
    const path = this.#random.pick(live).dataFile.filePath
    const rows = await reader.rowsOf(path)
    const position = this.#random.below(rows.length)
    const name = `${metadata.location}/data/foreign-${this.#entropy.uuid()}.parquet`
    const dataFile =
      kind === 'foreign-delete-position'
        ? await writePositionDelete(io, name, path, position)
        : await writeEqualityDelete(io, name, metadata, rows[position])
    const entries: ManifestEntry[] = [{ status: 1, snapshotId: null, sequenceNumber: null, fileSequenceNumber: null, dataFile }]
    return { operation: 'delete', manifests: [...manifests, await this.#writeManifest(metadata, id, entries, 1)], addedRows: 0n }
  }

  async #liveEntries(manifests: readonly ManifestFile[]): Promise<ManifestEntry[]> {
    const read = await Promise.all(
      manifests
        .filter(({ content }) => content === 0)
        .map(async (manifest) => readManifest(await this.#around.io.read(manifest.manifestPath), manifest).entries),
    )
    return read.flat().filter(({ status }) => status !== 2)
  }

  async #writeManifest(
    metadata: TableMetadata,
    snapshotId: bigint,
    entries: readonly ManifestEntry[],
    content: 0 | 1 = 0,
  ): Promise<ManifestFile> {
    const [schema, spec] = [currentSchema(metadata), defaultSpec(metadata)]
    const path = `${metadata.location}/metadata/foreign-${this.#entropy.uuid()}-m0.avro`
    const bytes = writeManifest({ schema, spec, content, formatVersion: 2, entries, syncMarker: new Uint8Array(16) })
    await this.#around.io.write(path, [bytes])
    return summarizeManifest({ path, length: BigInt(bytes.length), spec, schema, content, snapshotId, sequenceNumber: null, entries })
  }
}

function deletesOf(manifests: readonly ManifestFile[]): ManifestFile[] {
  return manifests.filter(({ content }) => content === 1)
}
