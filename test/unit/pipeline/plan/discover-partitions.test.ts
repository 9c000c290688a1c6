import { expect, test } from 'vitest'
import { virtualClock } from '../../../../src/drivers/clock/virtual.ts'
import { memoryStore } from '../../../../src/drivers/store/memory.ts'
import { discoverPartitions } from '../../../../src/pipeline/plan/discover-partitions.ts'

async function discover(prefix: string, patterns: readonly string[], keys: readonly string[]) {
  const listed: string[] = []
  const store = memoryStore({
    clock: virtualClock(),
    fault: (operation, key) => {
      if (operation === 'list') listed.push(key)
      return undefined
    },
    pageSize: 2,
  })
  for (const key of keys) await store.put(key, [Buffer.from('x')])
  const found = await discoverPartitions(store, prefix, patterns)
  return { found: found.map(({ topic, partition }) => `${topic}/${partition}`), listed: new Set(listed) }
}

const bucket = [
  'p/orders/0/a',
  'p/orders/0/b',
  'p/orders/10/a',
  'p/orders/2/a',
  'p/clicks/0/a',
  'p/other/0/a',
  'q/orders/7/a',
  'p/manifest.json',
]

test('topics are found by glob, partitions by number, in order', async () => {
  expect((await discover('p/', ['*'], bucket)).found).toEqual(['clicks/0', 'orders/0', 'orders/2', 'orders/10', 'other/0'])
  expect((await discover('p/', ['o*s', 'clicks'], bucket)).found).toEqual(['clicks/0', 'orders/0', 'orders/2', 'orders/10'])
})

test('a topic that is named in full is looked for without listing all topics', async () => {
  const { found, listed } = await discover('p/', ['orders'], bucket)
  expect(found).toEqual(['orders/0', 'orders/2', 'orders/10'])
  expect(listed).toEqual(new Set(['p/orders/']))
})

test('a topic that several patterns name is found once', async () => {
  expect((await discover('p/', ['orders', 'or*', 'orders'], bucket)).found).toEqual(['orders/0', 'orders/2', 'orders/10'])
})

test('folders that are no partition number are foreign', async () => {
  const keys = [
    'orders/lfs/2026/x',
    'orders/-1/a',
    'orders/01/a',
    'orders/1e3/a',
    'orders/2147483648/a',
    'orders/ 1/a',
    'orders/2147483647/a',
    'orders/segment-0.kfs',
  ]
  expect((await discover('', ['orders'], keys)).found).toEqual(['orders/2147483647'])
})

test('topics that are not there are no error', async () => {
  expect((await discover('p/', ['missing', 'zzz*'], bucket)).found).toEqual([])
})
