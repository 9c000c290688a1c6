import { expect, test } from 'vitest'
import { plainBytes } from '../../../../src/formats/bytes/plain.ts'

test('a Buffer becomes an array over the same bytes, and an array stays itself', () => {
  const buffer = Buffer.from('abc').subarray(1)
  const plain = plainBytes(buffer)
  expect([plain.constructor, [...plain], plain.buffer === buffer.buffer]).toEqual([Uint8Array, [98, 99], true])
  expect(plainBytes(plain)).toBe(plain)
})
