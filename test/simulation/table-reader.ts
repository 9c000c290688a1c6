import { zstdDecompressSync } from 'node:zlib'
import { parquetReadObjects } from 'hyparquet'
import type { DataFile, ManifestFile } from '../../src/formats/iceberg/data-file.ts'
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
  /** Of the record, ms; null where it had none. */
  readonly timestampMs: number | null
}

export interface LiveFile {
  readonly path: string
  /** Those that no delete takes out. */
  readonly rows: readonly Row[]
  /** All that are in it. */
  readonly records: number
}

/** A file that a manifest has as live, and its data sequence number. */
interface Live {
  readonly file: DataFile
  readonly sequenceNumber: bigint
}

/** What takes rows out of data files that are as old, or older. */
interface Deletes {
  /** By path and position. */
  readonly positions: readonly { readonly place: string; readonly sequenceNumber: bigint }[]
  /** By log and offset. */
  readonly records: readonly { readonly record: string; readonly sequenceNumber: bigint }[]
}

/**
 * Reads snapshots as any engine would: manifest list, manifests, Parquet files by another library than the one that wrote them, less what
 * delete files take out. Files never change, so each is read once. Throws where a file is missing or says other counts than the file that
 * names it.
 */
export class TableReader {
  readonly #io: FileIO
  readonly #manifests = new Map<string, Promise<Live[]>>()
  readonly #files = new Map<string, Promise<readonly Row[]>>()
  readonly #deletes = new Map<string, Promise<Record<string, unknown>[]>>()

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
    return [
      snapshot['manifest-list'],
      ...manifests.map(({ manifestPath }) => manifestPath),
      ...live.flat().map(({ file }) => file.filePath),
    ]
  }

  async liveFiles({ manifests }: ManifestList): Promise<LiveFile[]> {
    const deletes = await this.#deletesIn(manifests.filter(({ content }) => content === 1))
    const files: LiveFile[] = []
    for (const manifest of manifests.filter(({ content }) => content === 0)) {
      for (const { file, sequenceNumber } of await this.#liveEntries(manifest)) {
        const path = file.filePath
        const rows = await this.rowsOf(path)
        if (BigInt(rows.length) !== file.recordCount)
          throw new Error(`${path} has ${rows.length} rows, and its manifest entry says ${file.recordCount}`)
        files.push({ path, rows: remaining(rows, path, sequenceNumber, deletes), records: rows.length })
      }
    }
    return files
  }

  /** The data file that a position delete file of one row names. */
  async deletedFrom(path: string): Promise<string> {
    return textOf((await this.#readObjects(path))[0].file_path)
  }

  /** All rows of a data file, in their order. */
  rowsOf(path: string): Promise<readonly Row[]> {
    let rows = this.#files.get(path)
    if (rows === undefined) this.#files.set(path, (rows = this.#readRows(path)))
    return rows
  }

  async #read(path: string): Promise<Uint8Array> {
    try {
      return await this.#io.read(path)
    } catch (error) {
      throw new InvariantBroken('no referenced file is missing', (error as Error).message)
    }
  }

  async #deletesIn(manifests: readonly ManifestFile[]): Promise<Deletes> {
    const deletes = { positions: [] as Deletes['positions'][number][], records: [] as Deletes['records'][number][] }
    for (const manifest of manifests) {
      for (const { file, sequenceNumber } of await this.#liveEntries(manifest)) {
        let rows = this.#deletes.get(file.filePath)
        if (rows === undefined) this.#deletes.set(file.filePath, (rows = this.#readObjects(file.filePath)))
        for (const row of await rows) {
          if (file.content === 1) deletes.positions.push({ place: `${textOf(row.file_path)} ${row.pos as bigint}`, sequenceNumber })
          else deletes.records.push({ record: `${logOf(row)}@${row.kafka_offset as bigint}`, sequenceNumber })
        }
      }
    }
    return deletes
  }

  #liveEntries(manifest: ManifestFile): Promise<Live[]> {
    let live = this.#manifests.get(manifest.manifestPath)
    if (live === undefined) this.#manifests.set(manifest.manifestPath, (live = this.#readManifest(manifest)))
    return live
  }

  async #readManifest(manifest: ManifestFile): Promise<Live[]> {
    const bytes = await this.#read(manifest.manifestPath)
    if (BigInt(bytes.length) !== manifest.manifestLength)
      throw new Error(`${manifest.manifestPath} has ${bytes.length} bytes, not ${manifest.manifestLength}`)
    return readManifest(bytes, manifest)
      .entries.filter(({ status }) => status !== 2)
      .map(({ dataFile, sequenceNumber }) => ({ file: dataFile, sequenceNumber: sequenceNumber! }))
  }

  async #readRows(path: string): Promise<readonly Row[]> {
    const rows = await this.#readObjects(path)
    return rows.map((row) => ({
      log: logOf(row),
      offset: row.kafka_offset as bigint,
      incarnation: (row.kafka_incarnation as number | null | undefined) ?? 1,
      value: row.value === undefined ? documentOf(row) : textOf(row.value),
      timestampMs: (row.kafka_timestamp as Date | null | undefined)?.getTime() ?? null,
    }))
  }

  async #readObjects(path: string): Promise<Record<string, unknown>[]> {
    const bytes = await this.#read(path)
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
    return parquetReadObjects({ file, utf8: false, compressors: { ZSTD: (compressed) => zstdDecompressSync(compressed) } })
  }
}

/** Table specification, "Scan planning": position deletes apply to what is as old as they are, equality deletes to what is older. */
function remaining(rows: readonly Row[], path: string, sequenceNumber: bigint, { positions, records }: Deletes): readonly Row[] {
  const places = new Set(positions.filter((one) => one.sequenceNumber >= sequenceNumber).map(({ place }) => place))
  const gone = new Set(records.filter((one) => one.sequenceNumber > sequenceNumber).map(({ record }) => record))
  if (places.size + gone.size === 0) return rows
  return rows.filter(({ log, offset }, i) => !places.has(`${path} ${i}`) && !gone.has(`${log}@${offset}`))
}

function logOf(row: Record<string, unknown>): string {
  return `${textOf(row.kafka_topic)}/${row.kafka_partition as number}`
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
