import { expect, test } from 'vitest'
import { showPlans } from '../../../src/cli/plan-text.ts'
import type { TablePlan, Work } from '../../../src/service/status/plan-report.ts'
import type { SampleOutlook } from '../../../src/service/status/table-outlook.ts'
import { defaultPrices, moneyOf } from '../../../src/pipeline/backfill/bill.ts'
import { documentWith, outlook } from './outlooks.ts'
import { recordingTerminal } from './program.ts'

const idle: Work = {
  topicPartitions: 0,
  segments: 0,
  bytes: 0,
  gets: 0,
  lists: 2,
  tasks: 0,
  seconds: 0,
  commits: 0,
  files: 0,
  puts: 0,
  fileBytes: 0,
}
const busy: Work = {
  topicPartitions: 2,
  segments: 1200,
  bytes: 5_000_000_000,
  gets: 1203,
  lists: 5,
  tasks: 10,
  seconds: 151.5,
  commits: 3,
  files: 10,
  puts: 19,
  fileBytes: 1_250_000_000,
}
const sample: SampleOutlook = {
  records: 1234,
  nulls: 0,
  segments: 12,
  exhausted: false,
  rescued: 0,
  rescuedPaths: [],
  bad: 0,
  firstBad: null,
}
const there = {} as NonNullable<TablePlan['metadata']>

function table(changes: Partial<TablePlan> = {}): TablePlan {
  return {
    ...outlook(),
    work: idle,
    decided: 0n,
    pace: { by: 'benchmark' },
    backfills: [],
    partitions: [],
    stops: [],
    notes: [],
    readyInMs: null,
    stopped: null,
    ...changes,
  }
}

function shown(tables: readonly TablePlan[], total = idle): readonly string[] {
  const terminal = recordingTerminal()
  showPlans([{ name: 'local', commitIntervalSeconds: 60, tables, total, money: moneyOf(total, defaultPrices, 4) }], terminal)
  return terminal.lines
}

test('tables, the sum of the work and the columns of each table are shown', () => {
  const columns = [
    { name: 'kafka_topic', type: 'string', required: true, role: 'topic', path: null },
    { name: 'id', type: 'long', required: false, role: 'field', path: "$['id']" },
    { name: 'deep', type: `struct<${'x'.repeat(80)}: long>`, required: false, role: 'field', path: "$['deep']" },
    { name: '_rescued', type: 'string', required: false, role: 'rescue', path: null },
    { name: 'theirs', type: 'date', required: false, role: null, path: null },
  ] as const
  expect(shown([table({ columns, sample, value: { format: 'json', columns: [] }, work: busy })], busy)).toEqual([
    'local',
    '  TABLE           NOW            TO DO  PARTITIONS  SEGMENTS    BYTES   GETS  LISTS  TASKS  COMMITS  FILES         TIME',
    '  default.orders  would be made  read            2     1,200  4.7 GiB  1,203      5     10       ~3    ~10  ~2 min 32 s',
    '  in all: 1,200 segments of 2 topic-partitions, 4.7 GiB; 1,203 GETs, 5 LISTs and about 19 PUTs; 10 tasks; about 10 data files of 1.2 GiB in all in about 3 commits, of each table one every 1 min at most; about 2 min 32 s for one process, at 31 MiB a second, of the benchmark: no commit of this table tells yet; less than 0.01 USD, and about 0.03 USD a month for the files',
    '',
    '  default.orders  columns: the rescue column alone, inferred from 1,234 records in 12 segments',
    '  COLUMN       TYPE                                                          NULL   FROM',
    '  kafka_topic  string                                                        never  Kafka topic',
    "  id           long                                                                 $['id']",
    `  deep         struct<${'x'.repeat(52)}…         $['deep']`,
    '  _rescued     string                                                               what fits no other column',
    '  theirs       date                                                                 nothing of ours',
  ])
})

test('beside a table that is stopped, nothing to do is not said of all', () => {
  const last = (...tables: TablePlan[]) => shown(tables).find((line) => line.includes('nothing to do now'))
  expect(last(table())).toBe('  nothing to do now; 2 LISTs to see that')
  expect(last(table({ stopped: 'its progress is lost' }))).toBe('  nothing to do now but for what is stopped; 2 LISTs to see that')
})

test('what the time was reckoned by is said', () => {
  const last = (paces: readonly TablePlan['pace'][]) =>
    shown(
      paces.map((pace) => table({ work: busy, pace })),
      busy,
    ).find((line) => line.startsWith('  in all'))
  const measured = { by: 'commits', commits: 7 } as const
  expect(last([measured])).toContain('for one process, at 31 MiB a second, measured over the last 7 commits of this table; ')
  expect(last([measured, measured])).toContain('for one process, by the speed of the last commits of each table; ')
  expect(last([measured, { by: 'benchmark' }])).toContain('by the speed of the last commits of 1 of 2 tables, and of the benchmark; ')
})

