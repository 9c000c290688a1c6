import { expect, test } from 'vitest'
import type { DataFile } from '../../../../src/formats/iceberg/data-file.ts'
import type { PrimitiveType } from '../../../../src/formats/iceberg/schema.ts'
import { serializeSingleValue } from '../../../../src/formats/iceberg/single-value.ts'
import { ageOfFile, rowAge } from '../../../../src/pipeline/maintain/row-age.ts'

const noonMs = Date.UTC(2026, 2, 10, 12)
const field = (type: PrimitiveType, required = false) => ({ id: 4, name: 'at', required, type })

test.each<[PrimitiveType, bigint | null]>([
  ['timestamptz', BigInt(Date.UTC(2026, 2, 3)) * 1000n],
  ['timestamp', BigInt(Date.UTC(2026, 2, 3)) * 1000n],
  ['date', BigInt(Date.UTC(2026, 2, 3) / 86_400_000)],
  ['long', null],
  ['string', null],
])('seven days of %s are whole ones', (type, before) => {
  expect(rowAge(field(type), 7, noonMs)?.before ?? null).toBe(before)
})

const age = { field: field('timestamptz'), before: 1000n }
const file = (bounds: readonly [bigint, bigint] | null, nulls: bigint | undefined, rows = 10n): DataFile => ({
  content: 0,
  filePath: 'f',
  fileFormat: 'PARQUET',
  partition: [],
  recordCount: rows,
  fileSizeInBytes: 1n,
  ...(nulls !== undefined && { nullValueCounts: new Map([[4, nulls]]) }),
  ...(bounds !== null && {
    lowerBounds: new Map([[4, serializeSingleValue('timestamptz', bounds[0])]]),
    upperBounds: new Map([[4, serializeSingleValue('timestamptz', bounds[1])]]),
  }),
})

test.each<[string, DataFile, 'old' | 'mixed' | 'young']>([
  ['all before', file([1n, 999n], 0n), 'old'],
  ['one at the edge, which stays', file([1n, 1000n], 0n), 'mixed'],
  ['all from the edge on', file([1000n, 2000n], 0n), 'young'],
  ['all before, and some without a time', file([1n, 999n], 1n), 'mixed'],
  ['all before, and nothing tells of nulls', file([1n, 999n], undefined), 'mixed'],
  ['none with a time', file(null, 10n), 'young'],
  ['nothing tells', file(null, undefined), 'mixed'],
])('a file with times that are %s', (_what, own, expected) => {
  expect(ageOfFile(own, age)).toBe(expected)
})

test('a column that has no nulls needs no count of them', () => {
  expect(ageOfFile(file([1n, 999n], undefined), { ...age, field: field('timestamptz', true) })).toBe('old')
})
