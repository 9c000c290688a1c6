import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isUtf8 } from '../../../../src/formats/bytes/utf8.ts'

test('any text is UTF-8, wherever it lies', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.nat(70), (text, before) => {
      const bytes = Buffer.concat([Buffer.alloc(before, 0xff), Buffer.from(text), Buffer.of(0xff)])
      expect(isUtf8(bytes, before, bytes.length - 1)).toBe(true)
      expect(isUtf8(bytes, before, bytes.length)).toBe(false)
    }),
  )
})

test.each([
  ['a lone surrogate', [0xed, 0xa0, 0x80]],
  ['an overlong slash', [0xc0, 0xaf]],
  ['a character that is cut off', [0xe2, 0x82]],
])('%s is not UTF-8, at the start or after much ASCII', (_name, bytes) => {
  expect(isUtf8(Uint8Array.from(bytes), 0, bytes.length)).toBe(false)
  const late = Buffer.concat([Buffer.alloc(100, 'a'), Uint8Array.from(bytes)])
  expect(isUtf8(late, 0, late.length)).toBe(false)
  expect(isUtf8(late, 0, 100)).toBe(true)
})
