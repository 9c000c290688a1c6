import type { ColumnBatch } from '../../formats/arrow/vector.ts'
import type { DataFile, SingleValue } from '../../formats/iceberg/data-file.ts'
import { writtenDataFile } from '../../formats/iceberg/written-file.ts'
import type { FileIO } from '../../seams/file-io.ts'
import type { WriteOptions } from './write-options.ts'
import type { FileEncoder } from './file-encoder.ts'
import { openFileEncoder } from './open-file-encoder.ts'
import { FileSources, sourcesKey } from './file-sources.ts'
import { FileStream } from './file-stream.ts'

/** Where the rows of one partition go, of several that are being written side by side. */
export interface PartitionFile {
  readonly sources: FileSources
  /** Whether what comes next shall go elsewhere. */
  readonly isFull: boolean
  /** Bytes that are held in memory here. */
  readonly heldBytes: number
  /** The batch's vectors may be reused afterwards. */
  append(batch: ColumnBatch): Promise<void>
  finish(partition: readonly SingleValue[]): Promise<DataFile[]>
  /** Gives up what was not finished. */
  abandon(error: Error): Promise<void>
}

/** One data file. Nothing goes to the store before a row group's bytes are together. */
export class OpenFile implements PartitionFile {
  readonly sources = new FileSources()
  readonly #io: Pick<FileIO, 'write'>
  readonly #options: WriteOptions
  readonly #encoder: FileEncoder
  readonly #location: string
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #sentBytes = 0
  #stream: FileStream | null = null

  static async open(io: Pick<FileIO, 'write'>, options: WriteOptions): Promise<OpenFile> {
    return new OpenFile(io, options, await openFileEncoder(options))
  }

  private constructor(io: Pick<FileIO, 'write'>, options: WriteOptions, encoder: FileEncoder) {
    this.#io = io
    this.#options = options
    this.#encoder = encoder
    this.#location = options.newLocation()
    this.#wait([encoder.start()])
  }

  get isFull(): boolean {
    return this.#encoder.size >= this.#options.targetFileSizeBytes
  }

  get heldBytes(): number {
    return this.#encoder.size - this.#sentBytes
  }

  async append(batch: ColumnBatch): Promise<void> {
    this.#wait(this.#encoder.append(batch))
    if (this.#waitingBytes < this.#options.rowGroupBytes) return
    this.#stream ??= new FileStream(this.#io, this.#location)
    await this.#stream.push(this.#takeWaiting())
  }

  async finish(partition: readonly SingleValue[]): Promise<DataFile[]> {
    const { rest, file } = this.#encoder.finish(new Map([[sourcesKey, this.sources.encode()]]))
    this.#wait(rest)
    this.#stream ??= new FileStream(this.#io, this.#location)
    await this.#stream.end(this.#takeWaiting())
    return [writtenDataFile(this.#location, file, partition, this.#options)]
  }

  async abandon(error: Error): Promise<void> {
    await this.#stream?.abandon(error)
  }

  #wait(chunks: readonly Uint8Array[]): void {
    this.#waiting.push(...chunks)
    for (const chunk of chunks) this.#waitingBytes += chunk.length
  }

  #takeWaiting(): Uint8Array[] {
    const chunks = this.#waiting
    this.#sentBytes += this.#waitingBytes
    ;[this.#waiting, this.#waitingBytes] = [[], 0]
    return chunks
  }
}
