import { tableFromIPC } from 'apache-arrow'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { zstdDecompressSync } from 'node:zlib'
import { readParquet } from 'parquet-wasm'
import { parsePrimitive } from '../../../../src/formats/iceberg/primitive-type.ts'
import type { IcebergType, NestedField, PrimitiveType } from '../../../../src/formats/iceberg/schema.ts'
import { bigEndian, decimalByteWidth, fromBigEndian } from '../../../../src/formats/iceberg/unscaled.ts'
import { tableValues } from '../arrow/data-values.ts'

/** What hyparquet reads of each column, before it makes dates and inexact numbers of them; see `hyparquetValue`. */
export async function byHyparquet(bytes: Uint8Array, fields: readonly NestedField[]): Promise<unknown[][]> {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
  const metadata = parquetMetadata(file)
  for (const element of metadata.schema) if (element.converted_type === 'DECIMAL') delete element.converted_type
  const same = (value: never) => value
  const rows = await parquetReadObjects({
    file,
    metadata,
    utf8: false,
    parsers: { timestampFromMicroseconds: same, dateFromDays: same, stringFromBytes: same, uuidFromBytes: same },
    compressors: { ZSTD: (page) => zstdDecompressSync(page) },
  })
  return fields.map((field) => rows.map((row) => fromHyparquet(field.type, row[field.name])))
}

/** What parquet-wasm reads of each column. */
export function byParquetWasm(bytes: Uint8Array): unknown[][] {
  return tableValues(tableFromIPC(readParquet(bytes).intoIPCStream()))
}

/** A value as `byHyparquet` gives it: maps are objects whose keys are texts, so that the last of equal keys is left. */
export function hyparquetValue(type: IcebergType, value: unknown): unknown {
  if (value === null || typeof type === 'string') return value
  switch (type.type) {
    case 'struct':
      return type.fields.map((field, i) => hyparquetValue(field.type, (value as unknown[])[i]))
    case 'list':
      return (value as unknown[]).map((element) => hyparquetValue(type.element, element))
    case 'map':
      return new Map((value as [unknown, unknown][]).map(([key, entry]) => [keyText(type.key, key), hyparquetValue(type.value, entry)]))
  }
}

/** Decimals that fit no 64 bits are bytes to Parquet. */
function keyText(type: IcebergType, key: unknown): string {
  const primitive = parsePrimitive(type as PrimitiveType)
  const isBytes = primitive.kind === 'decimal' && primitive.precision > 18
  return String(isBytes ? bigEndian(key as bigint, decimalByteWidth(primitive.precision)) : key)
}

function fromHyparquet(type: IcebergType, value: unknown): unknown {
  if (value === null || value === undefined) return null
  if (typeof type === 'string') return type.startsWith('decimal') ? unscaled(value as number | bigint | Uint8Array) : value
  switch (type.type) {
    case 'struct':
      return type.fields.map((field) => fromHyparquet(field.type, (value as Record<string, unknown>)[field.name]))
    case 'list':
      return (value as unknown[]).map((element) => fromHyparquet(type.element, element))
    case 'map':
      return new Map(Object.entries(value).map(([key, entry]) => [key, fromHyparquet(type.value, entry)]))
  }
}

function unscaled(value: number | bigint | Uint8Array): bigint {
  return value instanceof Uint8Array ? fromBigEndian(value) : BigInt(value)
}
