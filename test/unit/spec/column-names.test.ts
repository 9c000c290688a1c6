import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { columnName } from '../../../src/spec/column-name.ts'
import { columnNames } from '../../../src/spec/column-names.ts'

test.each<[what: string, keys: string[], names: string[]]>([
  ['are the keys where these are names', ['id', 'created_at', '_x'], ['id', 'created_at', '_x']],
  ['follow the rule where the keys are none', ['Order-Id', '1st', 'größe', ''], ['order_id', 't_1st', 'gr__e', '_']],
  ['that meet get a number, in the order of the keys', ['a.b', 'a-b', 'A_B'], ['a_b', 'a_b_2', 'a_b_3']],
  ['go to the keys that are them already', ['A', 'a', 'B', 'b_2', 'b'], ['a_2', 'a', 'b_3', 'b_2', 'b']],
  ['that are taken get a number', ['Kafka_Key', 'kafka_offset', '_rescued'], ['kafka_key_2', 'kafka_offset_2', '_rescued_2']],
  ['that are reserved get a number', ['_file', '_POS'], ['_file_2', '_pos_2']],
  ['of numbered names step over those that are there', ['a', 'A', 'a_2', 'Á', 'á'], ['a', 'a_3', 'a_2', '_', '__2']],
])('names %s', (_what, keys, names) => {
  expect(columnNames(keys, new Set(['kafka_key', 'Kafka_Offset', '_rescued']))).toEqual(names)
})

test('names have at most 255 characters, with their number', () => {
  const long = 'x'.repeat(300)
  const names = columnNames([long, `${long}y`, ...Array.from({ length: 9 }, (_, i) => `${long}${i}`)], new Set())
  expect(names[0]).toBe('x'.repeat(255))
  expect(names[1]).toBe(`${'x'.repeat(253)}_2`)
  expect(names[10]).toBe(`${'x'.repeat(252)}_11`)
})

test('whatever the keys, the names are legal, differ from one another and from those taken, and stay the same for names', () => {
  const word = fc.oneof(fc.constantFrom('a', 'A', 'a_2', 'A_2', 'b', 'é', 'É', '', '_', '__2', '_file', '1', 't_1'), fc.string())
  fc.assert(
    fc.property(fc.uniqueArray(word, { maxLength: 20 }), fc.uniqueArray(word, { maxLength: 5 }), (keys, taken) => {
      const names = columnNames(keys, new Set(taken))
      const lower = taken.map((name) => name.toLowerCase())
      expect(new Set([...names, ...lower]).size).toBe(keys.length + new Set(lower).size)
      for (const name of names) expect(columnName(name)).toMatch(/^[a-z_][a-z0-9_]*$/)
      const nothingTaken = columnNames(keys, new Set())
      expect(columnNames(nothingTaken, new Set())).toEqual(nothingTaken)
    }),
  )
})
