import { describe, expect, test } from 'vitest'
import type { DocumentHealth, TableHealth } from '../../../src/model/health.ts'
import { readinessOf } from '../../../src/model/readiness.ts'
import { documentHealth as document, partitionLag as partition, tableHealth } from '../../support/health.ts'

const nowMs = Date.UTC(2026, 6, 1, 12)
const ago = (seconds: number) => nowMs - seconds * 1000

const table = (changes: Partial<TableHealth> = {}) => tableHealth({ lastCommitMs: ago(5000), ...changes })

describe('a process is ready', () => {
  test.each<[string, DocumentHealth[]]>([
    ['when nothing waits, however long ago the last commit was', [document([table()])]],
    ['when there is no topic to feed', [document([])]],
    ['while it serves no document', []],
    ['while segments wait for less than three intervals and the grace age', [document([table({ waitingSinceMs: ago(190) })])]],
    [
      'for half a minute of waiting, however short the interval is',
      [document([table({ waitingSinceMs: ago(40) })], { commitIntervalMs: 1000 })],
    ],
    ['when work failed twice', [document([table({ failing: { sinceMs: ago(9), times: 2, reason: 'reset' } })])]],
    ['while a topic is paused and its segments wait', [document([table({ partitions: [partition({ paused: true, segments: 9 })] })])]],
  ])('%s', (_, documents) => {
    expect(readinessOf(documents, nowMs)).toMatchObject({ ready: true, reasons: [] })
  })
})

describe('a process is not ready', () => {
  test.each<[string, DocumentHealth, object]>([
    [
      'before its topics were listed',
      document([], { discovered: false }),
      { processor: 'shop', reason: 'starting: topics are not listed yet' },
    ],
    [
      'before each table had its first round',
      document([table(), table({ table: 'users', planned: false })]),
      { table: 'users', reason: 'starting: its topic-partitions were not looked at yet' },
    ],
    [
      'when topics can not be listed',
      document([], { failing: { sinceMs: ago(60), reason: 'no bucket' } }),
      { since: '2026-07-01T11:59:00.000Z', reason: 'topics can not be listed: no bucket' },
    ],
    [
      'when segments wait and nothing is committed for three intervals and the grace age',
      document([table({ waitingSinceMs: ago(191) })]),
      {
        table: 'orders',
        since: '2026-07-01T11:56:49.000Z',
        reason: 'segments wait, and nothing was committed for 191 s: no task is under way',
      },
    ],
    [
      'when results wait for a commit that does not come',
      document([table({ waitingSinceMs: ago(200), tasksInFlight: 1, resultsWaiting: 3 })]),
      { reason: 'segments wait, and nothing was committed for 200 s: 3 finished tasks wait for their commit' },
    ],
    [
      'when tasks wait for a worker',
      document([table({ waitingSinceMs: ago(200), tasksInFlight: 4 })], { queueDepth: 5 }),
      { reason: 'segments wait, and nothing was committed for 200 s: of 4 tasks none is finished, and 5 in the queue wait for a worker' },
    ],
    [
      'when the queue is away for so long that nothing is committed',
      document([table({ waitingSinceMs: ago(200), tasksInFlight: 4 })], {
        queueAway: { sinceMs: ago(300), reason: 'connect ECONNREFUSED' },
      }),
      { reason: 'segments wait, and nothing was committed for 200 s: the queue can not be reached: connect ECONNREFUSED' },
    ],
    [
      'when work failed three times in a row',
      document([table({ failing: { sinceMs: ago(30), times: 3, reason: 'the catalog answered 500' } })]),
      { table: 'orders', since: '2026-07-01T11:59:30.000Z', reason: 'failed 3 times in a row: the catalog answered 500' },
    ],
    [
      'when a table is stopped, which has no first round then',
      document([table({ planned: false, stopped: { sinceMs: ago(30), reason: 'it was rolled back' } })]),
      { table: 'orders', since: '2026-07-01T11:59:30.000Z', reason: 'it was rolled back' },
    ],
    [
      'when a topic-partition is stopped',
      document([table({ partitions: [partition(), partition({ partition: 4, stopped: { sinceMs: ago(1), reason: 'bad CRC' } })] })]),
      { table: 'orders', topic: 'orders', partition: 4, since: '2026-07-01T11:59:59.000Z', reason: 'bad CRC' },
    ],
  ])('%s, and says why', (_, health, reason) => {
    const readiness = readinessOf([document([table({ table: 'fine' })]), health], nowMs)
    expect(readiness.ready).toBe(false)
    expect(readiness.reasons).toHaveLength(1)
    expect(readiness.reasons[0]).toMatchObject(reason)
  })
})

test('what failed once and may pass is a note, not a reason', () => {
  const readiness = readinessOf([document([table({ failing: { sinceMs: ago(9), times: 1, reason: 'reset' } })])], nowMs)
  expect(readiness.notes).toEqual([{ processor: 'shop', table: 'orders', since: '2026-07-01T11:59:51.000Z', reason: 'reset' }])
})

test('a queue that can not be reached is a note while commits go on', () => {
  const away = { sinceMs: ago(9), reason: 'connect ECONNREFUSED' }
  const readiness = readinessOf([document([table()], { queueAway: away })], nowMs)
  expect(readiness.ready).toBe(true)
  expect(readiness.notes).toEqual([
    { processor: 'shop', since: '2026-07-01T11:59:51.000Z', reason: 'the queue can not be reached: connect ECONNREFUSED' },
  ])
})
