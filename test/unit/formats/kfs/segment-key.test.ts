import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { listStartAfter, parseSegmentFileName, partitionPrefix, segmentKey } from '../../../../src/formats/kfs/segment-key.ts'

const at = { topic: 'orders', partition: 7 }

test('keys have the base offset in twenty digits', () => {
  expect(segmentKey('default/', at, 42n, 'kfs')).toBe('default/orders/7/segment-00000000000000000042.kfs')
  expect(segmentKey('', at, 2n ** 63n - 1n, 'index')).toBe('orders/7/segment-09223372036854775807.index')
  expect(partitionPrefix('a/b/', at)).toBe('a/b/orders/7/')
})

test('a name that segmentKey made is read back, any int64', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 63n - 1n), fc.constantFrom('kfs' as const, 'index' as const), (baseOffset, extension) => {
      const name = segmentKey('p/', at, baseOffset, extension).slice(partitionPrefix('p/', at).length)
      expect(parseSegmentFileName(name)).toEqual({ baseOffset, extension })
    }),
  )
})

test.each([
  'segment-0000000000000000000.kfs',
  'segment-000000000000000000000.kfs',
  'segment-09223372036854775808.kfs',
  'segment-99999999999999999999.index',
  'segment-+0000000000000000001.kfs',
  'segment-0000000000000000000a.kfs',
  'segment-٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠.kfs',
  'segment-00000000000000000001.kfst',
  'segment-00000000000000000001.KFS',
  'segment-00000000000000000001',
  'segment-00000000000000000001.kfs\n',
  ' segment-00000000000000000001.kfs',
  'x/segment-00000000000000000001.kfs',
  'manifest.json',
  '',
])('%j is a foreign name', (name) => {
  expect(parseSegmentFileName(name)).toBeNull()
})

test('a listing after listStartAfter begins at the index and the segment of that base offset', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 63n - 2n), (baseOffset) => {
      const start = listStartAfter('p/', at, baseOffset)
      const keys = [baseOffset - 1n, baseOffset, baseOffset + 1n]
        .filter((offset) => offset >= 0n)
        .flatMap((offset) => [segmentKey('p/', at, offset, 'index'), segmentKey('p/', at, offset, 'kfs')])
      expect(keys.filter((key) => key > start)).toEqual(keys.slice(-4))
      expect(start.startsWith(partitionPrefix('p/', at))).toBe(true)
    }),
  )
})
