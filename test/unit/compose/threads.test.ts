import { afterAll, expect, test } from 'vitest'
import { openThreads } from '../../../src/compose/threads.ts'
import { systemClock } from '../../../src/drivers/clock/system.ts'
import { systemEntropy } from '../../../src/drivers/entropy/system.ts'
import { newTableMetadata } from '../../../src/formats/iceberg/new-table.ts'
import { readRows } from '../../../src/formats/parquet/read-rows.ts'
import { WorkError } from '../../../src/model/failure.ts'
import type { Task } from '../../../src/model/task.ts'
import { newTable } from '../../../src/pipeline/commit/new-table.ts'
import { resolveLayout } from '../../../src/pipeline/commit/resolve-layout.ts'
import { limitsOf } from '../../../src/service/tasks/limits.ts'
import { carryOut, taskTarget, type WorkerSeams } from '../../../src/service/tasks/worker.ts'
import type { RewriteOrder } from '../../../src/service/tasks/rewrite-task.ts'
import type { FileIO } from '../../../src/seams/file-io.ts'
import { ObjectChanged } from '../../../src/seams/object-store.ts'
import { mappingFor } from '../../../src/spec/table-mapping.ts'
import { orderSegments } from '../../bench/generate.ts'
import { load, smallest } from '../spec/documents.ts'

const records = 14_000
const [{ segment }] = orderSegments({ records, maxSegmentBytes: Infinity })
const document = load(smallest())
const mapping = mappingFor(document, 'orders')
const creation = newTable(mapping, {
  value: { format: 'string' },
  properties: {},
  formatVersion: 2,
  profile: { propertiesInCommit: true, forbiddenProperties: [] },
})
const metadata = newTableMetadata(creation, { uuid: 'u', location: 's3://w/orders', nowMs: 0, formatVersion: 2 })
const target = taskTarget(metadata, resolveLayout('orders', metadata, { ...mapping, value: { format: 'string' } }), { onError: 'stop' })
const task: Task = {
  id: 't',
  parts: [
    {
      at: { topic: 'orders', partition: 0 },
      follows: null,
      segments: [{ key: 'k', baseOffset: 0n, size: segment.length, etag: 'e', lastModifiedMs: 0, settled: true }],
      startOffset: 0n,
      decided: [],
      nextBaseOffset: null,
    },
  ],
  bytes: segment.length,
}
const limits = { ...limitsOf(document.spec.processing), rowGroupBytes: 1024 * 1024 }

const threads = openThreads(2)
afterAll(() => threads.close())

test('what a task needs to know of its table is the same after a way as JSON, and leaves out what concerns only commits', () => {
  expect(JSON.parse(JSON.stringify(target))).toEqual(target)
  const table = {
    ...metadata,
    location: 's3://w/orders/',
    properties: { 'write.data.path': 's3://w/d/', 'history.expire.max-ref-age-ms': '1' },
  }
  expect(taskTarget(table, target.layout, { onError: 'skip' })).toEqual({
    dataDirectory: 's3://w/d',
    properties: { 'write.data.path': 's3://w/d/' },
    layout: target.layout,
    onError: 'skip',
  })
})

/** Stores in memory, and what was written to them. */
function seamsOf(change: Partial<{ get: WorkerSeams['source']['get']; write: WorkerSeams['io']['write'] }> = {}) {
  const written = new Map<string, Uint8Array>()
  const seams: WorkerSeams = {
    source: { get: change.get ?? (async () => segment.slice()) },
    io: {
      write:
        change.write ??
        (async (uri, chunks) => {
          const all: Uint8Array[] = []
          for await (const chunk of chunks) all.push(chunk.slice())
          written.set(uri, Buffer.concat(all))
          return Buffer.concat(all).length
        }),
    },
    clock: systemClock,
    entropy: systemEntropy(systemClock),
  }
  return { seams, written }
}

