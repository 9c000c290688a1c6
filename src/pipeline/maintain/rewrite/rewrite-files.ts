import { discard } from '../../../formats/bytes/release.ts'
import type { ColumnMetrics } from '../../../formats/iceberg/column-metrics.ts'
import type { DataFile } from '../../../formats/iceberg/data-file.ts'
import { findField } from '../../../formats/iceberg/primitive-type.ts'
import type { NestedField } from '../../../formats/iceberg/schema.ts'
import { type WrittenFile, writtenDataFile } from '../../../formats/iceberg/written-file.ts'
import { type EncodedFile, ParquetFile } from '../../../formats/parquet/encode/parquet-file.ts'
import { RowGroupWriter } from '../../../formats/parquet/encode/row-group-writer.ts'
import { withPageCodec } from '../../../formats/parquet/encode/codec.ts'
import type { RewriteGroup, RewriteResult } from '../rewrite-flow.ts'
import { readDeletes } from './deletes.ts'
import { outputFields } from './output-fields.ts'
import type { RewriteOptions } from './rewrite-options.ts'
import { type Slice, slicesOf } from './slices.ts'
import { sortedSlices } from './sorted-slices.ts'

/** A file is closed when its sources take more than this, bytes: readers of tables read footers whole. */
const maxSourcesBytes = 8 * 1024 * 1024
/** A file that is alone may be this much larger than the target, rather than leave a small one behind. */
const mostOfTarget = 1.8
const pieceBytes = 1024 * 1024
/** Offsets into the bytes of a column that is sorted at once have 31 bits. */
const mostSortedBytes = 1024 * 1024 * 1024

/**
 * Rewrites the rows of a group's inputs, less those that its deletes remove, into new files of about the target size. Reads and writes
 * columns; holds one row group's compressed pages and windows of the inputs, however large those are. What it wrote before it
 * throws belongs to no table, and orphan removal finds it. Throws a WorkError that names the file in question.
 */
export async function rewriteGroup(group: RewriteGroup, options: RewriteOptions): Promise<RewriteResult> {
  const fields = outputFields(options.schema, options.formatVersion)
  const deletes = await readDeletes(group, options)
  const cutBytes = cutSize(group, options)
  const slices = inOrder(slicesOf(group.inputs, deletes, options), fields, options)
  const totals = { read: 0n, deleted: 0n }
  const next = async (): Promise<Slice | null> => {
    for (;;) {
      const { value, done } = await slices.next()
      if (done === true) return null
      totals.read += BigInt(value.rows + value.deleted)
      totals.deleted += BigInt(value.deleted)
      if (value.rows > 0) return value
    }
  }
  const files: DataFile[] = []
  try {
    let slice = await next()
    while (slice !== null) {
      const filePath = options.newLocation()
      const written: { file?: EncodedFile } = {}
      await options.io.write(filePath, chunks(slice))
      files.push(writtenDataFile(filePath, withMetrics(written.file!, fields), group.partition, { ...options, fields }))

      async function* chunks(opening: Slice): AsyncGenerator<Uint8Array, void, undefined> {
        const file = new ParquetFile(fields)
        const writer = new RowGroupWriter(fields, withPageCodec(options.parquet))
        const sources = options.sources.open()
        let hasSources = true
        let last: Slice['sources'] | undefined
        yield file.start()
        for (slice = opening; slice !== null; slice = await next()) {
          for (const source of slice.sources === last ? [] : slice.sources) {
            if (source === undefined) hasSources = false
            else sources.add(source)
          }
          last = slice.sources
          writer.appendLeaves(slice.rows, slice.leaves)
          if (writer.byteLength >= options.rowGroupBytes) yield* joined(file.add(writer.finish()))
          // Rows in another order may come from anywhere: each file has the sources of all.
          const isLong = options.sortOrder === null && sources.byteLength >= maxSourcesBytes
          if (isLong || file.size + writer.byteLength >= cutBytes) {
            slice = await next()
            break
          }
        }
        if (writer.rowCount > 0) yield* joined(file.add(writer.finish()))
        const { tail, file: encoded } = file.finish(hasSources ? new Map([[options.sources.key, sources.encode()]]) : new Map())
        written.file = encoded
        yield tail
      }
    }
  } finally {
    await slices.return()
  }
  return { group, files, rowsRead: totals.read, rowsDeleted: totals.deleted }
}

/** Pages in pieces that are worth a message to another thread; the memory of the pages is given back. */
function* joined(pages: readonly Uint8Array[]): Generator<Uint8Array, void, undefined> {
  for (let from = 0; from < pages.length;) {
    let [to, bytes] = [from, 0]
    while (to < pages.length && bytes < pieceBytes) bytes += pages[to++].length
    const piece = new Uint8Array(bytes)
    let at = 0
    for (; from < to; from++) {
      piece.set(pages[from], at)
      at += pages[from].length
      discard(pages[from])
    }
    yield piece
  }
}

/** What rows that are sorted at once may take: half of the memory of a rewrite. */
export function sortingMemory(memoryLimitBytes: number): number {
  return Math.min(mostSortedBytes, memoryLimitBytes / 2)
}

/** Sorted where the rows are to be. */
function inOrder(
  slices: AsyncGenerator<Slice, void, undefined>,
  fields: readonly NestedField[],
  { sortOrder, memoryLimitBytes, io, newLocation, signal }: RewriteOptions,
): AsyncGenerator<Slice, void, undefined> {
  if (sortOrder === null) return slices
  return sortedSlices(slices, fields, {
    order: sortOrder,
    memoryBytes: sortingMemory(memoryLimitBytes),
    io,
    newLocation,
    signal,
  })
}

/** As many files as come near to the target, of equal size: none is much smaller than the others. */
function cutSize({ inputs }: RewriteGroup, { targetFileSizeBytes }: RewriteOptions): number {
  const bytes = inputs.reduce((sum, { live }) => sum + Number(live.file.fileSizeInBytes), 0)
  const count = Math.round(bytes / targetFileSizeBytes)
  return count <= 1 ? targetFileSizeBytes * mostOfTarget : Math.ceil(bytes / count)
}

/** Counts of NaN are of floats alone. */
function withMetrics(file: EncodedFile, fields: readonly NestedField[]): WrittenFile {
  const columns = new Map<number, ColumnMetrics>()
  for (const [id, { compressedBytes: columnSize, valueCount, nullCount, nanCount, range }] of file.leaves) {
    const type = findField(fields, id)?.type
    columns.set(id, { columnSize, valueCount, nullCount, ...range, ...((type === 'float' || type === 'double') && { nanCount }) })
  }
  return { ...file, columns }
}
