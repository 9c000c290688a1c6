import { parquetMetadataAsync } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import { metricsModes } from '../../../../src/formats/iceberg/metrics-config.ts'
import type { NestedField } from '../../../../src/formats/iceberg/schema.ts'
import { readRows } from '../../../../src/formats/parquet/read-rows.ts'
import type { RowBatch } from '../../../../src/pipeline/flow.ts'
import { type FileSource, decodeSources, sourcesKey } from '../../../../src/pipeline/write/file-sources.ts'
import { type PartitionedOptions, writePartitionedFiles } from '../../../../src/pipeline/write/partitioned-writer.ts'
import { vectorOf } from '../../formats/arrow/fill.ts'
import { at, refOf } from '../../service/segments.ts'
import { memoryIo } from './memory-io.ts'

const fields: NestedField[] = [
  { id: 3, name: 'offset', required: true, type: 'long' },
  { id: 7, name: 'customer', required: false, type: 'int' },
]

/** Batches of ten rows, a segment for each two of them; the customer of a row by its offset. */
async function* batches(count: number, customerOf: (offset: number) => number | null): AsyncGenerator<RowBatch, void, undefined> {
  for (let batch = 0; batch < count; batch++) {
    const offsets = Array.from({ length: 10 }, (_, i) => batch * 10 + i)
    const ranges = [[BigInt(batch * 10), BigInt(batch * 10 + 10)]] as const
    yield {
      columns: { length: 10, columns: [vectorOf('long', offsets.map(BigInt)), vectorOf('int', offsets.map(customerOf))] },
      sources: [{ at, segment: refOf(BigInt(Math.floor(batch / 2) * 20)), ranges, rows: 10 }],
    }
  }
}

const options: PartitionedOptions = {
  codec: 'zstd',
  pageSizeBytes: 1_048_576,
  dictionarySizeBytes: 1_048_576,
  fields,
  metricsModes: metricsModes({ fields }, {}),
  rowGroupBytes: 1_048_576,
  targetFileSizeBytes: 1_048_576,
  newLocation: () => 's3://w/x.parquet',
  partition: [{ transform: 'identity', type: 'int', path: [1] }],
  offsetColumn: 0,
  openFilesBytes: 1_048_576,
}

async function write(source: AsyncIterator<RowBatch>, change: Partial<PartitionedOptions> = {}, { io, files } = memoryIo()) {
  let next = 0
  const written = await writePartitionedFiles(source, io, { ...options, newLocation: () => `s3://w/${next++}.parquet`, ...change })
  const found = await Promise.all(
    written.map(async ({ filePath, partition, recordCount, fileSizeInBytes }) => {
      const bytes = files.get(filePath)!
      expect(fileSizeInBytes).toBe(BigInt(bytes.length))
      const rows = (await readRows(bytes, 1_000_000)) as { offset: bigint; customer: number | null }[]
      expect(recordCount).toBe(BigInt(rows.length))
      return {
        partition,
        offsets: rows.map(({ offset }) => Number(offset)),
        customers: rows.map(({ customer }) => customer),
        sources: await sourcesOf(bytes),
      }
    }),
  )
  return { written, files, found }
}

async function sourcesOf(bytes: Buffer): Promise<FileSource[]> {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
  const { key_value_metadata: pairs } = await parquetMetadataAsync(file)
  return decodeSources(pairs!.find(({ key }) => key === sourcesKey)!.value!)
}

test('each file has the rows of one partition, in the order of their offsets', async () => {
  const { found } = await write(batches(3, (offset) => (offset % 7 === 0 ? null : offset % 3)))
  expect(found.map(({ partition }) => partition)).toEqual([[2], [null], [1], [0]])
  for (const { partition, customers } of found) expect(new Set(customers)).toEqual(new Set(partition))
  for (const { offsets } of found) expect(offsets).toEqual(offsets.toSorted((a, b) => a - b))
  expect(found.flatMap(({ offsets }) => offsets).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => i))
})

test('a batch of one partition goes into its file as it is', async () => {
  const { found } = await write(batches(4, (offset) => Math.floor(offset / 20)))
  expect(found.map(({ partition, offsets }) => [partition, offsets.length])).toEqual([
    [[0], 20],
    [[1], 20],
  ])
  expect(found.map(({ sources }) => sources.map(({ ranges }) => ranges))).toEqual([[[[0n, 20n]]], [[[20n, 40n]]]])
})

test('the sources of a file are the offsets of its rows where those are few ranges', async () => {
  const { found } = await write(batches(2, (offset) => (offset % 10 < 4 ? 1 : 2)))
  const ranges = (first: number, last: number) => [0, 10].map((start) => [BigInt(start + first), BigInt(start + last)])
  expect(found.map(({ sources }) => sources.map((source) => source.ranges))).toEqual([[ranges(0, 4)], [ranges(4, 10)].map((all) => all)])
})

test('and all that its rows come from where those would be a range for each row', async () => {
  async function* wide(): AsyncGenerator<RowBatch, void, undefined> {
    const offsets = Array.from({ length: 100 }, (_, i) => i)
    const columns = [
      vectorOf('long', offsets.map(BigInt)),
      vectorOf(
        'int',
        offsets.map((offset) => offset % 2),
      ),
    ]
    yield { columns: { length: 100, columns }, sources: [{ at, segment: refOf(0n), ranges: [[0n, 100n]], rows: 100 }] }
  }
  const { found } = await write(wide())
  expect(found.map(({ sources }) => sources.map(({ ranges }) => ranges))).toEqual([[[[0n, 100n]]], [[[0n, 100n]]]])
})

