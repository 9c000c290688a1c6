import { expect, test } from 'vitest'
import { showStatus } from '../../../src/cli/status-text.ts'
import type { PartitionStatus } from '../../../src/service/status/partition-status.ts'
import type { TableStatus } from '../../../src/service/status/status.ts'
import { recordingTerminal } from './program.ts'

const nowMs = Date.UTC(2026, 6, 1, 12)

function partition(changes: Partial<PartitionStatus>): PartitionStatus {
  return {
    topic: 'orders',
    partition: 0,
    inSource: true,
    next: 100n,
    endOffset: 100n,
    lagOffsets: 0n,
    lagSegments: 0,
    lagBytes: 0,
    lagSeconds: 0,
    holes: [],
    gaps: [],
    frontierKey: null,
    stopped: null,
    ...changes,
  }
}

function table(changes: Partial<TableStatus>): TableStatus {
  return {
    table: 'shop.orders',
    exists: true,
    snapshotId: 9_223_372_036_854_775_807n,
    lastCommitMs: nowMs - 65_000,
    secondsSinceLastCommit: 65,
    oldestUnmaterializedRecordAgeSeconds: null,
    firstWaitingRead: 0,
    firstWaitingNotRead: 0,
    meanDataFileBytes: 3_000_000,
    watermarkMs: nowMs - 70_000,
    rows: 1_234_567n,
    rescuedRows: 0n,
    partitions: [],
    paused: [],
    backfills: [],
    health: null,
    upkeep: [],
    leftOut: null,
    stopped: null,
    ...changes,
  }
}

const unasked = { queue: null, service: null, requests: {} }

function shownAt(width: number, ...tables: TableStatus[]): readonly string[] {
  const terminal = recordingTerminal(width)
  showStatus([{ name: 'shop/orders', tables, ...unasked }], nowMs, terminal)
  return terminal.lines
}

const shown = (...tables: TableStatus[]) => shownAt(120, ...tables)

test('tables and topic-partitions are two tables, with what is behind and what is up to date', () => {
  const behind = partition({
    partition: 1,
    next: 40n,
    endOffset: 1_040n,
    lagOffsets: 1000n,
    lagSegments: 3,
    lagBytes: 5_000_000,
    lagSeconds: 90,
  })
  expect(shown(table({ partitions: [partition({}), behind] }))).toEqual([
    'shop/orders',
    '  TABLE             ROWS  LAST COMMIT    MEAN FILE  WATERMARK                 SNAPSHOT',
    '  shop.orders  1,234,567  1 min 5 s ago    2.9 MiB  2026-07-01T11:58:50.000Z  9223372036854775807',
    '',
    '  TABLE        TOPIC   PARTITION  NEXT   END      BEHIND  OFFSETS    BYTES        TIME',
    '  shop.orders  orders          0   100   100  up to date',
    '               orders          1    40  1040  3 segments    1,000  4.8 MiB  1 min 30 s',
  ])
})

test('holes, gaps and the reason of a stop are named', () => {
  const many = Array.from({ length: 8 }, (_, i) => [BigInt(i * 10), BigInt(i * 10 + 1)] as const)
  const lines = shown(table({ partitions: [partition({ holes: [[3n, 7n]], gaps: many })], stopped: 'the table was rolled back' }))
  expect(lines).toContain('  stopped  shop.orders: the table was rolled back')
  expect(lines).toContain('  holes in orders/0: [3, 7) (4 offsets)')
  expect(lines).toContain('  gaps in orders/0: [0, 1), [10, 11), [20, 21), [30, 31), [40, 41) and 3 more (8 offsets)')
})

test('what is not known or not there yet is said', () => {
  const unknown = partition({ next: null, endOffset: null, lagOffsets: null, lagSegments: null, lagBytes: null, lagSeconds: null })
  const none = table({
    exists: false,
    snapshotId: null,
    lastCommitMs: null,
    watermarkMs: null,
    rows: null,
    meanDataFileBytes: null,
    partitions: [unknown],
  })
  expect(shown(none)).toEqual([
    'shop/orders',
    '  TABLE        LAST COMMIT',
    '  shop.orders  no table yet',
    '',
    '  TABLE        TOPIC   PARTITION  NEXT  END  BEHIND',
    '  shop.orders  orders          0     –    –       –',
  ])
  expect(shown()).toEqual(['shop/orders', '  no topic of the source matches yet'])
})

test('in a narrow terminal the two tables fit, with how old the oldest record is that is left', () => {
  const behind = partition({ next: 40n, endOffset: 1_040n, lagOffsets: 1000n, lagSegments: 3, lagBytes: 5_000_000, lagSeconds: 90 })
  const lines = shownAt(80, table({ watermarkMs: null, oldestUnmaterializedRecordAgeSeconds: 90, partitions: [behind] }))
  expect(lines).toEqual([
    'shop/orders',
    '  TABLE             ROWS  LAST COMMIT    OLDEST LEFT  MEAN FILE',
    '  shop.orders  1,234,567  1 min 5 s ago   1 min 30 s    2.9 MiB',
    '',
    '  TABLE        TOPIC   PARTITION  NEXT      BEHIND  OFFSETS    BYTES        TIME',
    '  shop.orders  orders          0    40  3 segments    1,000  4.8 MiB  1 min 30 s',
  ])
})