test('a result is as old as its task, also where the worker stood still while it wrote', async () => {
  let nowMs = 1000
  const { seams } = seamsOf({
    write: async (_uri, chunks) => {
      let length = 0
      for await (const chunk of chunks) length += chunk.length
      nowMs += 3 * 86_400_000
      return length
    },
  })
  const result = await carryOut(task, target, limits, { ...seams, clock: { ...systemClock, now: () => nowMs } })
  expect(nowMs).toBeGreaterThan(1000)
  expect(result.startedAtMs).toBe(1000)
})

test('a task that a thread carries out comes back with its files, in chunks as the store takes them', async () => {
  const { seams, written } = seamsOf()
  const result = await threads.carryOut(task, target, limits, seams)
  const [[uri, file]] = [...written]
  expect(result.parts[0]).toMatchObject({ ranges: [[0n, BigInt(records)]], counts: { rows: records }, ended: null })
  expect(result.files).toMatchObject([{ filePath: uri, recordCount: BigInt(records), fileSizeInBytes: BigInt(file.length) }])
  const rows = await readRows(file, records)
  expect(rows.map(({ kafka_offset: offset }) => offset)).toEqual(Array.from({ length: records }, (_, i) => BigInt(i)))
})

test('two tasks at once do not mix', async () => {
  const [one, other] = [seamsOf(), seamsOf()]
  await Promise.all([threads.carryOut(task, target, limits, one.seams), threads.carryOut(task, target, limits, other.seams)])
  expect([one.written.size, other.written.size]).toEqual([1, 1])
})

test('bytes that a thread has read go back to the store that gave them', async () => {
  const { seams } = seamsOf()
  const released: ArrayBufferLike[] = []
  const buffer = new Uint8Array(segment.length + 100)
  buffer.set(segment)
  const source: WorkerSeams['source'] = {
    get: async () => buffer.subarray(0, segment.length),
    release: ({ buffer: back }) => released.push(back),
  }
  const { parts } = await threads.carryOut(task, target, limits, { ...seams, source })
  expect(parts[0].counts.rows).toBe(records)
  // Handed over and back: a copy would be shorter, and the original still there.
  expect([released.map(({ byteLength }) => byteLength), buffer.length]).toEqual([[segment.length + 100], 0])
})

test('what a rewrite wrote for itself alone to sort its rows is removed again', async () => {
  const { seams, written } = seamsOf()
  const { files } = await carryOut(task, target, limits, seams)
  const io: FileIO = {
    write: seams.io.write,
    read: async (uri, range) => written.get(uri)!.slice(range?.start, range?.end),
    remove: async (uri) => void written.delete(uri),
  }
  const live = { file: files[0], specId: 0, sequenceNumber: 1n, fileSequenceNumber: 1n, snapshotId: 1n }
  const offsets = metadata.schemas[0].fields.find(({ name }) => name === 'kafka_offset')!
  const order: RewriteOrder = {
    group: { specId: 0, partition: [], inputs: [{ live, deletes: [] }], sequenceNumber: 1n },
    tableUuid: 'u',
    targetFileSizeBytes: 1024 ** 3,
    sortOrder: {
      'order-id': 1,
      fields: [{ 'source-id': offsets.id, transform: 'identity', direction: 'desc', 'null-order': 'nulls-last' }],
    },
    exemptIds: [],
  }
  // So little memory that each part of the rows is written to a file of its own.
  const result = await threads.rewrite(task, order, metadata, { ...limits, rewriteBytes: 1 }, { ...seams, io })
  expect([...written.keys()]).toEqual([files[0].filePath, result.files[0].filePath])
  const rows = await readRows(written.get(result.files[0].filePath)!, records)
  expect(rows.map(({ kafka_offset: offset }) => offset)).toEqual(Array.from({ length: records }, (_, i) => BigInt(records - 1 - i)))
})