test('a segment that gave a file no row is none of its sources', async () => {
  const { found } = await write(batches(4, (offset) => (offset < 20 ? offset % 2 : 5)))
  expect(found.map(({ partition, sources }) => [partition, sources.map(({ key }) => key.slice(-6, -4))])).toEqual([
    [[0], ['00']],
    [[1], ['00']],
    [[5], ['20']],
  ])
})

describe('files that are open', () => {
  test('are finished at the target size, and the next one of the partition begins', async () => {
    const { found } = await write(
      batches(6, (offset) => offset % 2),
      { targetFileSizeBytes: 1 },
    )
    expect(found).toHaveLength(12)
    expect(found.flatMap(({ offsets }) => offsets).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i))
  })

  test('are finished early, the largest first, past the memory they may take', async () => {
    const { found } = await write(
      batches(3, (offset) => (offset % 10 === 0 ? 1 : 2)),
      { openFilesBytes: 200 },
    )
    expect(found.length).toBeGreaterThan(2)
    expect(found[0].partition).toEqual([2])
    expect(found.flatMap(({ offsets }) => offsets).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => i))
  })

  test('are never more than 256: the one that waits longest is finished', async () => {
    let [open, named] = [0, 0]
    let most = 0
    const { io, files } = memoryIo()
    const counting = {
      files,
      io: { ...io, write: async (uri: string, chunks: Parameters<typeof io.write>[1]) => io.write(uri, chunks).finally(() => open--) },
    }
    const { found } = await write(
      batches(40, (offset) => offset),
      {
        newLocation() {
          most = Math.max(most, ++open)
          return `s3://w/${++named}.parquet`
        },
      },
      counting,
    )
    expect(found).toHaveLength(400)
    expect(found[0].partition).toEqual([0])
    expect(most).toBe(257)
  })

  test('go to the store row group by row group, side by side', async () => {
    const { found, written } = await write(
      batches(6, (offset) => offset % 2),
      { rowGroupBytes: 1 },
    )
    expect(written.map(({ splitOffsets }) => splitOffsets!.length)).toEqual([6, 6])
    expect(found.map(({ offsets }) => offsets.length)).toEqual([30, 30])
  })
})

test('where the store fails, what was begun is given up, and the failure is told', async () => {
  const ended: string[] = []
  const io = {
    write: async (uri: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) => {
      try {
        for await (const _ of chunks) if (uri.endsWith('1.parquet')) throw new Error('the store is full')
      } finally {
        ended.push(uri)
      }
      return 0
    },
  }
  let next = 0
  const change = { rowGroupBytes: 1, newLocation: () => `s3://w/${next++}.parquet` }
  await expect(
    writePartitionedFiles(
      batches(3, (offset) => offset % 3),
      io,
      { ...options, ...change },
    ),
  ).rejects.toThrow('the store is full')
  expect(ended.toSorted()).toEqual(['s3://w/0.parquet', 's3://w/1.parquet'])
})

test('nothing is written where there are no rows', async () => {
  const { written, files } = await write(batches(0, () => 0))
  expect([written, files.size]).toEqual([[], 0])
})

describe('rows of a sort order', () => {
  const order = (direction: 'asc' | 'desc'): PartitionedOptions['sortOrder'] => ({
    'order-id': 5,
    fields: [{ 'source-id': 3, transform: 'identity', direction, 'null-order': 'nulls-first' }],
  })

  test('are sorted in each partition’s file, and a table without partitions is one', async () => {
    const { found, written } = await write(
      batches(3, (offset) => offset % 2),
      { sortOrder: order('desc') },
    )
    expect(found.map(({ partition }) => partition)).toEqual([[0], [1]])
    for (const { offsets } of found) expect(offsets).toEqual(offsets.toSorted((a, b) => b - a))
    expect(written.map(({ sortOrderId }) => sortOrderId)).toEqual([5, 5])
    const { found: whole } = await write(
      batches(3, () => 1),
      { partition: [], sortOrder: order('desc') },
    )
    expect(whole.map(({ partition, offsets }) => [partition, offsets])).toEqual([[[], Array.from({ length: 30 }, (_, i) => 29 - i)]])
  })

  test('that would take more than the memory become several files, each of them sorted', async () => {
    const { found } = await write(
      batches(100, () => 1),
      { partition: [], sortOrder: order('desc'), openFilesBytes: 20_000 },
    )
    expect(found.length).toBeGreaterThan(2)
    expect(found.length).toBeLessThan(20)
    for (const { offsets } of found) expect(offsets).toEqual(offsets.toSorted((a, b) => b - a))
    expect(found.flatMap(({ offsets }) => offsets).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i))
  })

  test('that are more than a target become files that are in order among each other, too', async () => {
    const change = { partition: [], sortOrder: order('desc'), openFilesBytes: 100_000_000, targetFileSizeBytes: 20_000 }
    const { found, written } = await write(
      batches(10_000, (offset) => (offset * 7919) % 1_000_003),
      change,
    )
    expect(found.length).toBeGreaterThan(2)
    for (const { fileSizeInBytes } of written.slice(0, -1)) expect(fileSizeInBytes).toBeGreaterThan(20_000n)
    expect(found.flatMap(({ offsets }) => offsets)).toEqual(Array.from({ length: 100_000 }, (_, i) => 99_999 - i))
  })
})
