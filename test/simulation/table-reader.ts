import { zstdDecompressSync } from 'node:zlib'
import { parquetReadObjects } from 'hyparquet'
import type { ManifestFile } from '../../src/formats/iceberg/data-file.ts'
import { readManifest } from '../../src/formats/iceberg/manifest.ts'
import { type ManifestList, readManifestList } from '../../src/formats/iceberg/manifest-list.ts'
import type { Snapshot } from '../../src/formats/iceberg/table-metadata.ts'
import type { FileIO } from '../../src/seams/file-io.ts'
import { InvariantBroken } from './faults.ts'

/** A row as far as exactly-once is concerned. */
export interface Row {
  /** `topic/partition`. */
  readonly log: string
  readonly offset: bigint
  /** Which log of its name, where it was restarted. */
  readonly incarnation: number
  readonly value: string
}

export interface LiveFile {
  readonly path: string
  readonly rows: readonly Row[]
}

/**
 * Reads snapshots as any engine would: manifest list, manifests, Parquet files by another library than the one that wrote them.
 * Files never change, so each is read once. Throws where a file is missing or says other counts than the file that names it.
 */
export class TableReader {
  readonly #io: FileIO
  readonly #manifests = new Map<string, Promise<{ path: string; rows: bigint }[]>>()
  readonly #files = new Map<string, Promise<readonly Row[]>>()

  constructor(io: FileIO) {
    this.#io = io
  }

  async manifestList(snapshot: Snapshot): Promise<ManifestList> {
    return readManifestList(await this.#read(snapshot['manifest-list']))
  }

  /** Every file that a snapshot names: its manifest list, its manifests and what is live in them. */
  async namedBy(snapshot: Snapshot): Promise<string[]> {
    const { manifests } = await this.manifestList(snapshot)
    const live = await Promise.all(manifests.map((manifest) => this.#liveEntries(manifest)))
    return [snapshot['manifest-list'], ...manifests.map(({ manifestPath }) => manifestPath), ...live.flat().map(({ path }) => path)]
  }

  async liveFiles(list: ManifestList): Promise<LiveFile[]> {
    const files: LiveFile[] = []
    for (const manifest of list.manifests) {
      for (const { path, rows: expected } of await this.#liveEntries(manifest)) {
        const rows = await this.#rowsOf(path)
        if (BigInt(rows.length) !== expected) throw new Error(`${path} has ${rows.length} rows, and its manifest entry says ${expected}`)
        files.push({ path, rows })
      }
    }
    return files
  }

  async #read(path: string): Promise<Uint8Array> {
    try {
      return await this.#io.read(path)
    } catch (error) {
      throw new InvariantBroken('no referenced file is missing', (error as Error).message)
    }
  }

  #liveEntries(manifest: ManifestFile): Promise<{ path: string; rows: bigint }[]> {
    let live = this.#manifests.get(manifest.manifestPath)
    if (live === undefined) this.#manifests.set(manifest.manifestPath, (live = this.#readManifest(manifest)))
    return live
  }

  async #readManifest(manifest: ManifestFile): Promise<{ path: string; rows: bigint }[]> {
    const bytes = await this.#read(manifest.manifestPath)
    if (BigInt(bytes.length) !== manifest.manifestLength)
      throw new Error(`${manifest.manifestPath} has ${bytes.length} bytes, not ${manifest.manifestLength}`)
    return readManifest(bytes, manifest)
      .entries.filter(({ status }) => status !== 2)
      .map(({ dataFile }) => ({ path: dataFile.filePath, rows: dataFile.recordCount }))
  }

  #rowsOf(path: string): Promise<readonly Row[]> {
    let rows = this.#files.get(path)
    if (rows === undefined) this.#files.set(path, (rows = this.#readRows(path)))
    return rows
  }

  async #readRows(path: string): Promise<readonly Row[]> {
    const bytes = await this.#read(path)
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
    const rows = await parquetReadObjects({
      file,
      utf8: false,
      compressors: { ZSTD: (compressed) => zstdDecompressSync(compressed) },
    })
    return rows.map((row) => ({
      log: `${textOf(row.kafka_topic)}/${row.kafka_partition as number}`,
      offset: row.kafka_offset as bigint,
      incarnation: (row.kafka_incarnation as number | null | undefined) ?? 1,
      value: row.value === undefined ? documentOf(row) : textOf(row.value),
    }))
  }
}

/** The document that columns and rescue column give back, its members in the order in which they were written. */
function documentOf({ made, offset, more, _rescued }: Record<string, unknown>): string {
  const rescued = JSON.parse(_rescued === null ? '{}' : textOf(_rescued)) as Record<string, string>
  const members = [
    ['made', made === null || made === undefined ? undefined : JSON.stringify(textOf(made))],
    ['offset', (offset as bigint | null | undefined)?.toString()],
    ['more', (more as boolean | null | undefined)?.toString()],
  ] as const
  const written = members.flatMap(([name, column]) => {
    const text = rescued[`$['${name}']`] ?? column
    return text === undefined ? [] : [`"${name}":${text}`]
  })
  return `{${written.join(',')}}`
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : Buffer.from(value as Uint8Array).toString()
}
