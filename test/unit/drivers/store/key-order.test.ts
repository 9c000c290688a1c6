import { array, assert, constantFrom, oneof, property, string } from 'fast-check'
import { expect, test } from 'vitest'
import { compareKeys } from '../../../../src/drivers/store/key-order.ts'

test('keys compare as the bytes of their UTF-8 form do', () => {
  const edges = array(constantFrom('a', '/', '\u007f', '\u0080', '\ud7ff', '\ue000', '\uffff', '𐀀', '😀'), { maxLength: 4 })
  const key = oneof(
    edges.map((characters) => characters.join('')),
    string({ unit: 'binary', maxLength: 6 }),
  )
  assert(
    property(key, key, (a, b) => {
      expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
    }),
  )
})

test('characters beyond U+FFFF come after those below, where UTF-16 has them before', () => {
  expect(compareKeys('\uffee', '😀')).toBeLessThan(0)
  expect(['😀', '\uffee'].toSorted()).toEqual(['😀', '\uffee'])
})
