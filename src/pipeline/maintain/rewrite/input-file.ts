import { parseJsonSingleValue } from '../../../formats/iceberg/json-single-value.ts'
import { isPrimitive } from '../../../formats/iceberg/primitive-type.ts'
import type { NestedField } from '../../../formats/iceberg/schema.ts'
import type { PartitionSpec } from '../../../formats/iceberg/partition-spec.ts'
import { constantVector } from '../../../formats/parquet/decode/constant.ts'
import { ParquetInput } from '../../../formats/parquet/decode/parquet-input.ts'
import type { RandomAccess } from '../../../formats/parquet/decode/chunk-bytes.ts'
import type { ProjectionContext } from '../../../formats/parquet/decode/projection.ts'
import type { StoredVector } from '../../../formats/parquet/encode/value-store.ts'
import type { DataFile } from '../../../formats/iceberg/data-file.ts'
import { discard } from '../../../formats/bytes/release.ts'
import { WorkError } from '../../../model/failure.ts'
import { ObjectNotFound } from '../../../seams/object-store.ts'
import { isReadWhole } from './input-size.ts'
import type { RewriteOptions } from './rewrite-options.ts'

/** A Parquet file to be rewritten; `close` gives the memory of its bytes back. */
export interface OpenedInput {
  readonly parquet: ParquetInput
  close(): void
}

/** Reads the footer of a file, or all of it where it is small. Throws a WorkError that names the file. */
export async function openParquet(file: DataFile, { io }: Pick<RewriteOptions, 'io'>): Promise<OpenedInput> {
  const { filePath: path, fileFormat: format } = file
  if (format !== 'PARQUET') {
    throw new WorkError(`${path} is ${format}, and only Parquet can be rewritten: rewrite it with the engine that wrote it`, {
      retry: 'never',
    })
  }
  if (file.keyMetadata !== undefined) throw new WorkError(`${path} is encrypted, and can not be rewritten`, { retry: 'never' })
  const byteLength = Number(file.fileSizeInBytes)
  const whole = isReadWhole(file) ? await readInput(path, io) : null
  if (whole !== null && whole.length !== byteLength) {
    throw new WorkError(`${path} has ${whole.length} bytes, and its manifest says ${byteLength}`, { retry: 'never' })
  }
  const access: RandomAccess = {
    byteLength,
    slice: (start, end) => (whole === null ? readInput(path, io, { start, end }) : Promise.resolve(whole.subarray(start, end))),
    givesOwn: whole === null,
  }
  return { parquet: await naming(path, () => ParquetInput.open(access)), close: () => whole !== null && discard(whole) }
}

/** Bytes of a file that was planned on. Throws a WorkError where it has gone since. */
export async function readInput(path: string, io: RewriteOptions['io'], range?: { start: number; end: number }): Promise<Uint8Array> {
  try {
    return await io.read(path, range)
  } catch (error) {
    if (!(error instanceof ObjectNotFound)) throw error
    throw new WorkError(`${path} is gone: others rewrote or deleted it, and expired what named it`, { retry: 'later', cause: error })
  }
}

/** What of a file is in memory as long as it is open, beside windows. */
export function heldBytes(file: DataFile): number {
  return isReadWhole(file) ? Number(file.fileSizeInBytes) : 0
}

/** Says of what is thrown which file it is about. */
export async function naming<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof WorkError) throw error
    throw new WorkError(`${path}: ${(error as Error).message}`, { retry: 'never', cause: error })
  }
}

/** How the columns of a file are found, and what those that it lacks hold (table specification, "Column Projection"). */
export function projectionOf(
  { partition }: Pick<DataFile, 'partition'>,
  { spec, nameMapping }: { readonly spec: Pick<PartitionSpec, 'fields'> } & Pick<RewriteOptions, 'nameMapping'>,
): ProjectionContext {
  return {
    nameMapping,
    constantOf({ id, type, 'initial-default': initial }: NestedField): StoredVector | null {
      if (!isPrimitive(type)) return null
      const at = spec.fields.findIndex((field) => field['source-id'] === id && field.transform === 'identity')
      const value = at < 0 ? undefined : partition[at]
      if (value !== undefined) return value === null ? null : constantVector(type, value)
      return initial === undefined || initial === null ? null : constantVector(type, parseJsonSingleValue(type, initial))
    },
  }
}
