import type { DataFile } from '../../../../src/formats/iceberg/data-file.ts'
import type { LiveDelete, LiveFile } from '../../../../src/pipeline/maintain/rewrite-flow.ts'

const mebibyte = 1024 * 1024

interface Place {
  readonly specId?: number
  readonly sequence?: number
}

/** A live data file of so many MiB, with 1,000 rows. */
export function live(path: string, size: number, { specId = 0, sequence = 1, ...more }: Place & Partial<DataFile> = {}): LiveFile {
  const file: DataFile = {
    content: 0,
    filePath: path,
    fileFormat: 'PARQUET',
    partition: [],
    recordCount: 1000n,
    fileSizeInBytes: BigInt(Math.round(size * mebibyte)),
    ...more,
  }
  return { file, specId, sequenceNumber: BigInt(sequence), fileSequenceNumber: BigInt(sequence), snapshotId: BigInt(sequence) }
}

/** A live delete file, by default of positions. */
export function deletes(path: string, { specId = 0, sequence = 2, ...more }: Place & Partial<DataFile> = {}): LiveDelete {
  const file: DataFile = {
    content: 1,
    filePath: path,
    fileFormat: 'PARQUET',
    partition: [],
    recordCount: 1n,
    fileSizeInBytes: 10n,
    ...more,
  }
  return { file, specId, sequenceNumber: BigInt(sequence) }
}