test('no more rewrites are under way at once than there is memory for, however many threads there are', async () => {
  const pool = openThreads(2, 1)
  const { seams, written } = seamsOf()
  const { files } = await carryOut(task, target, limits, seams)
  let [underWay, atOnce] = [0, 0]
  const io: FileIO = {
    async write(uri, chunks) {
      atOnce = Math.max(atOnce, ++underWay)
      await systemClock.sleep(50)
      return seams.io.write(uri, chunks).finally(() => underWay--)
    },
    // What is read is handed over to the thread.
    read: async (uri, range) => Uint8Array.from(written.get(uri)!.subarray(range?.start, range?.end)),
    remove: async (uri) => void written.delete(uri),
  }
  const live = { file: files[0], specId: 0, sequenceNumber: 1n, fileSequenceNumber: 1n, snapshotId: 1n }
  const group = { specId: 0, partition: [], inputs: [{ live, deletes: [] }], sequenceNumber: 1n }
  const order: RewriteOrder = { group, tableUuid: 'u', targetFileSizeBytes: 1024 ** 3, sortOrder: null, exemptIds: [] }
  const results = await Promise.all([1, 2, 3].map(() => pool.rewrite(task, order, metadata, limits, { ...seams, io })))
  expect(results.map((one) => one.files.length)).toEqual([1, 1, 1])
  expect(atOnce).toBe(1)
  await pool.close()
})

test('an object that changed ends the part, as it does without threads', async () => {
  const { seams, written } = seamsOf({ get: () => Promise.reject(new ObjectChanged('other bytes')) })
  const result = await threads.carryOut(task, target, limits, seams)
  expect(result).toMatchObject({ files: [], parts: [{ ended: { kind: 'changed' } }] })
  expect(written.size).toBe(0)
})

test('what a store throws is thrown where the task was handed over, with when to try again', async () => {
  const failing = seamsOf({ get: () => Promise.reject(new WorkError('503', { retry: 'later' })) })
  await expect(threads.carryOut(task, target, limits, failing.seams)).rejects.toMatchObject({
    name: 'WorkError',
    message: '503',
    retry: 'later',
  })
  const full = seamsOf({
    async write(_uri, chunks) {
      for await (const chunk of chunks) if (chunk.length > 4) throw new WorkError('disk full', { retry: 'later' })
      return 0
    },
  })
  await expect(threads.carryOut(task, target, limits, full.seams)).rejects.toMatchObject({ message: 'disk full', retry: 'later' })
  // The thread goes on.
  await expect(threads.carryOut(task, target, limits, seamsOf().seams)).resolves.toMatchObject({ files: [{}] })
})

test('tasks of a pool that was closed fail and may be tried again', async () => {
  const pool = openThreads(1)
  const { seams } = seamsOf({ get: () => new Promise(() => undefined) })
  const result = pool.carryOut(task, target, limits, seams)
  const failed = expect(result).rejects.toMatchObject({ name: 'WorkError', retry: 'later' })
  await pool.close()
  await failed
})

test('small segments start no thread where nothing else is carried out, and go to one where something is', async () => {
  const [small] = orderSegments({ records: 100, maxSegmentBytes: Infinity })
  const segments = task.parts[0].segments.map((one) => ({ ...one, size: small.segment.length }))
  const many: Task = { ...task, parts: [{ ...task.parts[0], segments }], bytes: 8 * 1024 * 1024 }
  // Bytes that go to a thread are handed over, and their buffer is left empty here.
  const carriedOut = async () => {
    const bytes = small.segment.slice()
    const { seams } = seamsOf({ get: async () => bytes })
    const { parts } = await threads.carryOut(many, target, limits, seams)
    expect(parts[0].counts.rows).toBe(100)
    return bytes.length > 0 ? 'here' : 'in a thread'
  }
  expect(await Promise.all([carriedOut(), carriedOut()])).toEqual(['here', 'in a thread'])
  expect(await carriedOut()).toBe('here')
})
