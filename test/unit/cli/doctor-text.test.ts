import { expect, test } from 'vitest'
import { checkLines, closingLine } from '../../../src/cli/doctor-text.ts'
import { failed, passed, warned } from '../../../src/pipeline/doctor/check.ts'
import { recordingTerminal } from './program.ts'

test('a line is wrapped under its sentence, and what is to be pasted stays whole', () => {
  const statement = 'GRANT CREATE TABLE ON SCHEMA `a_long_catalog_name`.`a_long_schema_name` TO `somebody@example.com`;'
  const found = 'creating shop.orders: POST catalog.example.com/v1/namespaces/shop/tables answered 403'
  expect(checkLines(failed('create', found, [statement]), recordingTerminal(80))).toEqual([
    '  failed   create table  creating shop.orders: POST',
    '                         catalog.example.com/v1/namespaces/shop/tables answered',
    '                         403',
    `           → ${statement}`,
  ])
})

test('nothing that a server says can act upon the terminal', () => {
  expect(checkLines(failed('catalog', 'a\u001b[2Jb', ['\u0007']), recordingTerminal(80)).join('')).not.toMatch(/\p{Cc}/u)
})

test('the last line counts failures and warnings', () => {
  const { style } = recordingTerminal()
  expect(closingLine([passed('source', '')], style)).toBe('nothing failed')
  expect(closingLine([warned('clock', ''), failed('source', ''), failed('catalog', '')], style)).toBe('2 checks failed, 1 warning')
})
