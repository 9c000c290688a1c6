import type { ColumnBatch } from '../../formats/arrow/vector.ts'
import type { DataFile, SingleValue } from '../../formats/iceberg/data-file.ts'
import type { SortOrder } from '../../formats/iceberg/table-metadata.ts'
import { RowSorter } from '../../formats/parquet/sort/row-sorter.ts'
import type { FileIO } from '../../seams/file-io.ts'
import type { WriteOptions } from './write-options.ts'
import { type WrittenFile, writtenDataFile } from '../../formats/iceberg/written-file.ts'
import { FileSources, sourcesKey } from './file-sources.ts'
import type { PartitionFile } from './open-file.ts'
import { StreamingEncoder } from './streaming-encoder.ts'

const rowsAtOnce = 16 * 1024
/** Offsets into the bytes of a column that is sorted at once have 31 bits. */
const mostSortedBytes = 1024 * 1024 * 1024

/**
 * Rows of one partition that wait in memory until they are sorted. They become files of the target's size that are in order among each
 * other, too; nothing goes to the store before. Of a codec that pages are not written with (`isStreaming`), zstd takes the place.
 */
export class SortedFiles implements PartitionFile {
  readonly sources = new FileSources()
  readonly #io: Pick<FileIO, 'write'>
  readonly #options: WriteOptions
  readonly #sorter: RowSorter

  constructor(io: Pick<FileIO, 'write'>, options: WriteOptions, order: SortOrder) {
    this.#io = io
    this.#options = options
    this.#sorter = new RowSorter(options.fields, order)
  }

  get isFull(): boolean {
    return this.heldBytes >= mostSortedBytes
  }

  get heldBytes(): number {
    return this.#sorter.byteLength
  }

  async append(batch: ColumnBatch): Promise<void> {
    this.#sorter.append(batch)
  }

  async finish(partition: readonly SingleValue[]): Promise<DataFile[]> {
    const options = this.#options
    const keyValues = new Map([[sourcesKey, this.sources.encode()]])
    const slices = this.#sorter.finish(rowsAtOnce)
    const files: DataFile[] = []
    for (let slice = slices.next(); slice.done !== true;) {
      const filePath = options.newLocation()
      const written: { file?: WrittenFile } = {}
      await this.#io.write(filePath, chunks())
      files.push(writtenDataFile(filePath, written.file!, partition, options))

      function* chunks(): Generator<Uint8Array, void, undefined> {
        const encoder = new StreamingEncoder(options)
        yield encoder.start()
        for (; slice.done !== true && encoder.size < options.targetFileSizeBytes; slice = slices.next()) {
          yield* encoder.appendLeaves(slice.value.rows, slice.value.leaves)
        }
        const { rest, file } = encoder.finish(keyValues)
        written.file = file
        yield* rest
      }
    }
    return files
  }

  async abandon(): Promise<void> {}
}
