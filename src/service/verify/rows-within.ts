import { currentSnapshot, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import { containsOffset, countOffsets, type OffsetRanges, subtractRanges } from '../../model/offset-range.ts'
import type { ParquetColumns } from '../../formats/parquet/read-rows.ts'
import type { DecidedSet } from '../../model/progress.ts'
import { type TopicPartition, topicPartitionName } from '../../model/topic-partition.ts'
import type { FileIO } from '../../seams/file-io.ts'
import { manifestListReader } from './looked-at.ts'
import { liveFiles } from './table-books.ts'
import { forEachAtOnce } from '../../pipeline/verify/at-once.ts'
import { openDataFile, readOffsets } from '../../pipeline/verify/data-file.ts'
import { decodeSources, type FileSource, sourcesKey } from '../../pipeline/write/file-sources.ts'
import { type Extent, type KafkaColumns, mayHold, type TableFile } from '../../pipeline/verify/table-files.ts'

/** Requests for files at once. */
const filesAtOnce = 16

/** Records in data files, those that deletes take out among them: all, and those that come from certain offsets. */
export interface RowCounts {
  readonly all: bigint
  readonly within: bigint
}

/**
 * Counts the records of the current snapshot. A file that has nothing but these offsets is counted by its manifest entry, or by what it says in its footer; of one that may have others, the
 * columns are read that say whence a row comes. Throws a WorkError where a file can not be read.
 */
export async function countRows(
  sets: readonly DecidedSet[],
  metadata: TableMetadata,
  columns: KafkaColumns,
  io: FileIO,
): Promise<RowCounts> {
  const snapshot = currentSnapshot(metadata)
  if (snapshot === null) return { all: 0n, within: 0n }
  const list = await manifestListReader(io)(snapshot)
  if (list === null) throw new WorkError(`${snapshot['manifest-list']} can not be read`, { retry: 'later' })
  const windows = sets.flatMap(({ at, ranges }) => ranges.map((range) => ({ at, range })))
  let [all, within] = [0n, 0n]
  const { files } = await liveFiles(io, metadata, list.manifests, columns, (file) => {
    all += file.recordCount
    return mayHold(file, columns, windows)
  })
  const wanted = new Map(sets.map(({ at, ranges }) => [topicPartitionName(at), ranges]))
  const rangesOf = (at: TopicPartition) => wanted.get(topicPartitionName(at)) ?? []
  await forEachAtOnce(files, filesAtOnce, async (file) => {
    const own = isWithin(file.extent, rangesOf) ? file.rows : await countIn(file, rangesOf, columns, io)
    within += own
  })
  return { all, within }
}

function isWithin(extent: Extent | null, rangesOf: (at: TopicPartition) => OffsetRanges): boolean {
  return extent !== null && rangesOf(extent).some(([start, end]) => start <= extent.start && extent.end <= end)
}

/** Whether a file says itself that it has no rows of others, as those that we write do, and has no more rows than it says. */
function isClaimedWithin(parquet: ParquetColumns, rows: bigint, rangesOf: (at: TopicPartition) => OffsetRanges): boolean {
  const text = parquet.keyValue(sourcesKey)
  if (text === undefined || parquet.rowCount !== rows) return false
  let sources: FileSource[]
  try {
    sources = decodeSources(text)
  } catch {
    return false
  }
  const claimed = sources.reduce((sum, { ranges }) => sum + countOffsets(ranges), 0n)
  return rows <= claimed && sources.every(({ at, ranges }) => subtractRanges(ranges, rangesOf(at)).length === 0)
}

async function countIn(
  file: TableFile,
  rangesOf: (at: TopicPartition) => OffsetRanges,
  columns: KafkaColumns,
  io: FileIO,
): Promise<bigint> {
  const opened = await openDataFile(io, file)
  if (opened.kind !== 'open') throw new WorkError(`data file ${file.path} can not be read`, { retry: 'later' })
  try {
    if (isClaimedWithin(opened.parquet, file.rows, rangesOf)) return file.rows
    let rows = 0n
    for await (const { at, offsets } of readOffsets(opened.parquet, columns, null)) {
      const ranges = rangesOf(at)
      for (const offset of offsets) if (containsOffset(ranges, offset)) rows++
    }
    return rows
  } finally {
    opened.parquet.close()
  }
}
