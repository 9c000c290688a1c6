import { expect, test } from 'vitest'
import { parquetOptions } from '../../../../src/pipeline/write/parquet-options.ts'

test('without properties Iceberg’s defaults hold', () => {
  expect(parquetOptions({})).toEqual({ codec: 'zstd', pageSizeBytes: 1_048_576, dictionarySizeBytes: 2_097_152 })
})

test('properties of the table win, codecs in any case', () => {
  expect(
    parquetOptions({
      'write.parquet.compression-codec': 'GZIP',
      'write.parquet.page-size-bytes': '4096',
      'write.parquet.dict-size-bytes': '2147483647',
    }),
  ).toEqual({ codec: 'gzip', pageSizeBytes: 4096, dictionarySizeBytes: 2_147_483_647 })
})

test.each(['lzo', '', 'constructor', '__proto__'])('codec "%s" is refused with what is possible', (codec) => {
  expect(() => parquetOptions({ 'write.parquet.compression-codec': codec })).toThrow(
    expect.objectContaining({
      name: 'WorkError',
      retry: 'never',
      message: `table property write.parquet.compression-codec is "${codec}": expected one of zstd, snappy, gzip, lz4, brotli, uncompressed`,
    }),
  )
})

test.each(['0', '-1', '1e6', '1.5', 'big', '2147483648', '9999999999'])('size "%s" is refused', (size) => {
  expect(() => parquetOptions({ 'write.parquet.page-size-bytes': size })).toThrow(
    `table property write.parquet.page-size-bytes is "${size}": expected a number of bytes from 1 to 2147483647`,
  )
})