test('a backfill of the service has its bill', () => {
  const backfill = {
    id: '803d67eb',
    topic: 'orders',
    state: 'declared',
    topicPartitions: 2,
    wanted: 400n,
    decided: 100n,
    work: { ...busy, segments: 12 },
    pace: { by: 'commits', commits: 1 },
    archived: { segments: 0, firstKey: null },
    tooYoung: 0,
    money: moneyOf(busy, defaultPrices, 4),
    notBegun: [{ topic: 'orders', partition: 2 }],
    outside: [],
  } as const
  const lines = shown([table({ metadata: there, backfills: [backfill] })]).filter((line) => line.startsWith('  backfill'))
  expect(lines).toEqual([
    '  backfill  default.orders: 803d67eb of orders, declared: 300 offsets of 400 in 12 segments, 4.7 GiB; 1,203 GETs, 5 LISTs and about 19 PUTs; about 10 data files of 1.2 GiB in all in about 3 commits; about 2 min 32 s, at 31 MiB a second, measured over the last 1 commit of this table; less than 0.01 USD, and about 0.03 USD a month for the files; of 1 topic-partition the tail has read nothing yet',
  ])
  const nothing = { ...backfill, work: idle, notBegun: [] }
  expect(shown([table({ backfills: [nothing] })])).toContain('  backfill  default.orders: 803d67eb of orders, declared: nothing to read')
  const outside = [0, 3].map((partition) => ({ topic: 'orders', partition }))
  expect(shown([table({ backfills: [{ ...nothing, outside }] })])).toContain(
    '  backfill  default.orders: 803d67eb of orders, declared: nothing to read; of 2 topic-partitions nothing lies between its times',
  )
})

test('where nothing is to do that is said', () => {
  const lines = shown([table({ metadata: there })])
  expect(lines[2]).toBe('  default.orders  is there  nothing      2')
  expect(lines[3]).toBe('  nothing to do now; 2 LISTs to see that')
  expect(shown([table({ readyInMs: 4000 })])[2]).toMatch(/would be made {2}wait 4 s/)
  expect(shown([table({ value: null })])[2]).toMatch(/would be made {2}wait for a record/)
  expect(shown([])).toEqual(['local', '  no topic of the source matches yet'])
})

test('what is stopped, and what is odd, is named with its place', () => {
  const note = (partition: number, message: string) => ({ topic: 'orders', partition, message })
  const notes = Array.from({ length: 13 }, (_, i) => note(i, 'odd'))
  const lines = shown([table({ stopped: 'table default.orders is stopped: \u001b[2J', stops: [note(3, 'the log was restarted')], notes })])
  expect(lines[2]).toMatch(/ stopped /)
  expect(lines).toContain('  stopped  default.orders: table default.orders is stopped: \\u001b[2J')
  expect(lines).toContain('  stopped  orders/3: the log was restarted')
  expect(lines.filter((line) => line.startsWith('  note'))).toHaveLength(11)
  expect(lines).toContain('  note  default.orders: and 3 more')
})

test.each<[string, Partial<TablePlan>, string]>([
  ['a table that is there', { metadata: there }, 'as the table has them'],
  ['no record', { value: null }, 'not known before a record is ready'],
  ['a document that says all', {}, 'as the document says'],
  ['a refusal', { refused: 'table x can not be continued' }, 'table x can not be continued'],
  [
    'values that are no objects',
    { sample },
    'the value whole, since fewer than nine in ten values are JSON objects; looked at 1,234 records in 12 segments',
  ],
  [
    'tombstones alone',
    { sample: { ...sample, records: 2, nulls: 2, exhausted: true, segments: 1 } },
    'the value whole, since no value was found; looked at all that is ready, 2 records in 1 segment, 2 tombstones among them',
  ],
])('where the columns come from: %s', (_, changes, text) => {
  expect(shown([table(changes)]).at(-1)).toBe(`  default.orders  columns: ${text}`)
})

test('what a table is partitioned by is told', () => {
  expect(shown([table({ partitionBy: ['day(kafka_timestamp)', 'bucket(4, id)'] })])).toContain(
    '  partitioned by day(kafka_timestamp), bucket(4, id)',
  )
})

test('what a sample would rescue, and what could not become rows, is told', () => {
  const rescuedPaths = ['a', 'b', 'c', 'd'].map((key, i) => [`$['${key}']`, 9 - i] as const)
  const document = documentWith((d) => (d.spec.mappings = [{ topic: 'orders', value: { columns: [{ name: 'a', type: 'long' }] } }]))
  const declared = outlook(
    { value: { format: 'json', columns: [] }, sample: { ...sample, rescued: 12, rescuedPaths, bad: 2, firstBad: "$['a']: it is missing" } },
    document,
  )
  expect(shown([table(declared)]).at(-1)).toBe(
    "  default.orders  columns: as the document says; tried with 1,234 records in 12 segments; 12 of them would have something in the rescue column: $['a'] (9), $['b'] (8), $['c'] (7), …; 2 could not become rows, and would be treated as onError says; the first: $['a']: it is missing",
  )
})
