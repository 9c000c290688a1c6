import { expect, test } from 'vitest'
import { inProcessQueue } from '../../../src/drivers/queue/in-process.ts'
import type { TaskResult } from '../../../src/pipeline/flow.ts'
import { priorityBands } from '../../../src/seams/task-queue.ts'
import { carryOutTasks } from '../../../src/service/tasks/carry-out-tasks.ts'
import { limitsOf } from '../../../src/service/tasks/limits.ts'
import type { RewritePayload } from '../../../src/service/tasks/rewrite-task.ts'
import type { TablePayload } from '../../../src/service/tasks/task-payload.ts'
import { load, smallest } from '../spec/documents.ts'
import { at, batch } from './segments.ts'
import { namespace, world } from './world.ts'

test('rewrites that a process has no room for wait in the queue, and keep none of its lanes from other tasks', async () => {
  const made = world()
  await made.write(at, 0n, [batch(0n, 1)])
  expect(await made.runOnce()).toBe(true)
  const tableUuid = (await made.table('orders'))['table-uuid']
  const queue = inProcessQueue<TablePayload, TaskResult>()
  const taskOf = (id: string) => ({ id, parts: [], bytes: 1 })
  const resultOf = (id: string): TaskResult => ({ task: taskOf(id), files: [], parts: [], startedAtMs: 0 })
  const gate = Promise.withResolvers<void>()
  const done: string[] = []
  let [rewriting, most] = [0, 0]
  const rewrites = {
    catalog: made.catalog,
    namespace,
    io: made.io,
    atOnce: 1,
    async carryOut({ id }: { readonly id: string }) {
      most = Math.max(most, ++rewriting)
      await gate.promise
      rewriting--
      done.push(id)
      return resultOf(id)
    },
  }
  const carryOut = async ({ id }: { readonly id: string }) => {
    done.push(id)
    return resultOf(id)
  }
  const group = { specId: 0, partition: [], inputs: [], sequenceNumber: 1n }
  const order: RewritePayload['rewrite'] = { group, tableUuid, targetFileSizeBytes: 1, sortOrder: null, exemptIds: [] }
  const stop = new AbortController()
  await made.clock.run(async () => {
    const { processing } = load(smallest()).spec
    const working = carryOutTasks(3, limitsOf(processing), { ...made.seams, queue, carryOut, rewrites }, stop.signal)
    const rewritten = ['r1', 'r2', 'r3'].map((id) =>
      queue.submit(id, { task: taskOf(id), table: 'orders', rewrite: order }, priorityBands.upkeep),
    )
    const target = {
      dataDirectory: '',
      properties: {},
      layout: { columns: [], keyFormat: 'binary', valueFormat: 'binary', record: null, missing: [] },
      onError: 'stop',
    } as const
    await Promise.all(['t1', 't2', 't3', 't4'].map((id) => queue.submit(id, { task: taskOf(id), table: 'orders', target }, 1)))
    expect(done.toSorted()).toEqual(['t1', 't2', 't3', 't4'])
    gate.resolve()
    await Promise.all(rewritten)
    stop.abort()
    await working
  })
  expect(done.slice(4)).toEqual(['r1', 'r2', 'r3'])
  expect(most).toBe(1)
})
