import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BytesBuilder, FixedBytesBuilder } from '../../../../../src/formats/arrow/builders/bytes.ts'
import { valuesOf } from '../values.ts'
import { holdsWhatAnArrayWould } from './steps.ts'

const anyBytes = fc.oneof({ weight: 5, arbitrary: fc.uint8Array({ maxLength: 100 }) }, fc.uint8Array({ minLength: 2000, maxLength: 2100 }))

describe('a builder holds what a plain array would, through appending, cutting back and clearing', () => {
  test('of bytes, taken out of the middle of others', () => {
    holdsWhatAnArrayWould(anyBytes, () => {
      const builder = new BytesBuilder()
      return { builder, append: (value) => builder.append(Buffer.concat([Buffer.of(9), value, Buffer.of(9)]), 1, value.length + 1) }
    })
  })

  test('of bytes that the caller writes in place, whole words at a time', () => {
    holdsWhatAnArrayWould(anyBytes, () => {
      const builder = new BytesBuilder()
      const append = (value: Uint8Array) => {
        const words = new Uint8Array(value.length + 8)
        words.set(value)
        const view = new DataView(words.buffer)
        const start = builder.reserve(value.length)
        for (let i = 0; i < value.length; i += 8) builder.view.setBigUint64(start + i, view.getBigUint64(i))
        builder.push(start + value.length)
      }
      return { builder, append }
    })
  })

  test.each([1, 7, 16])('of %i bytes each', (width) => {
    holdsWhatAnArrayWould(fc.uint8Array({ minLength: width, maxLength: width }), () => {
      const builder = new FixedBytesBuilder(width)
      return { builder, append: (value) => builder.append(value) }
    })
  })
})

test.each([
  ['shorter', 15],
  ['longer', 17],
])('a value %s than the others of its column is refused and leaves the column as it was', (_which, length) => {
  const builder = new FixedBytesBuilder(16)
  builder.append(new Uint8Array(16).fill(7))
  expect(() => builder.append(new Uint8Array(length))).toThrow(new RangeError(`a value of ${length} bytes in a column of 16 bytes each`))
  expect(valuesOf(builder.snapshot())).toEqual([new Uint8Array(16).fill(7)])
})

test('a null slot holds zeros, whatever stood there before', () => {
  const builder = new FixedBytesBuilder(2)
  builder.append(Uint8Array.of(1, 2))
  builder.clear()
  builder.appendNull()
  expect(builder.snapshot().data).toEqual(Uint8Array.of(0, 0))
})

test('more bytes than 32-bit offsets reach are refused before they are taken', () => {
  const builder = new BytesBuilder()
  builder.append(Buffer.from('abc'), 0, 3)
  expect(() => builder.reserve(2 ** 31)).toThrow(
    new RangeError('a column batch would hold 2147483659 bytes, more than 32-bit offsets reach'),
  )
  expect(valuesOf(builder.snapshot())).toEqual([Uint8Array.from(Buffer.from('abc'))])
})

test('byteLength is what the slots hold', () => {
  const texts = new BytesBuilder()
  texts.append(Buffer.from('abc'), 0, 3)
  texts.appendNull()
  expect(texts.byteLength).toBe(3 + 2 * 4)
  texts.truncate(0)
  expect(texts.byteLength).toBe(0)
  const uuids = new FixedBytesBuilder(16)
  uuids.appendNull()
  expect(uuids.byteLength).toBe(16)
})
