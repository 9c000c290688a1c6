import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readmeWithTable } from '../../../src/spec/generated.ts'

const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')

test('the README has the table of every key as the schema says it', () => {
  expect(readmeWithTable(readme)).toBe(readme)
})

test('the README without the marks of its table is refused', () => {
  expect(() => readmeWithTable('# nothing here')).toThrow('expected the marks')
})
