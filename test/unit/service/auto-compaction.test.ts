import { describe, expect, test } from 'vitest'
import { inProcessQueue } from '../../../src/drivers/queue/in-process.ts'
import type { TaskResult } from '../../../src/pipeline/flow.ts'
import { priorityBands } from '../../../src/seams/task-queue.ts'
import type { TablePayload } from '../../../src/service/tasks/task-payload.ts'
import type { LiveFile } from '../../../src/pipeline/maintain/rewrite-flow.ts'
import { decideUpkeep, noMemory } from '../../../src/service/maintain/table-upkeep.ts'
import { youngerThan } from '../../../src/service/maintain/auto-compaction.ts'
import { carryOutRewrite } from '../../../src/service/tasks/rewrite-task.ts'
import { liveFile, tableOf } from '../pipeline/maintain/rewriting.ts'
import { load, type Plain, smallest } from '../spec/documents.ts'
import { noRequests } from '../../../src/model/requests.ts'
import { encodeRequests } from '../../../src/pipeline/commit/requests-text.ts'
import { summaryKeys } from '../../../src/pipeline/commit/summary-keys.ts'
import { at, batch } from './segments.ts'
import { namespace, rowsOf, type World, world } from './world.ts'

const minuteMs = 60_000

/** A service for `minutes`, with a segment each minute, and half an hour more. */
async function serve(made: World, minutes: number, compaction: Plain, { from = 0, processing = {} } = {}): Promise<void> {
  const stop = new AbortController()
  const rewrites = { catalog: made.catalog, namespace, io: made.io, carryOut: carryOutRewrite }
  await made.clock.run(async () => {
    const running = made
      .processor((document) => Object.assign(document.spec, { maintenance: { compaction }, processing }), { rewrites })
      .run(false, stop.signal)
    for (let i = from; i < from + minutes; i++) {
      await made.write(at, BigInt(i), [batch(BigInt(i), 1)])
      await made.clock.sleep(minuteMs)
    }
    await made.clock.sleep(5 * minuteMs)
    stop.abort()
    expect(await running).toBe(true)
  })
}

async function summaryOf(made: World): Promise<Record<string, string>> {
  const { snapshots } = await made.table('orders')
  return snapshots!.at(-1)!.summary
}

