import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BooleanBuilder } from '../../../../../src/formats/arrow/builders/bits.ts'
import { holdsWhatAnArrayWould } from './steps.ts'

test('a builder of booleans holds what a plain array would, through appending, cutting back and clearing', () => {
  holdsWhatAnArrayWould(fc.boolean(), () => {
    const builder = new BooleanBuilder()
    return { builder, append: (value) => builder.append(value) }
  })
})

test('eight booleans take a byte', () => {
  const builder = new BooleanBuilder()
  for (let i = 0; i < 9; i++) builder.append(true)
  expect([builder.byteLength, builder.snapshot().values]).toEqual([2, Uint8Array.of(0xff, 0x01)])
  builder.truncate(8)
  expect([builder.byteLength, builder.snapshot().values]).toEqual([1, Uint8Array.of(0xff)])
})
