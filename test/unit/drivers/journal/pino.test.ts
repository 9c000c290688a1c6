import { describe, expect, test } from 'vitest'
import { pinoJournal } from '../../../../src/drivers/journal/pino.ts'
import type { PinoJournalOptions } from '../../../../src/drivers/journal/pino.ts'
import { memoryJournal } from '../../../../src/drivers/journal/memory.ts'
import { WorkError } from '../../../../src/model/failure.ts'

function recorded(options: Partial<PinoJournalOptions> = {}) {
  const written: string[] = []
  const journal = pinoJournal({ level: 'info', destination: { write: (line) => void written.push(line) }, ...options })
  return { journal, written, line: () => JSON.parse(written.at(-1) ?? '') as Record<string, unknown> }
}

describe('a line of the journal', () => {
  test('is JSON with a level as a word, an ISO time in UTC, the message and the fields, and nothing else', () => {
    const { journal, written, line } = recorded()
    journal.warn('partition stopped', { topic: 'orders', partition: 3, done: false, none: null, absent: undefined, files: ['a', 'b'] })
    expect(written[0]).toMatch(/\}\n$/)
    expect(line()).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      msg: 'partition stopped',
      topic: 'orders',
      partition: 3,
      done: false,
      none: null,
      files: ['a', 'b'],
    })
  })

  test('keeps every digit of a bigint', () => {
    const { journal, line } = recorded()
    journal.info('committed', { snapshot: 9_223_372_036_854_775_807n, offset: -1n })
    expect(line()).toMatchObject({ snapshot: '9223372036854775807', offset: '-1' })
  })

  test('is written from its level on', () => {
    const { journal, written } = recorded({ level: 'warn' })
    journal.debug('d')
    journal.info('i')
    journal.warn('w')
    journal.error('e')
    expect(written.map((text) => (JSON.parse(text) as { msg: string }).msg)).toEqual(['w', 'e'])
  })

  test('takes the message as it is, percent signs and all', () => {
    const { journal, line } = recorded()
    journal.info('100 %s of %d %o %%', { a: 'x' })
    expect(line().msg).toBe('100 %s of %d %o %%')
  })

  test('has each key once, also where a field is called like one of its own', () => {
    const { journal, written, line } = recorded()
    journal.info('m', { msg: 'other', level: 5, time: 1 })
    expect(line()).toMatchObject({ msg: 'm', level: 'info', msg_: 'other', level_: 5, time_: 1 })
    expect(written[0].match(/"msg":/g)?.length).toBe(1)
  })

  test('shows an error with the chain of its causes, and its stack at debug only', () => {
    const root = Object.assign(new Error('connect ECONNREFUSED'), { name: 'SystemError' })
    const error = new WorkError('cannot get s3://b/k', { retry: 'later', cause: new TypeError('fetch failed', { cause: root }) })
    const quiet = recorded()
    quiet.journal.error('failed', { error })
    expect(quiet.line().error).toEqual({
      type: 'WorkError',
      message: 'cannot get s3://b/k',
      causes: ['TypeError: fetch failed', 'SystemError: connect ECONNREFUSED'],
    })
    const loud = recorded({ level: 'debug' })
    loud.journal.error('failed', { error })
    expect((loud.line().error as { stack: string }).stack).toContain('pino.test.ts')
  })

  test('ends where causes go in a circle', () => {
    const { journal, line } = recorded()
    const error = new Error('a')
    error.cause = new Error('b', { cause: error })
    journal.error('failed', { error, many: new AggregateError([new Error('x'), new Error('y')], 'all') })
    expect((line().error as { causes: string[] }).causes.length).toBe(8)
    expect((line().many as { causes: string[] }).causes).toEqual(['Error: x', 'Error: y'])
  })
})

describe('secrets', () => {
  test('are replaced wherever a string has them: message, fields, lists, errors, causes, stacks', () => {
    const { journal, written } = recorded({ level: 'debug', secrets: () => ['hunter2', 'p@ss/word', ''] })
    const error = new Error('auth hunter2 failed', { cause: new Error('redis://u:p%40ss%2Fword@h') })
    journal.info('token hunter2', { url: 'https://u:p@ss/word@host', list: ['x', 'hunter2x'], error })
    expect(written[0]).not.toMatch(/hunter2|p@ss|p%40ss/)
    expect(written[0]).toContain('token ***')
    expect(written[0]).toContain('redis://u:***@h')
  })

  test('are asked for each time, because they rotate, and a longer one is replaced whole', () => {
    const secrets = ['abc']
    const { journal, line } = recorded({ secrets: () => secrets })
    journal.info('abcdef xyz')
    expect(line().msg).toBe('***def xyz')
    secrets.push('abcdef', 'xyz')
    journal.info('abcdef xyz')
    expect(line().msg).toBe('*** ***')
  })
})

test('the journal in memory keeps lines as they were said', () => {
  const journal = memoryJournal()
  journal.debug('a')
  journal.error('b', { offset: 5n })
  expect(journal.lines).toEqual([
    { level: 'debug', message: 'a', fields: {} },
    { level: 'error', message: 'b', fields: { offset: 5n } },
  ])
})
