import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readSources } from '../tidy/read-sources.ts'
import { roomViolations } from '../tidy/rooms.ts'
import { textViolations } from '../tidy/texts.ts'

const sources = readSources(join(import.meta.dirname, '../..'))

test('the rules look at the sources of the program, its tests and its lock file', () => {
  expect([...sources.keys()].filter((path) => path.startsWith('src/') && path.endsWith('.ts')).length).toBeGreaterThan(5)
  expect(sources.has('test/unit/tidy.test.ts')).toBe(true)
  expect(sources.has('package-lock.json')).toBe(true)
})

test('values cross rooms, code does not, and each npm package has one door', () => {
  expect(roomViolations(sources)).toEqual([])
})

test('files are short and documented, links lead somewhere, no test is skipped, and nothing names a machine or a registry', () => {
  expect(textViolations(sources)).toEqual([])
})
