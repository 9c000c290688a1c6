import type { SortOrder } from '../../formats/iceberg/table-metadata.ts'
import type { EncoderOptions } from './file-encoder.ts'

/** How data files are written. */
export interface WriteOptions extends EncoderOptions {
  /** A file is closed when it has reached this size. */
  readonly targetFileSizeBytes: number
  /** The order that the rows of each file are in; absent: they are in none. */
  readonly sortOrder?: SortOrder
  /** A new name for each file, full URI. */
  readonly newLocation: () => string
}
