import type { WriteOptions } from './write-options.ts'
import type { DataFile } from '../../formats/iceberg/data-file.ts'
import type { FileIO } from '../../seams/file-io.ts'
import type { RowBatch } from '../flow.ts'
import { type WrittenFile, writtenDataFile } from '../../formats/iceberg/written-file.ts'
import { openFileEncoder } from './open-file-encoder.ts'
import { FileSources, sourcesKey } from './file-sources.ts'

/** Writes rows, in the order in which they come, into data files, each up to the target size, one after another; pulls a batch only when it can take it. */
export async function writeDataFiles(
  batches: AsyncIterator<RowBatch>,
  io: Pick<FileIO, 'write'>,
  options: Omit<WriteOptions, 'sortOrder'>,
): Promise<DataFile[]> {
  const files: DataFile[] = []
  let first = await batches.next()
  while (first.done !== true) {
    const filePath = options.newLocation()
    const written: { file?: WrittenFile } = {}
    await io.write(filePath, fileChunks(first.value))
    files.push(writtenDataFile(filePath, written.file!, [], options))
    first = await batches.next()

    async function* fileChunks(opening: RowBatch): AsyncGenerator<Uint8Array, void, undefined> {
      const encoder = await openFileEncoder(options)
      const sources = new FileSources()
      yield encoder.start()
      for (let batch: RowBatch | undefined = opening; batch !== undefined;) {
        for (const span of batch.sources) sources.add(span)
        yield* encoder.append(batch.columns)
        if (encoder.size >= options.targetFileSizeBytes) break
        const next: IteratorResult<RowBatch> = await batches.next()
        batch = next.done === true ? undefined : next.value
      }
      const { rest, file } = encoder.finish(new Map([[sourcesKey, sources.encode()]]))
      written.file = file
      yield* rest
    }
  }
  return files
}
