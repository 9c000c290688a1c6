import { expect, test } from 'vitest'
import { lookOnce } from '../../../src/service/tasks/carry-out-tasks.ts'
import type { TaskTarget } from '../../../src/service/tasks/worker.ts'

/** Looks at tables of a database, and which of them were loaded, in order; the next load fails where a test says so. */
function world() {
  const loaded: string[] = []
  let failures = 0
  const look = lookOnce(
    {
      async loadTable({ name }) {
        if (failures-- > 0) throw new Error('catalog: no connection')
        loaded.push(name)
        return null
      },
    },
    ['db'],
  )
  return {
    loaded,
    fail: () => (failures = 1),
    look: (table: string, dataDirectory: string) => look(table, { dataDirectory } as TaskTarget),
  }
}

test('a table is looked at before the first task that writes in a place of it, and not again', async () => {
  const { loaded, look } = world()
  await Promise.all([look('a', 'memory://w/a/data'), look('a', 'memory://w/a/data')])
  await look('a', 'memory://w/a/data')
  expect(loaded).toEqual(['a'])
  await look('b', 'memory://w/b/data')
  await look('a', 'memory://w/elsewhere')
  expect(loaded).toEqual(['a', 'b', 'a'])
})

test('a look that failed fails the task, and is tried again by the next', async () => {
  const { loaded, fail, look } = world()
  fail()
  await expect(look('a', 'memory://w/a/data')).rejects.toThrow('no connection')
  await look('a', 'memory://w/a/data')
  expect(loaded).toEqual(['a'])
})
