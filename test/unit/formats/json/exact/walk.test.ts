import fc from 'fast-check'
import { expect, test } from 'vitest'
import { elementsOf, membersOf } from '../../../../../src/formats/json/exact/walk.ts'
import { anyName, anyValue, objectText, written } from '../json-texts.ts'
import { readJson } from '../plain-json.ts'

function membersIn(text: string): [string, string][] {
  const bytes = Buffer.from(text)
  return [...membersOf(bytes, 0)].map(([name, { start, end }]) => [name, bytes.toString('utf8', start, end)])
}

function elementsIn(text: string): string[] {
  const bytes = Buffer.from(text)
  return [...elementsOf(bytes, 0)].map(({ start, end }) => bytes.toString('utf8', start, end))
}

test('members are found with their names and the exact text of their values', () => {
  expect(membersIn('{"a" : 1 ,"b":[ 1, {"c":"]}"} ],\n"\\u0063":"\\"}","":{ },"é":-1.5e+3\t,"t":true,"f":false,"n":null}')).toEqual([
    ['a', '1'],
    ['b', '[ 1, {"c":"]}"} ]'],
    ['c', '"\\"}"'],
    ['', '{ }'],
    ['é', '-1.5e+3'],
    ['t', 'true'],
    ['f', 'false'],
    ['n', 'null'],
  ])
})

test('of members with one name the last counts, and stands where it stands in the text', () => {
  expect(membersIn('{"a":1,"b":2,"\\u0061":3,"c":4,"b":5}')).toEqual([
    ['a', '3'],
    ['c', '4'],
    ['b', '5'],
  ])
})

test('elements are found with their exact text', () => {
  expect(elementsIn('[ ]')).toEqual([])
  expect(elementsIn('[0,-1E5 ,"a,\\\\",[ [1],2 ],{"a":[]} , null]')).toEqual(['0', '-1E5', '"a,\\\\"', '[ [1],2 ]', '{"a":[]}', 'null'])
})

test('the walk agrees with JSON.parse about the members and elements of any value', () => {
  const object = fc.array(fc.tuple(anyName.chain(written), anyValue), { maxLength: 5 }).chain(objectText)
  fc.assert(
    fc.property(fc.oneof(object, anyValue), (text) => {
      const json = readJson(text)
      if (json instanceof Map) {
        expect(new Map(membersIn(text).map(([name, value]) => [name, readJson(value)]))).toEqual(json)
      } else if (Array.isArray(json)) expect(elementsIn(text).map(readJson)).toEqual(json)
    }),
    { numRuns: 300 },
  )
})
