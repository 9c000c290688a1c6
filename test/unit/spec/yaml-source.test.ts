import { describe, expect, test } from 'vitest'
import { readYaml } from '../../../src/spec/yaml-source.ts'

const read = (text: string) => readYaml(text, 'f')
const problemsOf = (text: string) => read(text).problems.map(({ line, column, path, message }) => `${line}:${column}: ${path}: ${message}`)

describe('what is no YAML is told with line and column, one error a document', () => {
  test.each([
    ['a:\n\tb: 1\n', '2:1: : expected spaces, found a tab in the indentation'],
    ['a: 1\n b: 2\n', '1:4: : expected one key and its value a line; quote a string that has a colon and a space in it'],
    ['a: b: c\n', '1:4: : expected one key and its value a line; quote a string that has a colon and a space in it'],
    ['a: "x\n', '2:1: : expected a quote, bracket, brace, comma or colon, which is missing'],
    ['a: *b\n', '1:4: a: expected an alias (*name) to have its anchor (&name) above it; quote a string that starts with *'],
    ['a: @b\n', '1:4: : expected a string that starts with this character to be quoted'],
    ['a: !b c\n', '1:4: : expected no tags (!name); quote a string that starts with !'],
    ['a: !!binary aGk=\n', '1:4: : expected no tags (!name); quote a string that starts with !'],
    ['a: "\\q"\n', '1:5: : expected an escape that YAML knows after a backslash within double quotes; write \\\\ for a backslash'],
    ['a: 1\nb: {c: ${D}}\n', expect.stringContaining('within brackets and braces, a string with ${NAME} in it must be quoted') as string],
    ['? [a]\n: b\n', '1:3: : expected a string as key'],
    ['{"a": 1,', expect.stringContaining('expected a quote, bracket, brace, comma or colon, which is missing') as string],
  ])('%j', (text, problem) => {
    expect(problemsOf(text)).toEqual([problem])
  })

  test('a key that stands twice', () => {
    expect(problemsOf('a:\n  b: 1\n  c: 2\n  b: 3\n')).toEqual(['4:3: a.b: expected each key once, found it again (first in line 2)'])
    expect(problemsOf('{"a": 1, "a": 1}')).toEqual(['1:10: a: expected each key once, found it again (first in line 1)'])
  })
})

describe('hostile files are bounded', () => {
  test('aliases that multiply', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
    for (let i = 1; i < 12; i++)
      lines.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      )
    expect(problemsOf(lines.join('\n'))).toEqual([expect.stringMatching(/expected at most 100000 values, found more/)])
  })

  test('an alias of what it stands in', () => {
    expect(problemsOf('a: &a [*a]')).toEqual(['1:8: : expected at most 64 levels, found more'])
  })

  test('deep nesting', () => {
    expect(problemsOf(`a: ${'['.repeat(65)}${']'.repeat(65)}`)).toEqual([expect.stringMatching(/expected at most 64 levels, found more/)])
    expect(problemsOf('['.repeat(100_000))).toHaveLength(1)
  })

  test('length', () => {
    expect(read('#'.repeat(4_194_305)).problems[0].message).toBe('expected at most 4194304 characters, found 4194305')
  })
})

test('aliases are followed, and stand at the place of the alias', () => {
  const { values } = read('a: &x {b: 1}\nc: *x\n')
  expect(JSON.stringify(values[0].value)).toBe('{"a":{"b":1},"c":{"b":1}}')
  expect(values[0].placeOf(['c'], 'value')).toEqual({ line: 2, column: 4 })
})

test('a key named __proto__ is a key like others', () => {
  const value = read('__proto__: {a: 1}').values[0].value as object
  expect(Object.keys(value)).toEqual(['__proto__'])
  expect('a' in value).toBe(false)
})

test('places are those of values and keys, and of what is around a missing one', () => {
  const { values } = read('a:\n  b: [x,\n    y]\n')
  const at = (path: (string | number)[], part: 'key' | 'value' = 'value') => values[0].placeOf(path, part)
  expect(at(['a', 'b', 1])).toEqual({ line: 3, column: 5 })
  expect(at(['a', 'b'], 'key')).toEqual({ line: 2, column: 3 })
  expect(at(['a', 'b'])).toEqual({ line: 2, column: 6 })
  expect(at(['a', 'missing'])).toEqual({ line: 1, column: 1 })
  expect(at(['missing'])).toEqual({ line: 1, column: 1 })
})
