import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  compareBytes,
  truncateLowerBinary,
  truncateLowerString,
  truncateUpperBinary,
  truncateUpperString,
} from '../../../../src/formats/iceberg/bounds.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const upper = (text: string, codePoints = 16): string | undefined => {
  const bound = truncateUpperString(utf8(text), codePoints)
  return bound && new TextDecoder('utf-8', { fatal: true }).decode(bound)
}

test('a text of 16 code points is its own bound, a longer one is cut, and the upper bound incremented', () => {
  expect(upper('abcdefghijklmnop')).toBe('abcdefghijklmnop')
  expect(upper('abcdefghijklmnopq')).toBe('abcdefghijklmnoq')
  expect(truncateLowerString(utf8('abcdefghijklmnopq'), 16)).toEqual(utf8('abcdefghijklmnop'))
})

test('code points are counted, not bytes or UTF-16 units', () => {
  const faces = '\u{1f600}'.repeat(16)
  expect(upper(faces)).toBe(faces)
  expect(upper(`${faces}x`)).toBe(`${'\u{1f600}'.repeat(15)}\u{1f601}`)
  expect(truncateLowerString(utf8(`${faces}x`), 16)).toEqual(utf8(faces))
})

test('the upper bound steps over surrogates and may grow by a byte', () => {
  expect(upper('\ud7ffx', 1)).toBe('\ue000')
  expect(upper('\x7fx', 1)).toBe('\x80')
  expect(upper('\u07ffx', 1)).toBe('\u0800')
  expect(upper('\uffffx', 1)).toBe('\u{10000}')
})

test('what can not be incremented is left off, and where nothing can there is no bound', () => {
  expect(upper('a\u{10ffff}\u{10ffff}x', 3)).toBe('b')
  expect(upper('\u{10ffff}\u{10ffff}x', 2)).toBeUndefined()
})

test('bounds of any text enclose it, are short enough and valid Unicode', () => {
  const letters = fc.constantFrom('a', '\x7f', 'é', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}')
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(letters).map((parts) => parts.join('')),
      ),
      fc.integer({ min: 1, max: 20 }),
      (text, length) => {
        const bytes = utf8(text)
        const lower = truncateLowerString(bytes, length)
        expect(countCodePoints(lower)).toBeLessThanOrEqual(length)
        expect(compareBytes(lower, bytes)).toBeLessThanOrEqual(0)
        const bound = truncateUpperString(bytes, length)
        const hasNone = Array.from(text)
          .slice(0, length)
          .every((letter) => letter === '\u{10ffff}')
        expect(bound === undefined).toBe(hasNone && lower.length < bytes.length)
        expect(countCodePoints(bound ?? new Uint8Array())).toBeLessThanOrEqual(length)
        expect(compareBytes(bound ?? bytes, bytes)).toBeGreaterThanOrEqual(0)
      },
    ),
    { numRuns: 500 },
  )
})

function countCodePoints(bound: Uint8Array): number {
  return Array.from(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bound)).length
}

test('bounds of any bytes enclose them and are short enough', () => {
  const bytes = fc.array(fc.constantFrom(0, 1, 0x7f, 0x80, 0xfe, 0xff)).map((values) => Uint8Array.from(values))
  fc.assert(
    fc.property(bytes, fc.integer({ min: 1, max: 8 }), (value, length) => {
      const lower = truncateLowerBinary(value, length)
      expect(lower.length).toBeLessThanOrEqual(length)
      expect(compareBytes(lower, value)).toBeLessThanOrEqual(0)
      const bound = truncateUpperBinary(value, length)
      const hasNone = value.subarray(0, length).every((byte) => byte === 0xff)
      expect(bound === undefined).toBe(hasNone && value.length > length)
      expect(bound?.length ?? 0).toBeLessThanOrEqual(length)
      expect(compareBytes(bound ?? value, value)).toBeGreaterThanOrEqual(0)
    }),
  )
})

test('the bytes that a bound is made from stay as they are', () => {
  const bytes = Uint8Array.of(1, 2, 3)
  expect(truncateUpperBinary(bytes, 2)).toEqual(Uint8Array.of(1, 3))
  expect(bytes).toEqual(Uint8Array.of(1, 2, 3))
})
