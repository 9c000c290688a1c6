import { gatherBatch } from '../../formats/arrow/gather.ts'
import type { DataFile } from '../../formats/iceberg/data-file.ts'
import type { FileIO } from '../../seams/file-io.ts'
import type { RowBatch } from '../flow.ts'
import type { WriteOptions } from './write-options.ts'
import { OpenFile, type PartitionFile } from './open-file.ts'
import type { PartitionSource } from './partition/partition-source.ts'
import { PartitionSplitter } from './partition/split-batch.ts'
import { SortedFiles } from './sorted-files.ts'

export interface PartitionedOptions extends WriteOptions {
  /** What the partition values are computed from, field by field; none: all rows are of one partition. */
  readonly partition: readonly PartitionSource[]
  /** Place of the column with the Kafka offsets. */
  readonly offsetColumn: number
  /** Pages of unfinished files, or rows that are to be sorted, may take this much memory, bytes. */
  readonly openFilesBytes: number
}

/** Unfinished files at most: the dictionaries and half pages of each take some hundred kilobytes, however few its rows are. */
const maxOpenFiles = 256
/** Files that are finished side by side at the end. */
const finishedAtOnce = 8

/**
 * Writes rows into data files of one partition each, several at a time, the rows of each file in the sort order if there is one.
 *
 * Past its bounds, a file is finished early, and rows of its partition that come later begin another: past the memory, the largest one,
 * which frees the most and is the least small; past their number, the one that has waited longest for a row, since time goes on
 * and its partition may be done. Rows are not sorted by partition first, nor all that a file could take: that would hold all of a task, or
 * write it twice.
 */
export async function writePartitionedFiles(
  batches: AsyncIterator<RowBatch>,
  io: Pick<FileIO, 'write'>,
  options: PartitionedOptions,
): Promise<DataFile[]> {
  const splitter = new PartitionSplitter(options.partition)
  /** By partition, the one that was written to last at the end. */
  const open = new Map<number, PartitionFile>()
  const { sortOrder } = options
  const begin = () => (sortOrder === undefined ? OpenFile.open(io, options) : new SortedFiles(io, options, sortOrder))
  const files: DataFile[][] = []
  const finish = async (partition: number, place = files.length) => {
    files[place] = await open.get(partition)!.finish(splitter.valuesOf(partition))
    open.delete(partition)
  }
  try {
    for (let next = await batches.next(); next.done !== true; next = await batches.next()) {
      const { columns, sources } = next.value
      const offsets = offsetsOf(next.value, options.offsetColumn)
      for (const { partition, rows } of splitter.split(columns)) {
        const file = open.get(partition) ?? (await begin())
        open.delete(partition)
        open.set(partition, file)
        if (rows === null) for (const span of sources) file.sources.add(span)
        else file.sources.addRows(sources, rows, offsets)
        await file.append(rows === null ? columns : gatherBatch(columns, rows))
        if (file.isFull) await finish(partition)
        else if (open.size > maxOpenFiles) await finish(open.keys().next().value!)
      }
      while (heldBytes(open) > options.openFilesBytes) await finish(largestOf(open))
    }
    const before = files.length
    const left = [...open.keys()].entries()
    await Promise.all(
      Array.from({ length: finishedAtOnce }, async () => {
        for (const [i, partition] of left) await finish(partition, before + i)
      }),
    )
    return files.flat()
  } catch (error) {
    await Promise.all([...open.values()].map((file) => file.abandon(error as Error)))
    throw error
  }
}

function offsetsOf({ columns }: RowBatch, place: number): BigInt64Array {
  const column = columns.columns[place]
  if (column.layout !== 'fixed' || !(column.values instanceof BigInt64Array)) throw new TypeError(`column ${place} holds no offsets`)
  return column.values
}

function heldBytes(open: ReadonlyMap<number, PartitionFile>): number {
  let bytes = 0
  for (const file of open.values()) bytes += file.heldBytes
  return bytes
}

function largestOf(open: ReadonlyMap<number, PartitionFile>): number {
  let largest = -1
  let most = -1
  for (const [partition, { heldBytes: bytes }] of open) if (bytes > most) [largest, most] = [partition, bytes]
  return largest
}
