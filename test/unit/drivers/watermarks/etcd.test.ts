import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../../../src/drivers/clock/system.ts'
import { memoryJournal } from '../../../../src/drivers/journal/memory.ts'
import { openEtcdWatermarks } from '../../../../src/drivers/watermarks/etcd.ts'
import { topicPartitionName } from '../../../../src/model/topic-partition.ts'
import type { Clock } from '../../../../src/seams/clock.ts'
import type { HighWatermarks } from '../../../../src/seams/high-watermarks.ts'
import { type ScriptedEtcd, scriptedEtcd } from './scripted-etcd.ts'

const orders = { topic: 'orders', partition: 3 }
const keyOf = (topic: string, partition: number) => `/kafscale/topics/${topic}/partitions/${partition}/next_offset`
/** Pauses are a hundredth of what they are; the first answer is waited for as long as it takes. */
const hasty: Clock = { now: () => Date.now(), sleep: (ms, signal) => systemClock.sleep(ms === 3_000 ? 60_000 : ms / 100, signal) }
const long = { timeout: 90_000, interval: 20 }

let etcd: ScriptedEtcd
let journal: ReturnType<typeof memoryJournal>
let opened: HighWatermarks | null = null

beforeEach(async () => {
  etcd = await scriptedEtcd()
  journal = memoryJournal()
})

afterEach(async () => {
  await opened?.close()
  opened = null
  await etcd.stop()
})

async function open(endpoints = [etcd.url], user: { name: string; password: string } | null = null): Promise<HighWatermarks> {
  return (opened = await openEtcdWatermarks({ endpoints, user: () => user, clock: hasty, journal }))
}

const said = () => journal.lines.map(({ level }) => level)

test('what is there is read page by page, and what changes is told', async () => {
  for (let partition = 0; partition < 5; partition++) etcd.keys.set(keyOf('orders', partition), String(10 * partition))
  etcd.keys.set('/kafscale/topics/orders/config', 'x')
  const watermarks = await open()
  expect(watermarks.nextOffset(orders)).toBe(30n)
  // A watermark of 0 tells of no segment.
  expect(watermarks.known()!.map(topicPartitionName)).toEqual(['orders/1', 'orders/2', 'orders/3', 'orders/4'])
  const changes: string[] = []
  const unsubscribe = watermarks.onChange((at) => changes.push(topicPartitionName(at)))
  etcd.set(keyOf('orders', 3), '31')
  etcd.set('/kafscale/topics/orders/config', 'y')
  etcd.set(keyOf('new', 0), '1')
  await vi.waitFor(() => expect(changes).toEqual(['orders/3', 'new/0']), long)
  expect(watermarks.nextOffset(orders)).toBe(31n)
  expect(watermarks.known()).toHaveLength(5)
  unsubscribe()
  etcd.set(keyOf('orders', 3), null)
  await vi.waitFor(() => expect(watermarks.nextOffset(orders)).toBeUndefined(), long)
  expect(changes).toHaveLength(2)
  expect(etcd.asked.find(({ path }) => path === '/v3/watch')?.body).toMatchObject({ create_request: { start_revision: '8' } })
})

test('a watermark may go backwards', async () => {
  etcd.keys.set(keyOf('orders', 3), '30')
  const watermarks = await open()
  etcd.set(keyOf('orders', 3), '12')
  await vi.waitFor(() => expect(watermarks.nextOffset(orders)).toBe(12n), long)
})

test.each(['', '-1', '1.5', 'NaN', '0x10', '99999999999999999999', '9223372036854775808'])(
  'the value "%s" is no watermark, and that is said once',
  async (value) => {
    etcd.keys.set(keyOf('orders', 3), value)
    const watermarks = await open()
    expect(watermarks.nextOffset(orders)).toBeUndefined()
    etcd.set(keyOf('orders', 3), value)
    etcd.set(keyOf('orders', 3), '5')
    await vi.waitFor(() => expect(watermarks.nextOffset(orders)).toBe(5n), long)
    expect(said()).toEqual(['warn', 'info'])
  },
)

test('while the watch is broken nothing is known; then all is read again, and both are said once', async () => {
  etcd.keys.set(keyOf('orders', 3), '30')
  etcd.keys.set(keyOf('orders', 4), '40')
  const watermarks = await open()
  etcd.answer = () => ({ status: 503, body: { error: 'no leader' } })
  etcd.endWatches()
  await vi.waitFor(() => expect(watermarks.nextOffset(orders)).toBeUndefined(), long)
  expect(watermarks.known()).toBeNull()
  await vi.waitFor(() => expect(etcd.asked.length).toBeGreaterThan(8), long)
  etcd.keys.set(keyOf('orders', 3), '31')
  etcd.keys.delete(keyOf('orders', 4))
  etcd.answer = null
  await vi.waitFor(() => expect(watermarks.nextOffset(orders)).toBe(31n), long)
  expect(watermarks.nextOffset({ topic: 'orders', partition: 4 })).toBeUndefined()
  expect(said()).toEqual(['info', 'warn', 'info'])
})

test.each([
  ['a canceled watch', '{"result":{"canceled":true,"compact_revision":"9"}}'],
  ['an error in the stream', '{"error":{"message":"etcdserver: permission denied"}}'],
  ['a line that is no JSON', 'what?'],
])('%s is begun anew', async (_what, line) => {
  etcd.keys.set(keyOf('orders', 3), '30')
  const watermarks = await open()
  const before = etcd.asked.filter(({ path }) => path === '/v3/watch').length
  etcd.send(line)
  await vi.waitFor(() => expect(etcd.asked.filter(({ path }) => path === '/v3/watch').length).toBeGreaterThan(before), long)
  await vi.waitFor(() => expect(watermarks.nextOffset(orders)).toBe(30n), long)
})

test('a cluster that stops answering is noticed, though the watch stands', async () => {
  etcd.keys.set(keyOf('orders', 3), '30')
  const watermarks = await open()
  etcd.answer = (path) => (path === '/v3/kv/range' ? { status: 504, body: { error: 'etcdserver: request timed out' } } : undefined)
  await vi.waitFor(() => expect(watermarks.known()).toBeNull(), long)
  await vi.waitFor(() => expect(etcd.watches()).toBe(0), long)
})

test('a user logs in, and the token goes with each call', async () => {
  await open([etcd.url], { name: 'reader', password: 'secret' })
  expect(etcd.asked[0]).toMatchObject({ path: '/v3/auth/authenticate', body: { name: 'reader', password: 'secret' } })
  expect(etcd.asked.slice(1).map(({ token }) => token)).toEqual(['token.1', 'token.1'])
})

test('a refused login is said without the password', async () => {
  etcd.answer = () => ({ status: 400, body: { error: 'etcdserver: authentication failed, invalid user ID or password', code: 3 } })
  const watermarks = await open([etcd.url], { name: 'reader', password: 'secret' })
  expect(watermarks.known()).toBeNull()
  expect(JSON.stringify(journal.lines, (_, value: unknown) => (value instanceof Error ? value.message : value))).not.toContain('secret')
  expect(journal.lines[0].fields.error).toMatchObject({ message: expect.stringContaining('invalid user ID') as string })
})

test('where one member is away, the next is asked, and nothing is lost', async () => {
  etcd.keys.set(keyOf('orders', 3), '30')
  const watermarks = await open(['http://127.0.0.1:1', `${etcd.url}/`])
  expect(watermarks.nextOffset(orders)).toBe(30n)
  expect(said()).toEqual(['info'])
})
