import { expect, test } from 'vitest'
import { documentStatus } from '../../../src/service/status/status.ts'
import { withSetAside } from '../../../src/service/status/set-aside.ts'
import type { Plain } from '../spec/documents.ts'
import { documentOf, source } from './outlooks.ts'
import { at, batch } from './segments.ts'
import { world } from './world.ts'

const whole = (d: Plain) => (d.spec.mappings = [{ topic: '*', value: { format: 'binary' } }])

test('a topic-partition of which a task was given up is told as stopped, and what was done since otherwise is not told of', async () => {
  const w = world()
  for (const partition of [0, 1]) await w.write({ ...at, partition }, 0n, [batch(0n, 3)])
  expect(await w.runOnce()).toBe(true)
  await w.write(at, 3n, [batch(3n, 2)])
  const status = await documentStatus(documentOf(whole), source, w.seams)
  const task = (reason: string, ...parts: { partition: number; offset: bigint; isHistory?: boolean }[]) => ({
    table: 'analytics.orders',
    parts: parts.map((part) => ({ topic: at.topic, isHistory: false, ...part })),
    reason,
  })
  const stuck = task('a bug', { partition: 0, offset: 3n })
  const old = task('mended since', { partition: 1, offset: 0n })
  const both = task('tried one by one', { partition: 0, offset: 3n }, { partition: 1, offset: 0n })
  const history = task('old segments', { partition: 1, offset: 0n, isHistory: true })
  const newer = { table: '', parts: [], reason: 'of a newer version' }
  const told = withSetAside(status, [stuck, old, both, history, newer])
  expect(told.setAside).toEqual([stuck, both, history, newer])
  expect(told.status.tables[0].partitions.map(({ stopped }) => stopped)).toEqual([
    'its task was set aside after several tries: a bug',
    null,
  ])
})
