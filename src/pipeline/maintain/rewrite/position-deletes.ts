import { readDeletionVector } from '../../../formats/iceberg/deletion-vector.ts'
import type { DataFile } from '../../../formats/iceberg/data-file.ts'
import type { NestedField } from '../../../formats/iceberg/schema.ts'
import { project } from '../../../formats/parquet/decode/projection.ts'
import { WorkError } from '../../../model/failure.ts'
import type { LiveFile } from '../rewrite-flow.ts'
import { naming, readInput } from './input-file.ts'
import { readDeleteFile } from './read-delete-file.ts'
import type { RewriteOptions } from './rewrite-options.ts'
import { valuesOf } from './run-values.ts'

/** Reserved field ids of position delete files (table specification, "Position Delete Files"). */
const fields: readonly NestedField[] = [
  { id: 2147483546, name: 'file_path', required: true, type: 'string' },
  { id: 2147483545, name: 'pos', required: true, type: 'long' },
]

/** Rows of data files that are deleted by their position. */
export class PositionDeletes {
  readonly #bitmaps = new Map<string, Uint8Array>()

  /** The deleted positions of a file, a bit each; null: there are none. */
  of(path: string): Uint8Array | null {
    return this.#bitmaps.get(path) ?? null
  }

  /** Reads a deletion vector or a position delete file, as far as it is about `files`. Throws a WorkError that names it. */
  async read(file: DataFile, files: readonly LiveFile[], options: RewriteOptions): Promise<void> {
    const wanted = new Map(files.map(({ file: data }) => [data.filePath, data]))
    if (file.fileFormat === 'PUFFIN') await this.#readVector(file, files[0].file, options)
    else await this.#readRows(file, wanted, options)
  }

  async #readVector({ filePath, contentOffset, contentSizeInBytes, referencedDataFile }: DataFile, data: DataFile, { io }: RewriteOptions) {
    if (referencedDataFile !== data.filePath || contentOffset === undefined || contentSizeInBytes === undefined) {
      throw new WorkError(`${filePath}: its manifest entry does not say where the deletes of ${data.filePath} are`, { retry: 'never' })
    }
    const start = Number(contentOffset)
    const blob = await readInput(filePath, io, { start, end: start + Number(contentSizeInBytes) })
    await naming(filePath, () => readDeletionVector(blob, this.#bitmapOf(data), Number(data.recordCount)))
  }

  async #readRows(file: DataFile, wanted: ReadonlyMap<string, DataFile>, options: RewriteOptions): Promise<void> {
    const sourcesOf = (root: Parameters<typeof project>[1]) => project(fields, root, { nameMapping: null, constantOf: () => null })
    for await (const { rows, leaves } of readDeleteFile(file, sourcesOf, options)) {
      const paths = valuesOf(leaves[0], rows)
      const positions = valuesOf(leaves[1], rows)
      let last: { readonly path: string; readonly data: DataFile | undefined } | undefined
      for (let row = 0; row < rows; row++) {
        const path = paths.utf8(row)!
        if (last?.path !== path) last = { path, data: wanted.get(path) }
        if (last.data === undefined) continue
        const position = Number(positions.bigint(row))
        if (position < 0 || position >= Number(last.data.recordCount)) {
          throw new WorkError(`${file.filePath} deletes row ${position} of ${path}, which has ${last.data.recordCount}`, { retry: 'never' })
        }
        this.#bitmapOf(last.data)[position >> 3] |= 1 << (position & 7)
      }
    }
  }

  #bitmapOf({ filePath, recordCount }: DataFile): Uint8Array {
    let bitmap = this.#bitmaps.get(filePath)
    if (bitmap === undefined) this.#bitmaps.set(filePath, (bitmap = new Uint8Array((Number(recordCount) + 7) >> 3)))
    return bitmap
  }
}
