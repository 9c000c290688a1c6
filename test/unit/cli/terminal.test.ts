import { expect, test } from 'vitest'
import { openTerminal } from '../../../src/cli/terminal.ts'

test.each([
  [120, 120],
  [0, 100],
  [undefined, 100],
])('a terminal that says it has %s columns has %s', (columns, width) => {
  const stream = Object.assign(Object.create(process.stdout) as typeof process.stdout, {})
  Object.defineProperty(stream, 'columns', { value: columns })
  expect(openTerminal(stream, process.stderr).width).toBe(width)
})
