import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { avroName, avroNames } from '../../../../src/formats/iceberg/avro-names.ts'

test.each([
  ['plain_1', 'plain_1'],
  ['9x', '_9x'],
  ['a.b', 'a_x2Eb'],
  ['a b', 'a_x20b'],
  ['-', '_x2D'],
  ['☃', '_x2603'],
  ['é', '_xE9'],
  ['', '_'],
])('the name "%s" becomes "%s"', (name, sanitized) => {
  expect(avroName(name)).toBe(sanitized)
})

test('a name that is taken gets the field id, as often as it takes', () => {
  const names = ['a_x20b_1002', 'a b', 'a_x20b'].map((name, i) => ({ name, 'field-id': 1000 + i }))
  expect(avroNames(names)).toEqual(['a_x20b_1002', 'a_x20b', 'a_x20b_1002_1002'])
})

test('any names become different names that Avro takes', () => {
  const name = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('a b', 'a_x20b', 'a_x20b_1000', '1', '_1'))
  fc.assert(
    fc.property(fc.uniqueArray(name), (names) => {
      const sanitized = avroNames(names.map((of, i) => ({ name: of, 'field-id': 1000 + i })))
      for (const one of sanitized) expect(one).toMatch(/^[A-Za-z_][A-Za-z0-9_]*$/)
      expect(new Set(sanitized).size).toBe(names.length)
    }),
  )
})
