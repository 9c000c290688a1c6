import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bitWidth, encodeHybrid, encodeRun, hybridBound, maxWidth } from '../../../../../src/formats/parquet/encode/hybrid.ts'
import { encodeLevels, maxLevel } from '../../../../../src/formats/parquet/encode/level-hybrid.ts'
import { live } from '../../../../../src/formats/parquet/encode/shredded.ts'

/** Decodes as parquet-format's Encodings.md describes it, bit by bit. */
function decode(bytes: Uint8Array, width: number, count: number): number[] {
  const values: number[] = []
  let at = 0
  while (values.length < count) {
    let header = 0
    for (let shift = 0, byte = 0x80; byte >= 0x80; shift += 7) {
      byte = bytes[at++]
      header += (byte & 0x7f) * 2 ** shift
    }
    if (header % 2 === 1) {
      for (let i = 0; i < Math.floor(header / 2) * 8; i++) {
        let value = 0
        for (let k = 0; k < width; k++) {
          const bit = i * width + k
          value += ((bytes[at + (bit >> 3)] >> (bit & 7)) & 1) * 2 ** k
        }
        values.push(value)
      }
      at += Math.floor(header / 2) * width
    } else {
      let value = 0
      for (let shift = 0; shift < width; shift += 8) value += bytes[at++] * 2 ** shift
      for (let i = 0; i < Math.floor(header / 2); i++) values.push(value)
    }
  }
  expect(at).toBe(bytes.length)
  expect(values.slice(count).every((value) => value === 0)).toBe(true)
  return values.slice(0, count)
}

/** Numbers up to a bound, with and without runs. */
const numbers = (max: number) =>
  fc
    .array(fc.tuple(fc.integer({ min: 0, max }), fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 200 }))), {
      minLength: 1,
      maxLength: 100,
    })
    .map((runs) => runs.flatMap(([value, length]) => Array<number>(length).fill(value)))

describe('the hybrid of runs and literals', () => {
  test('holds indexes of every width', () => {
    const anyWidth = fc.integer({ min: 1, max: maxWidth }).chain((width) => fc.tuple(fc.constant(width), numbers(2 ** width - 1)))
    fc.assert(
      fc.property(anyWidth, ([width, values]) => {
        const out = new Uint8Array(3 + hybridBound(values.length, width))
        const padded = Int32Array.from({ length: values.length + 7 }, (_, i) => values[i] ?? 0x7fffffff)
        const end = encodeHybrid(padded, values.length, width, new DataView(out.buffer), 3)
        expect(decode(out.subarray(3, end), width, values.length)).toEqual(values)
      }),
      { numRuns: 500 },
    )
  })

  test('holds levels of every depth, the live ones as the deepest', () => {
    const anyDepth = fc.integer({ min: 1, max: maxLevel }).chain((max) => fc.tuple(fc.constant(max), numbers(max)))
    fc.assert(
      fc.property(anyDepth, fc.boolean(), ([max, levels], marked) => {
        const words = new Int32Array((levels.length + 14) >> 2).fill(-1)
        new Uint8Array(words.buffer).set(levels.map((level) => (marked && level === max ? live : level)))
        const out = new Uint8Array(1 + hybridBound(levels.length, bitWidth(max)))
        const end = encodeLevels(words, levels.length, max, new DataView(out.buffer), 1)
        expect(decode(out.subarray(1, end), bitWidth(max), levels.length)).toEqual(levels)
      }),
      { numRuns: 500 },
    )
  })

  test.each([1, 63, 64, 8191, 8192, 2 ** 20, 2 ** 31 - 1])('writes a run of %i', (count) => {
    const out = new Uint8Array(16)
    const end = encodeRun(5, count, 3, new DataView(out.buffer), 0)
    let header = 0
    for (let i = 0; i < end - 1; i++) header += (out[i] & 0x7f) * 2 ** (7 * i)
    expect([header, out[end - 1], out[end - 2] < 0x80]).toEqual([count * 2, 5, true])
  })

  test('is short where values are equal, and where they are not', () => {
    const size = (values: number[], width: number) =>
      encodeHybrid(Int32Array.from([...values, 0, 0, 0, 0, 0, 0, 0]), values.length, width, new DataView(new ArrayBuffer(10_000)), 0)
    expect(size(Array<number>(8000).fill(3), 2)).toBe(3)
    const literals = Array.from({ length: 8000 }, (_, i) => (i * 7) % 5)
    expect(size(literals, 3)).toBe(3000 + Math.ceil(1000 / 63))
  })
})
