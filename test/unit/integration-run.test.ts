import { expect, test } from 'vitest'
import { vitestArguments } from '../integration/run.ts'

const start = ['run', '--config', 'test/vitest.integration.config.ts']

test('--json FILE becomes a JSON report beside the usual one', () => {
  expect(vitestArguments(['--json', 'out.json'])).toEqual([...start, '--reporter=default', '--reporter=json', '--outputFile.json=out.json'])
})

test('everything else is passed on as it is', () => {
  expect(vitestArguments(['servers', '-t', 'a name'])).toEqual([...start, 'servers', '-t', 'a name'])
})

test('--json without a file is refused', () => {
  expect(() => vitestArguments(['--json'])).toThrow('--json needs the name of a file')
  expect(() => vitestArguments(['--json', '--bail'])).toThrow('--json needs the name of a file')
})
