import { expect, test } from 'vitest'
import { isJson } from '../../../../src/pipeline/infer/is-json.ts'
import { bytesOf } from './documents.ts'

test.each<[string, unknown[], boolean]>([
  ['no values', [], false],
  ['one object', [{ a: 1 }], true],
  ['an empty object with white space around it', [' {} \n'], true],
  ['nine objects of ten', [...Array.from({ length: 9 }, () => ({})), 'x'], true],
  ['eight objects of nine', [...Array.from({ length: 8 }, () => ({})), 'x'], false],
  ['a list', ['[{}]'], false],
  ['a text in quotes', ['"{}"'], false],
  ['an object with something behind it', ['{} {}'], false],
  ['an object that ends early', ['{"a":'], false],
  ['an object behind a byte order mark', ['\ufeff{}'], false],
  ['an object whose text is not UTF-8', [Buffer.from('{"a":"\xff"}', 'latin1')], false],
  ['no bytes', [new Uint8Array(0)], false],
])('%s', (_, values, expected) => {
  expect(isJson(bytesOf(values))).toBe(expected)
})
