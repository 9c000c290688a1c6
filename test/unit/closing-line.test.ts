import { expect, test } from 'vitest'
import { closingLine } from '../closing-line.ts'
import type { Report } from '../closing-line.ts'

const good: Report = { numPassedTests: 3, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, success: true, testResults: [] }

test('two good reports are added up', () => {
  expect(closingLine([good, good])).toEqual({ line: '6 passed, 0 failed', good: true })
})

test('a failed test is counted and spoils the run', () => {
  const testResults = [{ status: 'failed', assertionResults: [{ status: 'failed' }, { status: 'passed' }] }]
  expect(closingLine([good, { ...good, numFailedTests: 1, success: false, testResults }])).toEqual({
    line: '6 passed, 1 failed',
    good: false,
  })
})

test('a file that could not be loaded is one failure', () => {
  const report = { ...good, success: false, testResults: [{ status: 'failed', assertionResults: [] }] }
  expect(closingLine([report])).toEqual({ line: '3 passed, 1 failed', good: false })
})

test('skipped tests are shown', () => {
  expect(closingLine([{ ...good, numPendingTests: 1, numTodoTests: 1 }]).line).toBe('3 passed, 0 failed, 2 skipped')
})

test('nothing that ran is not good, not even beside something that did', () => {
  expect(closingLine([])).toEqual({ line: '0 passed, 0 failed', good: false })
  expect(closingLine([good, { ...good, numPassedTests: 0 }]).good).toBe(false)
})

test('an error outside of all tests spoils the run', () => {
  expect(closingLine([{ ...good, success: false }]).good).toBe(false)
})