describe('a service', () => {
  test('joins the files of its tables that are not young, and every row stays once', async () => {
    const made = world()
    await serve(made, 60, {})
    expect(await made.rows('orders')).toEqual(rowsOf(at, 0, 60))
    // Ten minutes' files are young, and as many come between two looks.
    const files = Number((await summaryOf(made))['total-data-files'])
    expect(files).toBeLessThanOrEqual(25)
    expect(files).toBeGreaterThanOrEqual(10)
    expect(made.linesOf('info', 'files rewritten').length).toBeGreaterThan(2)
    expect(made.seams.meter.totals().get('upkeep.compaction.done')).toBeGreaterThan(2)
    expect(made.linesOf('error')).toEqual([])
  })

  test('asks for rewrites behind everything else: who takes tasks takes those of the tail and of backfills first', async () => {
    const made = world()
    const queue = inProcessQueue<TablePayload, TaskResult>()
    const asked: { readonly isRewrite: boolean; readonly priority: number }[] = []
    const submit: typeof queue.submit = (id, payload, priority = 0) => {
      asked.push({ isRewrite: payload.rewrite !== undefined, priority })
      return queue.submit(id, payload, priority)
    }
    const rewrites = { catalog: made.catalog, namespace, io: made.io, carryOut: carryOutRewrite }
    const stop = new AbortController()
    await made.clock.run(async () => {
      const running = made.processor(undefined, { rewrites, queue: { ...queue, submit } }).run(false, stop.signal)
      for (let i = 0; i < 40; i++) {
        await made.write(at, BigInt(i), [batch(BigInt(i), 1)])
        await made.clock.sleep(minuteMs)
      }
      stop.abort()
      await running
    })
    const ofRewrites = asked.flatMap(({ isRewrite, priority }) => (isRewrite ? [priority] : []))
    const ofTail = asked.flatMap(({ isRewrite, priority }) => (isRewrite ? [] : [priority]))
    expect([ofRewrites.length > 1, ofTail.length > 20]).toEqual([true, true])
    expect(Math.min(...ofRewrites)).toBeGreaterThanOrEqual(priorityBands.upkeep)
    expect(Math.max(...ofTail)).toBeLessThan(priorityBands.backfill)
    expect(priorityBands.backfill).toBeLessThan(priorityBands.upkeep)
  })

  test('that was told to leave files alone does', async () => {
    const made = world()
    await serve(made, 30, { enabled: false })
    expect((await summaryOf(made))['total-data-files']).toBe('30')
  })

  test('whose memory is not for rewriting leaves files alone', async () => {
    const made = world()
    await serve(made, 30, {}, { processing: { memoryLimitBytes: 400 * 1024 * 1024 } })
    expect((await summaryOf(made))['total-data-files']).toBe('30')
    expect(made.linesOf('error')).toEqual([])
  })

  test('rewrites no more in an hour than its document allows', async () => {
    const made = world()
    await serve(made, 60, { bytesPerHour: 1, quietMinutes: 0 })
    // One rewrite is larger than that, and the second waits for an hour.
    expect(made.linesOf('info', 'files rewritten')).toHaveLength(1)
    expect(await made.rows('orders')).toEqual(rowsOf(at, 0, 60))
  })

  test('that was started again rewrites no more in the hour than it would have', async () => {
    const made = world()
    await serve(made, 30, { bytesPerHour: 1, quietMinutes: 0 })
    expect(made.linesOf('info', 'files rewritten')).toHaveLength(1)
    const rewritten = (await made.table('orders')).snapshots!.find(({ summary }) => summary.operation === 'replace')!
    await serve(made, 15, { bytesPerHour: 1, quietMinutes: 0 }, { from: 30 })
    expect(made.linesOf('info', 'files rewritten')).toHaveLength(1)
    // What is told to the operator says so too, whoever asks.
    const table = await made.table('orders')
    const { spec } = load(smallest((document) => (document.spec.maintenance = { compaction: { bytesPerHour: 1 } })))
    const after = (minutes: number) =>
      decideUpkeep(table, spec, made.catalog.profile, noMemory, rewritten['timestamp-ms'] + minutes * minuteMs).find(
        ({ kind }) => kind === 'compaction',
      )
    expect(after(59)).toMatchObject({ due: false, reason: expect.stringContaining('bytesPerHour') })
    expect(after(60)).toMatchObject({ due: true })
    expect(await made.rows('orders')).toEqual(rowsOf(at, 0, 45))
  })

  test('shows what it puts off and why, as far as the table tells also to who asks that', async () => {
    const made = world()
    const stop = new AbortController()
    const rewrites = { catalog: made.catalog, namespace, io: made.io, carryOut: carryOutRewrite }
    const compaction = (document: Plain) => (document.spec.maintenance = { compaction: { bytesPerHour: 1 } })
    const reasonOf = (decisions: readonly { kind: string; reason: string }[]) => decisions.find(({ kind }) => kind === 'compaction')!.reason
    await made.clock.run(async () => {
      const processor = made.processor(compaction, { rewrites })
      const running = processor.run(false, stop.signal)
      // The table is known from the second look at the source on.
      const shown = () => processor.health().tables[0]?.upkeep ?? null
      for (let i = 0; i < 40; i++) {
        await made.write(at, BigInt(i), [batch(BigInt(i), 1)])
        await made.clock.sleep(minuteMs)
        if (i === 0) expect(shown()).toBeNull()
        if (i === 10) {
          expect(reasonOf(shown()!.decisions)).toMatch(
            /^\d+ data files, 1 would do at the target size; up to \d+ came in the last 10 min, and are left alone/,
          )
          const table = decideUpkeep(await made.table('orders'), load(smallest()).spec, made.catalog.profile, noMemory, made.clock.now())
          expect(reasonOf(table)).toMatch(/; up to (9|1[01]) came in the last 10 min, and are left alone$/)
        }
      }
      const table = await made.table('orders')
      const backfill = {
        id: 'b7',
        topic: 'orders',
        ranges: new Map([[0, []]]),
        newestFirst: false,
        by: 'service',
        state: 'active',
      } as const
      const asked = { [summaryKeys.requests]: encodeRequests({ ...noRequests, backfills: [backfill] }) }
      const snapshots = table.snapshots!.map((one) => ({ ...one, summary: { ...one.summary, ...asked } }))
      const later = decideUpkeep({ ...table, snapshots }, load(smallest()).spec, made.catalog.profile, noMemory, made.clock.now())
      expect(reasonOf(later)).toMatch(/; its tasks wait for those of backfill b7$/)
      expect(made.linesOf('info', 'files rewritten')).toHaveLength(1)
      expect(reasonOf(shown()!.decisions)).toBe('what may be rewritten in an hour was: maintenance.compaction.bytesPerHour')
      expect(made.clock.now() - shown()!.lookedMs).toBeLessThan(11 * minuteMs)
      stop.abort()
      await running
    })
  })

  test.each([
    [4, 1],
    [8, 2],
  ])('of %d workers has %d rewrites under way at once at most, of all its tables together', async (parallelism, most) => {
    const made = world()
    const topics = ['orders', 'clicks', 'events', 'visits']
    let [underWay, atOnce] = [0, 0]
    const carryOut: typeof carryOutRewrite = async (...how) => {
      atOnce = Math.max(atOnce, ++underWay)
      await made.clock.sleep(10 * minuteMs)
      return carryOutRewrite(...how).finally(() => underWay--)
    }
    const rewrites = { catalog: made.catalog, namespace, io: made.io, carryOut }
    const stop = new AbortController()
    await made.clock.run(async () => {
      const running = made.processor((document) => (document.spec.processing = { parallelism }), { rewrites }).run(false, stop.signal)
      for (let i = 0; i < 30; i++) {
        for (const topic of topics) await made.write({ topic, partition: 0 }, BigInt(i), [batch(BigInt(i), 1)])
        await made.clock.sleep(minuteMs)
      }
      await made.clock.sleep(90 * minuteMs)
      stop.abort()
      expect(await running).toBe(true)
    })
    expect(atOnce).toBe(most)
    const rewritten = made.linesOf('info', 'files rewritten').map(({ fields }) => fields.table)
    expect(new Set(rewritten)).toEqual(new Set(topics.map((topic) => `analytics.${topic}`)))
    expect(made.linesOf('error')).toEqual([])
  })

  test('never has its appends built anew because of what its own upkeep commits, however slow the catalog is', async () => {
    const made = world()
    const outcomes: string[] = []
    const commitTable: World['catalog']['commitTable'] = async (table, request) => {
      const added = request.updates.find(({ action }) => action === 'add-snapshot')
      const operation = added?.action === 'add-snapshot' ? added.snapshot.summary.operation : 'no snapshot'
      // Longer than it takes until the next look at the table.
      if (operation === 'append') await made.clock.sleep(50_000)
      const outcome = await made.catalog.commitTable(table, request)
      outcomes.push(`${operation} ${outcome.kind}`)
      return outcome
    }
    const catalog = { ...made.catalog, commitTable }
    const rewrites = { catalog: made.catalog, namespace, io: made.io, carryOut: carryOutRewrite }
    const stop = new AbortController()
    const often = (document: Plain) => {
      document.spec.processing = { commitIntervalSeconds: 1 }
      document.spec.maintenance = {
        compaction: { quietMinutes: 0 },
        expiry: { maxSnapshots: 6, minSnapshots: 2 },
        orphans: { enabled: true },
      }
    }
    await made.clock.run(async () => {
      const running = made.processor(often, { catalog, rewrites }).run(false, stop.signal)
      for (let i = 0; i < 200; i++) {
        await made.write(at, BigInt(i), [batch(BigInt(i), 1)])
        await made.clock.sleep(20_000)
      }
      await made.clock.sleep(5 * minuteMs)
      stop.abort()
      expect(await running).toBe(true)
    })
    expect(await made.rows('orders')).toEqual(rowsOf(at, 0, 200))
    const of = (one: string) => outcomes.filter((outcome) => outcome === one).length
    expect([of('append committed') > 40, of('replace committed') > 2, of('no snapshot committed') > 2]).toEqual([true, true, true])
    expect(of('append conflict')).toBe(0)
  })

  test('that is stopped gives up the rewrites that wait for those of other tables', async () => {
    const made = world()
    const topics = ['orders', 'clicks', 'events']
    const stop = new AbortController()
    const carryOut: typeof carryOutRewrite = async (...how) => {
      stop.abort()
      await made.clock.sleep(minuteMs)
      return carryOutRewrite(...how)
    }
    const rewrites = { catalog: made.catalog, namespace, io: made.io, carryOut }
    await made.clock.run(async () => {
      const running = made.processor(undefined, { rewrites }).run(false, stop.signal)
      for (let i = 0; i < 40; i++) {
        for (const topic of topics) await made.write({ topic, partition: 0 }, BigInt(i), [batch(BigInt(i), 1)])
        await made.clock.sleep(minuteMs)
      }
      expect(await running).toBe(true)
    })
    expect(made.linesOf('info', 'files rewritten')).toHaveLength(1)
  })

  test('that can not carry out rewrites tells it and feeds the table', async () => {
    const made = world()
    const stop = new AbortController()
    const carryOut = () => Promise.reject(new Error('no'))
    const rewrites = { catalog: made.catalog, namespace, io: made.io, carryOut }
    await made.clock.run(async () => {
      const processor = made.processor(undefined, { rewrites })
      const running = processor.run(false, stop.signal)
      for (let i = 0; i < 40; i++) {
        await made.write(at, BigInt(i), [batch(BigInt(i), 1)])
        await made.clock.sleep(minuteMs)
      }
      // The last of them is committed with the next interval.
      await made.clock.sleep(minuteMs)
      expect(processor.health().tables[0].upkeep!.decisions.find(({ kind }) => kind === 'compaction')!.reason).toContain('; it failed: ')
      stop.abort()
      expect(await running).toBe(true)
    })
    expect(await made.rows('orders')).toEqual(rowsOf(at, 0, 40))
    expect(made.linesOf('warn', 'upkeep failed and is tried again later').length).toBeGreaterThan(0)
    expect(made.seams.meter.totals().get('upkeep.compaction.failed')).toBeGreaterThan(0)
  })
})

