import { expect, test } from 'vitest'
import { grantedTasks } from '../../../src/compose/granted-tasks.ts'
import { memoryCatalog } from '../../../src/drivers/catalog/memory.ts'
import { systemClock } from '../../../src/drivers/clock/system.ts'
import { systemEntropy } from '../../../src/drivers/entropy/system.ts'
import type { CarryOut } from '../../../src/pipeline/worker.ts'
import { simpleTable } from '../../conformance/catalog.ts'

/** A worker of a database with two tables, and what it did in order. */
async function world() {
  const memory = memoryCatalog({ clock: systemClock, entropy: systemEntropy(systemClock), warehouse: 'memory://w' })
  await memory.ensureNamespace(['db'])
  for (const name of ['a', 'b']) await memory.createTable({ namespace: ['db'], name }, simpleTable)
  const done: string[] = []
  let failures = 0
  const catalog: typeof memory = {
    ...memory,
    loadTable(table) {
      if (failures-- > 0) throw new Error('catalog: no connection')
      done.push(`looked at ${table.name}`)
      return memory.loadTable(table)
    },
  }
  const carryOut = (async (task: { id: string }) => void done.push(`did ${task.id}`)) as unknown as CarryOut
  const granted = grantedTasks(carryOut, ['db'], catalog)
  const work = (id: string, dataDirectory: string) =>
    granted({ id } as Parameters<CarryOut>[0], { dataDirectory } as Parameters<CarryOut>[1], {} as never, {} as never)
  return { done, work, fail: () => (failures = 1) }
}

test('tables are looked at before the first task that writes in a place, and not again', async () => {
  const { done, work } = await world()
  await Promise.all([work('1', 'memory://w/a/data'), work('2', 'memory://w/a/data')])
  await work('3', 'memory://w/a/data')
  expect(done).toEqual(['looked at a', 'looked at b', 'did 1', 'did 2', 'did 3'])
  await work('4', 'memory://w/b/data')
  expect(done.slice(5)).toEqual(['looked at a', 'looked at b', 'did 4'])
})

test('a look that failed fails the task, and is tried again by the next', async () => {
  const { done, work, fail } = await world()
  fail()
  await expect(work('1', 'memory://w/a/data')).rejects.toThrow('no connection')
  await work('2', 'memory://w/a/data')
  expect(done).toEqual(['looked at a', 'looked at b', 'did 2'])
})
