import type { DataFile } from '../../../formats/iceberg/data-file.ts'

/** Files up to this size are read as one. */
const wholeBytes = 4 * 1024 * 1024
/** Of all columns of a large input that are in memory at a time, before they are inflated. */
const windowsBytes = 32 * 1024 * 1024
const maxWindowBytes = 4 * 1024 * 1024

/** Whether a file is read in one request. */
export function isReadWhole({ fileSizeInBytes }: Pick<DataFile, 'fileSizeInBytes'>): boolean {
  return Number(fileSizeInBytes) <= wholeBytes
}

/** Bytes that are read at a time of each of so many columns of a large input. */
export function windowOf(columns: number): number {
  return Math.min(maxWindowBytes, Math.max(64 * 1024, Math.floor(windowsBytes / Math.max(1, columns))))
}