test('a topic-partition that does not go on says why, and rows rescued are shown where there are some', () => {
  const restarted = partition({ next: 6n, endOffset: null, lagOffsets: null, lagSegments: null, stopped: 'the log was restarted' })
  const lines = shown(table({ rescuedRows: 1_200n, partitions: [restarted] }))
  expect(lines[1]).toContain('RESCUED')
  expect(lines[2]).toContain('1,200')
  expect(lines).toContain('  stopped  orders/0: the log was restarted')
  expect(lines.find((line) => line.includes('orders          0'))).toMatch(/ 6 +– +stopped$/)
})

test('the state of a table is told in a line, and what is due in one for each thing', () => {
  const health = {
    dataFiles: 340,
    dataBytes: 1_500_000_000,
    filesAtTarget: 12,
    deleteFiles: 2,
    deleteRatio: 0.0151,
    manifests: 7,
    snapshots: 150,
    branchesAndTags: 1,
    metadataBytes: 150_000,
    metadataLog: 20,
  }
  const upkeep = [
    { kind: 'expiry', due: true, reason: '20 snapshots can go' },
    { kind: 'orphans', due: false, reason: 'off unless maintenance.orphans.enabled is true' },
  ] as const
  expect(shown(table({ health, upkeep })).slice(3, 6)).toEqual([
    '  health  shop.orders: 340 files, 1.4 GiB (12 would do at the target size), 2 delete files (1.5 % of the rows), 7 manifests, 150 snapshots, 1 branch or tag, 146 KiB of metadata',
    '  due  shop.orders: expiry: 20 snapshots can go',
    '  not due  shop.orders: orphans: off unless maintenance.orphans.enabled is true',
  ])
  const fresh = { ...health, deleteFiles: 0, branchesAndTags: 0, dataFiles: null, manifests: null, snapshots: 0 }
  expect(shown(table({ health: fresh }))[3]).toBe('  health  shop.orders: 0 snapshots, 146 KiB of metadata')
})

test('what was read of what waits long is told, and of how many topic-partitions nothing was', () => {
  const note = '  note  shop.orders: 1 segment was read to see why what waits longest is not in the table'
  expect(shown(table({ firstWaitingRead: 1 }))).toContain(note)
  expect(shown(table({ firstWaitingRead: 20, firstWaitingNotRead: 2 }))).toContain(
    '  note  shop.orders: 20 segments were read to see why what waits longest is not in the table; not for 2 other topic-partitions, of which /readyz and the log of the service tell',
  )
})

test('what the queue, the service and this look tell is one line each, and what can not be asked is said', () => {
  const terminal = recordingTerminal(120)
  const setAside = [{ table: 'shop.orders', parts: [{ topic: 'orders', partition: 3, offset: 5n, isHistory: false }], reason: 'a bug' }]
  const queue = { away: null, depth: 12, active: 4, commits: 1, setAside }
  const counted = { requests: { source_get: 1200, source_list: 7 }, failedRequests: {}, gaps: 1, overlaps: 0, segmentsRewritten: 2 }
  const service = { address: ':9093', away: null, queueDepth: 0, counted }
  const asked = { name: 'shop/orders', tables: [], queue, service, requests: { catalog_load: 2 } }
  const away = {
    ...asked,
    queue: { away: 'connect ECONNREFUSED' },
    service: { address: ':9093', away: 'nobody answers there' },
    requests: {},
  }
  showStatus([asked, away], nowMs, terminal)
  expect(terminal.lines.filter((line) => /queue|set aside|service|requests/.test(line))).toEqual([
    '  queue  12 tasks wait for a worker, 4 are carried out, 1 commit waits, 1 task was set aside',
    '  note  set aside: shop.orders orders/3 from offset 5: a bug',
    '  service  :9093, since it began: 1 gap, 0 overlaps and 2 rewritten segments seen; 0 tasks wait for a worker; requests: source_get 1,200, source_list 7',
    '  requests  of this command: catalog_load 2',
    '  note  the queue in Redis can not be asked: connect ECONNREFUSED',
    '  note  :9093: nobody answers there, so what the service counted is not known',
  ])
})

test('topics that are left out are told once, and their topic-partitions are shown as stopped', () => {
  const reason = 'topics Orders, orders meet in table orders'
  const out = (one: number) => partition({ topic: 'Orders', partition: one, next: null, lagSegments: 4, stopped: reason })
  const lines = shown(table({ partitions: [partition({}), out(0), out(1)], leftOut: { topics: ['Orders'], reason } }))
  expect(lines.filter((line) => line.includes('meet in'))).toEqual([`  left out  shop.orders: ${reason}`])
  expect(lines.filter((line) => / Orders +[01] .* stopped/.test(line))).toHaveLength(2)
})
