import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openDocument } from '../../src/compose.ts'
import { memoryJournal } from '../../src/drivers/journal/memory.ts'
import { countingMeter } from '../../src/drivers/meter/counting.ts'
import { Processor } from '../../src/service/feed/processor.ts'
import { askForUsers, type Etcd, startEtcd, watermarkKey } from './etcd.ts'
import { addSegment, documentOf, sqliteOnFiles } from './program.ts'

const patient = { timeout: 200_000, interval: 50 }
const commitIntervalSeconds = 3

let etcd: Etcd
let home: string
let directory: string
let running: Service | null = null

beforeEach(async () => {
  etcd = await startEtcd()
  home = await mkdtemp(join(tmpdir(), 'told-'))
  directory = join(home, 'segments')
  await mkdir(directory)
})

afterEach(async () => {
  await running?.stop()
  running = null
  await etcd.stop()
  await rm(home, { recursive: true, force: true })
})

interface Service {
  readonly journal: ReturnType<typeof memoryJournal>
  /** Records that were committed. */
  rows(): number
  /** Listings of the source. */
  lists(): number
  said(message: string): number
  stop(): Promise<boolean>
}

/** A service on a directory of segments, whose newest one is taken after an hour unless etcd tells that it may be taken. */
async function serve(settings: object = {}): Promise<Service> {
  const source = { directory, graceSeconds: 3600, etcd: { endpoints: [etcd.url], ...settings } }
  const document = documentOf({ place: sqliteOnFiles(home), source, database: 'told', processing: { commitIntervalSeconds } })
  const [meter, journal, ended] = [countingMeter(), memoryJournal(), new AbortController()]
  const opened = await openDocument(document, journal, meter)
  const done = new Processor(document, opened.source, opened.seams).run(false, ended.signal)
  const said = (message: string) => journal.lines.filter((line) => line.message === message).length
  running = {
    journal,
    said,
    rows: () => journal.lines.reduce((sum, { message, fields }) => sum + (message === 'committed' ? Number(fields.rows) : 0), 0),
    lists: () => meter.totals().get('store.source.list.pages') ?? 0,
    async stop() {
      ended.abort()
      const ok = await done
      await opened.close()
      return ok
    },
  }
  return running
}

/** What the broker does: the segment first, then its watermark. */
async function produce(partition: number, from: number, records: number, topic = 'orders'): Promise<void> {
  await addSegment(
    directory,
    { topic, partition },
    BigInt(from),
    Array.from({ length: records }, () => ({})),
  )
  await etcd.put(watermarkKey(topic, partition), String(from + records))
}

const watched = 'high watermarks are watched in etcd'
const lost = 'etcd does not tell high watermarks: topic-partitions are found by listing until it does'

test('new segments, partitions and topics are seen within a second, and idle ones cost no LIST', async () => {
  await produce(0, 0, 3)
  await produce(1, 0, 3)
  const service = await serve()
  await vi.waitFor(() => expect(service.rows()).toBe(6), patient)
  // The round that is under way lists to its end.
  const isIdle = async () => {
    const before = service.lists()
    await sleep(4 * commitIntervalSeconds * 1000)
    expect(service.lists()).toBe(before)
  }
  await vi.waitFor(isIdle, patient)

  const seenMs: number[] = []
  // The machine may have been busy otherwise.
  for (let from = 3; from < 5 || (from < 9 && Math.min(...seenMs) >= 1000); from++) {
    const [lists, startedMs] = [service.lists(), performance.now()]
    await produce(1, from, 1)
    await vi.waitFor(() => expect(service.lists()).toBeGreaterThan(lists), patient)
    seenMs.push(performance.now() - startedMs)
    await vi.waitFor(() => expect(service.rows()).toBe(from + 4), patient)
  }
  expect(Math.min(...seenMs)).toBeLessThan(1000)
  const rows = service.rows()
  await produce(2, 0, 1)
  await vi.waitFor(() => expect(service.rows()).toBe(rows + 1), patient)
  await produce(0, 0, 4, 'payments')
  await vi.waitFor(() => expect(service.rows()).toBe(rows + 5), patient)
})

test('when etcd dies everything is listed again, and when it comes back it is watched again', async () => {
  await produce(0, 0, 3)
  const service = await serve()
  await vi.waitFor(() => expect(service.rows()).toBe(3), patient)
  await etcd.kill()
  await vi.waitFor(() => expect(service.said(lost)).toBe(1), patient)
  const before = service.lists()
  await vi.waitFor(() => expect(service.lists()).toBeGreaterThanOrEqual(before + 3), patient)
  await addSegment(directory, { topic: 'orders', partition: 0 }, 3n, [{}, {}])
  // Two segments: of the first, the later one tells that it was written for good.
  await addSegment(directory, { topic: 'orders', partition: 0 }, 5n, [{}])
  await vi.waitFor(() => expect(service.rows()).toBe(5), patient)

  await etcd.start()
  await vi.waitFor(() => expect(service.said(watched)).toBe(2), patient)
  await etcd.put(watermarkKey('orders', 0), '6')
  await vi.waitFor(() => expect(service.rows()).toBe(6), patient)
  expect(service.said(lost)).toBe(1)
})

test('a user and his password are asked for', async () => {
  await produce(0, 0, 3)
  await askForUsers(etcd, 'processor', 'open sesame')
  const service = await serve({ username: 'processor', password: 'open sesame' })
  await vi.waitFor(() => expect(service.rows()).toBe(3), patient)
  await produce(0, 3, 2)
  await vi.waitFor(() => expect(service.rows()).toBe(5), patient)
})

test('a wrong password is said, and the service goes on by listing', async () => {
  await addSegment(directory, { topic: 'orders', partition: 0 }, 0n, [{}, {}])
  await addSegment(directory, { topic: 'orders', partition: 0 }, 2n, [{}])
  await askForUsers(etcd, 'processor', 'open sesame')
  const service = await serve({ username: 'processor', password: 'let me in' })
  await vi.waitFor(() => expect(service.rows()).toBe(2), patient)
  const line = service.journal.lines.find(({ message }) => message === lost)
  expect(String(line?.fields.error)).toContain('invalid user ID or password')
  expect(String(line?.fields.error)).not.toContain('let me in')
})

test('a watermark that goes back, or is garbage, costs a listing and no row', async () => {
  await produce(0, 0, 3)
  const service = await serve()
  await vi.waitFor(() => expect(service.rows()).toBe(3), patient)
  for (const value of ['1', 'nonsense', '-5']) await etcd.put(watermarkKey('orders', 0), value)
  const before = service.lists()
  await vi.waitFor(() => expect(service.lists()).toBeGreaterThan(before), patient)
  await produce(0, 3, 2)
  await vi.waitFor(() => expect(service.rows()).toBe(5), patient)
  expect(service.said('a high watermark in etcd is no offset: this topic-partition is found by listing')).toBe(1)
  expect(service.journal.lines.filter(({ level }) => level === 'error')).toEqual([])
})
