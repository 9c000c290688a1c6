import { expect, test } from 'vitest'
import { comparablePath } from '../../../../src/formats/iceberg/comparable-path.ts'

test.each([
  ['s3 and s3a', 's3://b/t/data/a.parquet', 's3a://b/t/data/a.parquet'],
  ['an alias of the bucket', 's3://b/t/a.parquet', 's3://arn-alias/t/a.parquet'],
  ['the two ways to write a file URI', 'file:///w/t/a.parquet', 'file:/w/t/a.parquet'],
  ['a key that is percent-encoded, and one that is not', 's3://b/p=a%20b/x', 's3://b/p=a b/x'],
  ['a key that is encoded twice', 's3://b/p=a%2520b/x', 's3://b/p=a%20b/x'],
  ['letters of several bytes', 's3://b/p=%C3%A4/x', 's3://b/p=ä/x'],
  ['slashes in a row', 's3://b/t//data/x', 's3://b/t/data/x'],
])('%s name one file', (_what, one, other) => {
  expect(comparablePath(one)).toBe(comparablePath(other))
})

test('a percent sign that encodes nothing stays, and names that differ stay different', () => {
  expect(comparablePath('s3://b/100%/x')).toBe('/100%/x')
  expect(comparablePath('s3://b/%ff/x')).toBe('/%ff/x')
  expect(comparablePath('s3://b/t/x')).not.toBe(comparablePath('s3://b/t2/x'))
})
