import { expect, test } from 'vitest'
import { reportFailure } from '../../../src/cli/report-failure.ts'
import { DocumentError, WorkError } from '../../../src/model/failure.ts'
import { ObjectNotFound } from '../../../src/seams/object-store.ts'
import { recordingTerminal } from './program.ts'

function report(error: unknown, json: boolean) {
  const terminal = recordingTerminal()
  const code = reportFailure(error, terminal, json)
  return { code, out: terminal.lines, err: terminal.errors }
}

test('a wrong document ends with 2 and a line for each problem', () => {
  const problems = [
    { path: 'spec.a', message: 'expected this' },
    { path: 'spec.b', message: 'expected that' },
  ]
  const error = new DocumentError('spec.a: expected this\nspec.b: expected that', problems)
  expect(report(error, false)).toEqual({ code: 2, out: [], err: ['error: spec.a: expected this', 'error: spec.b: expected that'] })
  expect(report(error, true)).toEqual({ code: 2, out: [JSON.stringify({ ok: false, problems })], err: [] })
})

test('work that failed ends with 1 and its message, without a stack', () => {
  for (const error of [new WorkError('the bucket is gone', { retry: 'never' }), new ObjectNotFound('the bucket is gone')]) {
    expect(report(error, false)).toEqual({ code: 1, out: [], err: ['error: the bucket is gone'] })
    expect(report(error, true)).toEqual({ code: 1, out: ['{"ok":false,"error":"the bucket is gone"}'], err: [] })
  }
})

test('anything else is a bug: it ends with 1 and shows its stack', () => {
  const { code, out, err } = report(new TypeError('x is undefined'), true)
  expect({ code, out }).toEqual({ code: 1, out: [] })
  expect(err[1]).toBe('TypeError: x is undefined')
  expect(err[2]).toMatch(/^ +at /)
})

test('a message can not steer the terminal', () => {
  expect(report(new WorkError('key \u001b[2J', { retry: 'never' }), false).err).toEqual(['error: key \\u001b[2J'])
})
