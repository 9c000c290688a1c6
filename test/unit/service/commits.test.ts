import { describe, expect, test } from 'vitest'
import { inProcessQueue } from '../../../src/drivers/queue/in-process.ts'
import { WorkError } from '../../../src/model/failure.ts'
import { carryOutTasks, lookOnce } from '../../../src/service/tasks/carry-out-tasks.ts'
import { type CommitAnswer, commitCodec, type CommitPayload } from '../../../src/service/feed/commit-codec.ts'
import { TableCommitter } from '../../../src/service/feed/committer.ts'
import { carryOutCommits, type CommitQueue } from '../../../src/service/feed/commits.ts'
import type { TaskResult } from '../../../src/pipeline/flow.ts'
import { limitsOf } from '../../../src/service/tasks/limits.ts'
import type { TablePayload } from '../../../src/service/tasks/task-payload.ts'
import { taskCodec } from '../../../src/service/tasks/task-codec.ts'
import { carryOut } from '../../../src/service/tasks/worker.ts'
import type { TaskCodec, TaskQueue } from '../../../src/seams/task-queue.ts'
import { load, smallest } from '../spec/documents.ts'
import { batch } from './segments.ts'
import { namespace, rowsOf, sourceId, type World, world } from './world.ts'

const orders = { topic: 'orders', partition: 0 }

/** A queue whose tasks and results go through JSON, as between processes. */
function overWire<Payload, Result>(codec: TaskCodec<Payload, Result>): TaskQueue<Payload, Result> {
  const inner = inProcessQueue<unknown, unknown>()
  const wire = (value: object): unknown => JSON.parse(JSON.stringify(value))
  return {
    get depth() {
      return inner.depth
    },
    submit: async (id, payload, priority) =>
      codec.decodeResult(await inner.submit(id, wire(codec.encodePayload(payload)), priority), payload),
    forget: (id) => inner.forget(id),
    withdraw: (id) => inner.withdraw(id),
    async claim(signal) {
      const claim = await inner.claim(signal)
      if (claim === null) return null
      const payload = codec.decodePayload(claim.payload)
      return {
        id: claim.id,
        payload,
        complete: (result) => claim.complete(wire(codec.encodeResult(result, claim.payload))),
        fail: claim.fail,
      }
    },
  }
}

/** Runs a planner, a worker and a committer until `during` ends, the worker last. */
function serve(w: World, commits: CommitQueue, during: (looked: string[]) => Promise<void>): Promise<boolean> {
  const tasks = overWire<TablePayload, TaskResult>(taskCodec)
  const document = load(smallest((plain) => (plain.spec.sink = { database: namespace[0] })))
  const stop = new AbortController()
  const end = new AbortController()
  const looked: string[] = []
  const look = lookOnce(
    {
      async loadTable(table, options) {
        looked.push(table.name)
        return w.catalog.loadTable(table, options)
      },
    },
    namespace,
  )
  return w.clock.run(async () => {
    const others = [
      carryOutTasks(2, limitsOf(document.spec.processing), { ...w.seams, queue: tasks, carryOut, look }, end.signal),
      carryOutCommits(document, sourceId, commits, w.seams, end.signal),
    ]
    const planner = w.processor(undefined, { queue: tasks, commits }).run(false, stop.signal)
    await during(looked)
    stop.abort()
    const ok = await planner
    end.abort()
    await Promise.all(others)
    return ok
  })
}

describe('a planner, a worker and a committer that share queues', () => {
  test('bring each record into the table once; the worker looks at a table once, before its first task', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.clock.advanceBy(60_000)
    await serve(w, overWire<CommitPayload, CommitAnswer>(commitCodec), async (looked) => {
      await w.clock.sleep(60_000)
      await w.write(orders, 3n, [batch(3n, 2)])
      await w.clock.sleep(200_000)
      expect(looked).toEqual(['orders'])
    })
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 5))
  })

  test('find a commit that landed unheard of when the request for it comes again', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.clock.advanceBy(60_000)
    // All answers are lost, and then the catalog is away for longer than one request tries.
    let commits = 0
    let isAway = false
    w.faults.catalog = ({ kind }) => {
      if (kind === 'commit' && commits++ === 0) {
        isAway = true
        return 'lost-after'
      }
      return isAway && kind === 'load' ? new WorkError('away', { retry: 'later' }) : 'none'
    }
    await serve(w, overWire<CommitPayload, CommitAnswer>(commitCodec), async () => {
      await w.clock.sleep(30_000)
      isAway = false
      await w.clock.sleep(300_000)
    })
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 3))
    expect(w.seams.meter.totals().get('commit.found-landed')).toBe(1)
    expect(w.linesOf('info', 'result refused, planned again')).toEqual([])
    expect(w.linesOf('info', 'committed')).toHaveLength(1)
  })

  test('go on after a rollback that somebody accepted, while the committer that knew of more is still there', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.clock.advanceBy(60_000)
    await serve(w, overWire<CommitPayload, CommitAnswer>(commitCodec), async () => {
      await w.clock.sleep(60_000)
      const before = await w.table('orders')
      await w.write(orders, 3n, [batch(3n, 2)])
      await w.clock.sleep(200_000)
      const table = { namespace, name: 'orders' }
      await w.catalog.commitTable(table, {
        requirements: [],
        updates: [{ action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': before['current-snapshot-id']! }],
        idempotencyKey: '',
      })
      const committer = new TableCommitter(sourceId, table, 'other', before, w.seams)
      await committer.acceptRollback(async () => undefined)
      await w.write(orders, 5n, [batch(5n, 1)])
      await w.clock.sleep(1_200_000)
    })
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 6))
  })

  test('go on from the table where a committer dies after its commit landed: the results are refused as decided', async () => {
    const w = world()
    await w.write(orders, 0n, [batch(0n, 3)])
    await w.clock.advanceBy(60_000)
    const queue = overWire<CommitPayload, CommitAnswer>(commitCodec)
    const document = load(smallest((plain) => (plain.spec.sink = { database: namespace[0] })))
    let died = 0
    const mortal: CommitQueue = {
      ...queue,
      get depth() {
        return queue.depth
      },
      async claim(signal) {
        const claim = await queue.claim(signal)
        if (claim === null || claim.payload.results.length === 0 || died++ > 0) return claim
        // One that is never heard of again does the same before.
        const dying = inProcessQueue<CommitPayload, CommitAnswer>()
        const over = new AbortController()
        void carryOutCommits(document, sourceId, dying, w.seams, over.signal)
        await dying.submit(claim.id, claim.payload)
        over.abort()
        return claim
      },
    }
    await serve(w, mortal, async () => w.clock.sleep(200_000))
    expect(await w.rows('orders')).toEqual(rowsOf(orders, 0, 3))
    expect(w.linesOf('info', 'result refused, planned again')).toHaveLength(1)
  })
})
