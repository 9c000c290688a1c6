import { WorkError } from '../../model/failure.ts'
import type { ParquetCodec, RowGroupOptions } from '../../formats/parquet/row-group.ts'

const codecs = new Map<string, ParquetCodec>(
  (['zstd', 'snappy', 'gzip', 'lz4', 'brotli', 'uncompressed'] as const).map((codec) => [codec, codec]),
)
/** Java's writers hold these sizes in an int. */
const maxBytes = 0x7fffffff

/** What the table's properties `write.parquet.*` ask for, over Iceberg's defaults. Throws a WorkError for a value that can not be kept. */
export function parquetOptions(properties: Readonly<Record<string, string>>): RowGroupOptions {
  const name = properties['write.parquet.compression-codec'] ?? 'zstd'
  const codec = codecs.get(name.toLowerCase())
  if (codec === undefined) {
    const known = [...codecs.keys()].join(', ')
    throw new WorkError(`table property write.parquet.compression-codec is "${name}": expected one of ${known}`, { retry: 'never' })
  }
  return {
    codec,
    pageSizeBytes: bytesOf(properties, 'write.parquet.page-size-bytes', 1024 * 1024),
    dictionarySizeBytes: bytesOf(properties, 'write.parquet.dict-size-bytes', 2 * 1024 * 1024),
  }
}

function bytesOf(properties: Readonly<Record<string, string>>, key: string, standard: number): number {
  const text = properties[key]
  if (text === undefined) return standard
  if (!/^[1-9]\d{0,9}$/.test(text) || Number(text) > maxBytes) {
    throw new WorkError(`table property ${key} is "${text}": expected a number of bytes from 1 to ${maxBytes}`, { retry: 'never' })
  }
  return Number(text)
}
