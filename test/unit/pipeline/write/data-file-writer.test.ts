import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { zstdDecompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { DataFile } from '../../../../src/formats/iceberg/data-file.ts'
import { metricsModes } from '../../../../src/formats/iceberg/metrics-config.ts'
import { BytesBuilder } from '../../../../src/formats/arrow/builders/bytes.ts'
import { Int64Builder } from '../../../../src/formats/arrow/builders/numbers.ts'
import type { NestedField } from '../../../../src/formats/iceberg/schema.ts'
import type { RowBatch } from '../../../../src/pipeline/flow.ts'
import { writeDataFiles } from '../../../../src/pipeline/write/data-file-writer.ts'
import { at, refOf } from '../../service/segments.ts'
import { memoryIo } from './memory-io.ts'

const fields: NestedField[] = [
  { id: 3, name: 'offset', required: true, type: 'long' },
  { id: 7, name: 'value', required: false, type: 'binary' },
]

/** Row groups with ten rows each; the offset is the row's number, every tenth value is null. */
async function* groups(count: number): AsyncGenerator<RowBatch, void, undefined> {
  const [offsets, values] = [new Int64Builder(), new BytesBuilder()]
  for (let group = 0; group < count; group++) {
    offsets.clear()
    values.clear()
    for (let i = 0; i < 10; i++) {
      offsets.appendNumber(group * 10 + i)
      if (i === 9) values.appendNull()
      else values.append(Buffer.from(`value ${group * 10 + i}`), 0, 7)
    }
    const ranges = [[BigInt(group * 10), BigInt(group * 10 + 10)]] as const
    yield {
      columns: { length: 10, columns: [offsets.snapshot(), values.snapshot()] },
      sources: [{ at, segment: refOf(BigInt(Math.floor(group / 2) * 20)), ranges, rows: 10 }],
    }
  }
}

async function write(source: AsyncIterator<RowBatch>, targetFileSizeBytes: number) {
  const { io, files } = memoryIo()
  let next = 0
  const written = await writeDataFiles(source, io, {
    codec: 'zstd',
    pageSizeBytes: 1_048_576,
    dictionarySizeBytes: 1_048_576,
    fields,
    metricsModes: metricsModes({ fields }, {}, new Set([3, 7])),
    rowGroupBytes: 1,
    targetFileSizeBytes,
    newLocation: () => `s3://w/${next++}.parquet`,
  })
  return { written, files }
}

async function offsetsIn(bytes: Buffer): Promise<bigint[]> {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
  const rows = await parquetReadObjects({ file, compressors: { ZSTD: (page) => zstdDecompressSync(page) } })
  return rows.map(({ offset }) => offset as bigint)
}

const numbers = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => BigInt(start + i))

test('row groups become one file while it is below the target size', async () => {
  const { written, files } = await write(groups(3), 1_000_000)
  expect(written).toHaveLength(1)
  expect(await offsetsIn(files.get('s3://w/0.parquet')!)).toEqual(numbers(0, 30))
  expect(written[0]).toMatchObject<Partial<DataFile>>({
    content: 0,
    fileFormat: 'PARQUET',
    filePath: 's3://w/0.parquet',
    partition: [],
    recordCount: 30n,
    sortOrderId: 0,
  })
  expect(written[0].splitOffsets).toHaveLength(3)
  expect(written[0].fileSizeInBytes).toBe(BigInt(files.get('s3://w/0.parquet')!.length))
})

test('a file is closed when it has reached the target size, and the next one begins', async () => {
  const { written, files } = await write(groups(5), 1)
  expect(written.map(({ recordCount }) => recordCount)).toEqual([10n, 10n, 10n, 10n, 10n])
  expect((await Promise.all([...files.values()].map(offsetsIn))).flat()).toEqual(numbers(0, 50))
})

test('nothing is written where there are no rows', async () => {
  const { written, files } = await write(groups(0), 100)
  expect([written, files.size]).toEqual([[], 0])
})

test('metrics are those of the whole file, by the table’s field ids', async () => {
  const { written } = await write(groups(2), 1_000_000)
  expect(written[0].valueCounts).toEqual(
    new Map([
      [3, 20n],
      [7, 20n],
    ]),
  )
  expect(written[0].nullValueCounts).toEqual(
    new Map([
      [3, 0n],
      [7, 2n],
    ]),
  )
  const bound = (of: ReadonlyMap<number, Uint8Array> | undefined) => Buffer.from(of!.get(3)!).readBigInt64LE()
  expect([bound(written[0].lowerBounds), bound(written[0].upperBounds)]).toEqual([0n, 19n])
  expect(Buffer.from(written[0].lowerBounds!.get(7)!).toString()).toBe('value 0')
  expect([...written[0].columnSizes!.keys()]).toEqual([3, 7])
})

test('the sources stand in the file’s metadata: segment, ETag and the ranges that it decided, joined', async () => {
  const { files } = await write(groups(3), 1_000_000)
  const bytes = files.get('s3://w/0.parquet')!
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
  const { key_value_metadata: pairs } = await parquetMetadataAsync(file)
  expect(pairs).toEqual([
    {
      key: 'kafscale.processor.sources',
      value:
        '[{"key":"orders/0/segment-00000000000000000000.kfs","etag":"e0","topic":"orders","partition":0,"ranges":[[0,20]]},' +
        '{"key":"orders/0/segment-00000000000000000020.kfs","etag":"e20","topic":"orders","partition":0,"ranges":[[20,30]]}]',
    },
  ])
})

test('no more row groups are asked for than the store takes', async () => {
  let asked = 0
  async function* counted() {
    for await (const group of groups(10)) {
      asked++
      yield group
    }
  }
  const io = { write: async () => Promise.reject(new Error('full')), read: async () => Buffer.alloc(0), remove: async () => {} }
  const options = {
    codec: 'zstd',
    pageSizeBytes: 1,
    dictionarySizeBytes: 1,
    fields,
    metricsModes: new Map(),
    rowGroupBytes: 1,
    targetFileSizeBytes: 1,
    newLocation: () => 'x',
  } as const
  await expect(writeDataFiles(counted(), io, options)).rejects.toThrow('full')
  expect(asked).toBe(1)
})
