import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseValuePath, pathsMeet, valuePathText } from '../../../src/spec/value-path.ts'

describe('a path is read', () => {
  test.each([
    ['$.city', ['city']],
    ['$.address.city', ['address', 'city']],
    ["$['address']['city']", ['address', 'city']],
    ['$["address"].city', ['address', 'city']],
    ['$ .a\n[ "b" ]', ['a', 'b']],
    ['$._1.größe.😀', ['_1', 'größe', '😀']],
    [`$['']["'"]['"']`, ['', "'", '"']],
    [String.raw`$['\'\\\/\b\f\n\r\t\u00e9\ud83d\ude00\uD800']["\""]`, ["'\\/\b\f\n\r\té😀\ud800", '"']],
    [`$${'.a'.repeat(64)}`, Array.from({ length: 64 }, () => 'a')],
  ])('%s', (text, path) => {
    expect(parseValuePath(text)).toEqual(path)
  })
})

describe('what is no path of names is refused, with the place', () => {
  const form = "$ and names, as $.address.city or $['address']['city']; not so at character"
  test.each([
    ['', `${form} 1`],
    ['city', `${form} 1`],
    [' $.a', `${form} 1`],
    ['$', 'at least one name after $'],
    ['$a', `${form} 2`],
    ['$.', `${form} 2`],
    ['$.1a', `${form} 2`],
    ['$.a ', `${form} 4`],
    ['$. a', `${form} 2`],
    ['$.a-b', `${form} 4`],
    ['$[0]', `${form} 2`],
    ['$.a[*]', `${form} 4`],
    ['$..a', `${form} 2`],
    ['$.a.*', `${form} 4`],
    ["$['a', 'b']", `${form} 2`],
    ["$['a\n']", `${form} 2`],
    [String.raw`$['\"']`, `${form} 2`],
    [String.raw`$['\u12']`, `${form} 2`],
    [`$${'.a'.repeat(65)}`, 'it has more than 64 names'],
  ])('%j', (text, message) => {
    expect(() => parseValuePath(text)).toThrow(expect.objectContaining({ name: 'FormError', message }) as Error)
  })
})

test.each([
  [['address', 'city'], "$['address']['city']"],
  [["it's", 'a\\b', '"é/😀'], String.raw`$['it\'s']['a\\b']['"é/😀']`],
  [['\b\t\n\f\r\u0001\u001f\u007f', '\ud83d\udc00\udc00'], "$['\\b\\t\\n\\f\\r\\u0001\\u001f\u007f']['\ud83d\udc00\\udc00']"],
])('the normalized path of %j is %s', (path, text) => {
  expect(valuePathText(path)).toBe(text)
})

test('every path is read as it is printed', () => {
  const name = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)), maxLength: 6 })
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), (path) => {
      expect(parseValuePath(valuePathText(path))).toEqual(path)
    }),
  )
})

test('places meet where one is the other or lies within it', () => {
  expect(pathsMeet(['a'], ['a'])).toBe(true)
  expect(pathsMeet(['a'], ['a', 'b'])).toBe(true)
  expect(pathsMeet(['a', 'b'], ['a'])).toBe(true)
  expect(pathsMeet(['a', 'b'], ['a', 'c'])).toBe(false)
  expect(pathsMeet(['a'], ['b', 'a'])).toBe(false)
})