describe('a file is young', () => {
  const snapshot = (minute: number, number: bigint) => ({
    'snapshot-id': number,
    'sequence-number': number,
    'timestamp-ms': minute * minuteMs,
    'manifest-list': '',
    summary: {},
  })
  const file = (number: bigint | null): LiveFile => ({ ...liveFile('a', new Uint8Array(1), 1), fileSequenceNumber: number })
  test.each<[string, readonly (readonly [number, bigint])[], bigint | null, boolean]>([
    [
      'when its commit is of the last minutes',
      [
        [0, 1n],
        [95, 2n],
      ],
      2n,
      true,
    ],
    [
      'not when it is older',
      [
        [0, 1n],
        [95, 2n],
      ],
      1n,
      false,
    ],
    ['not when it is older than all', [[95, 5n]], 4n, false],
    [
      'when its commit is forgotten and an older one is known',
      [
        [0, 1n],
        [99, 5n],
      ],
      4n,
      true,
    ],
    ['never when nothing young is known', [[0, 1n]], 9n, false],
    [
      'not when it does not tell',
      [
        [0, 1n],
        [99, 5n],
      ],
      null,
      false,
    ],
  ])('%s', (_what, snapshots, number, young) => {
    const metadata = tableOf([], { snapshots: snapshots.map(([minute, n]) => snapshot(minute, n)) })
    expect(youngerThan(10 * minuteMs, metadata, 100 * minuteMs)(file(number))).toBe(young)
  })
})
