import { expect, test } from 'vitest'
import { EventLog } from './event-log.ts'

test('what is said after the run has ended is not noted, and breaks nothing', () => {
  const seen: string[] = []
  const log = new EventLog(
    () => 7,
    (line) => seen.push(line),
  )
  log.add('run', 'begins')
  expect(log.digest()).toMatch(/^[0-9a-f]{64}$/)
  log.add('run', 'a task failed unexpectedly')
  expect([log.count, seen]).toEqual([1, ['7 run begins']])
})
