import { expect, test } from 'vitest'
import { crc32c, formatCrc } from '../../../../src/formats/bytes/crc32c.ts'

test('CRC-32C gives the values of RFC 3720, appendix B.4', () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43)
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e)
})

test('a CRC is shown with all its digits', () => {
  expect(formatCrc(0xa5)).toBe('000000a5')
})
