import { expect, test } from 'vitest'
import { inferColumns } from '../../../../src/pipeline/infer/infer-columns.ts'
import { bytesOf, infer, inferred, rescued } from './documents.ts'

function repeat<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i))
}

/** Forty-nine members that every object has. */
const usual = Object.fromEntries(repeat(49, (i) => [`m${i}`, 1]))

test('of more than 50 keys, one that a single document has, or fewer than one in a hundred, gets no column', () => {
  const few = repeat(300, (i) => ({ ...usual, ...(i < 2 && { two: 1 }), ...(i < 3 && { three: 1 }) }))
  expect(inferred(few).slice(49)).toEqual(['three: long'])
  const once = repeat(20, (i) => ({ ...usual, ...(i === 7 && { once: 1 }), ...(i > 17 && { twice: 1 }) }))
  expect(inferred(once).slice(49)).toEqual(['twice: long'])
})

test('of fewer keys or documents, each key gets a column', () => {
  expect(inferred(repeat(1000, (i) => ({ id: i, ...(i === 7 && { once: 1 }) })))).toEqual(['id: long', 'once: long'])
  expect(inferred(repeat(19, (i) => ({ ...usual, [`k${i}`]: 1 })))).toHaveLength(49 + 19)
})

test('what counts within an object is how often that object is there', () => {
  const documents = repeat(1000, (i) => (i < 19 ? { id: i, address: { ...usual, [`k${i}`]: 'x' } } : { id: i }))
  expect(inferred(documents)[1]).toContain('k18: string')
  const lists = repeat(10, (i) => ({ items: repeat(30, (j) => ({ ...usual, ...(i === 0 && { [`k${j}`]: 1 }) })) }))
  expect(inferred(lists)[0]).not.toContain('k1:')
})

test('an object whose keys are data has no column, and what stands beside it has', () => {
  const documents = repeat(500, (i) => ({ id: i, counts: { [`user-${i}`]: 1, [`user-${i + 1}`]: 2 } }))
  const columns = infer(documents)
  expect(columns.map(({ name }) => name)).toEqual(['id'])
  expect(rescued(columns, bytesOf(documents.slice(0, 1)))).toEqual([`{"$['counts']":"{\\"user-0\\":1,\\"user-1\\":2}"}`])
})

test('of too many columns those remain that most documents have, and of equal ones those that came first', () => {
  const documents = [
    { a: 1, b: 1, c: { d: 1, e: 1 } },
    { b: 1, c: { e: 1 }, f: [1, 2] },
    { a: 1, f: [{ g: 1 }] },
  ]
  expect(inferred(documents)).toEqual(['a: long', 'b: long', 'c: struct<d: long, e: long>'])
  expect(inferred(documents, { maxColumns: 3 })).toEqual(['a: long', 'b: long', 'c: struct<e: long>'])
  expect(inferred(documents, { maxColumns: 1 })).toEqual(['a: long'])
  expect(inferred(documents, { maxColumns: 0 })).toEqual([])
})

test('a key that appears later is left out before one that stands behind it and appeared earlier', () => {
  const documents = [{ a: { x: 1 }, b: 1 }, { a: { y: 1 } }]
  expect(inferred(documents, { maxColumns: 3 })).toEqual(['a: struct<x: long, y: long>', 'b: long'])
  expect(inferred(documents, { maxColumns: 2 })).toEqual(['a: struct<x: long>', 'b: long'])
})

test('a list counts once for each document, however many elements it has', () => {
  const documents = [{ many: [{ x: 1 }, { x: 1 }, { x: 1 }], a: 1 }, { a: 1 }]
  expect(inferred(documents, { maxColumns: 1 })).toEqual(['a: long'])
})

test('a key that is there in every document, and null in nearly all, keeps its column', () => {
  const documents = repeat(1000, (i) => ({ id: i, rarely: i === 500 ? 'x' : null }))
  expect(inferred(documents)).toEqual(['id: long', 'rarely: string'])
})

test.each([1, 16, 17, 100, 100_000])('an object in %i objects', (depth) => {
  const value = `{"id":1,"a":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`
  const columns = inferred([value])
  expect(columns.map((column) => column.slice(0, 2))).toEqual(depth <= 16 ? ['id', 'a:'] : ['id'])
})

test.each([1, 16, 17, 100_000])('a number in %i lists', (depth) => {
  const value = `{"id":1,"a":${'['.repeat(depth)}1${']'.repeat(depth)}}`
  expect(inferred([value])).toEqual(depth <= 16 ? ['id: long', `a: ${'list<'.repeat(depth)}long${'>'.repeat(depth)}`] : ['id: long'])
})

test('what lies deeper than columns do leaves the columns beside it', () => {
  const deep = `${'{"a":'.repeat(16)}{"n":1,"a":{"b":1}}${'}'.repeat(16)}`
  const [type] = inferred([deep.replace('"n":1', '"n":"x"')])
  expect(type).toBe(`a: ${'struct<a: '.repeat(15)}struct<n: string>${'>'.repeat(15)}`)
})

test('10,000 documents of 10,000 shapes have the columns that they share', () => {
  const documents = repeat(10_000, (i) => ({ type: `t${i}`, [`only-${i}`]: i, body: { [`x${i}`]: { [`y${i}`]: i } } }))
  expect(inferred(documents)).toEqual(['type: string'])
})

test('documents of 5,000 keys have 500 columns', () => {
  const keys = repeat(5000, (i) => `k${i}`)
  const values = bytesOf(repeat(100, (i) => Object.fromEntries(keys.map((key) => [key, i]))))
  const started = performance.now()
  const columns = inferColumns(values, { taken: new Set(), maxColumns: 500 })
  expect(columns.map(({ name }) => name)).toEqual(keys.slice(0, 500))
  expect(performance.now() - started).toBeLessThan(10_000)
})

test('no more than 20,000 places are noted', () => {
  const values = bytesOf(repeat(19, (i) => Object.fromEntries(repeat(1100, (j) => [`k${i}-${j}`, 1]))))
  expect(inferColumns(values, { taken: new Set(), maxColumns: 100_000 })).toHaveLength(19_999)
})
