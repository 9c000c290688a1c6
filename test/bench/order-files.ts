import type { ColumnBatch } from '../../src/formats/arrow/vector.ts'
import type { NestedField } from '../../src/formats/iceberg/schema.ts'
import { type EncodedFile, ParquetFile } from '../../src/formats/parquet/encode/parquet-file.ts'
import { RowGroupWriter } from '../../src/formats/parquet/encode/row-group-writer.ts'
import { sourcesKey } from '../../src/pipeline/write/file-sources.ts'

/** Columns of the files: what Kafka gives, and an order's. Ids as a catalog gives them to a new table. */
export const orderFields: readonly NestedField[] = [
  { id: 1, name: 'kafka_topic', required: false, type: 'string' },
  { id: 2, name: 'kafka_partition', required: false, type: 'int' },
  { id: 3, name: 'kafka_offset', required: false, type: 'long' },
  { id: 4, name: 'kafka_timestamp', required: false, type: 'timestamptz' },
  { id: 5, name: 'kafka_key', required: false, type: 'binary' },
  { id: 6, name: 'order_id', required: false, type: 'string' },
  { id: 7, name: 'customer', required: false, type: 'long' },
  { id: 8, name: 'status', required: false, type: 'string' },
  { id: 9, name: 'amount', required: false, type: 'decimal(12, 2)' },
  { id: 10, name: 'discount', required: false, type: 'double' },
  { id: 11, name: 'note', required: false, type: 'string' },
  { id: 12, name: 'tags', required: false, type: { type: 'list', 'element-id': 14, 'element-required': false, element: 'string' } },
  { id: 13, name: 'p', required: false, type: 'int' },
]

const words =
  'deliver leave door ring bell twice before noon fragile glass handle carefully neighbour first floor back yard gift wrap'.split(' ')
const statuses = ['new', 'paid', 'packed', 'shipped', 'delivered', 'returned']

/** One file's bytes, and what a manifest says of it but for its path and its partition. */
export interface OrderFile {
  readonly partition: number
  readonly bytes: Uint8Array
  readonly encoded: EncodedFile
}

/** `count` files of about `bytes`, evenly in `partitions` partitions of the column `p`; the same every time. */
export function* orderFiles(count: number, bytes: number, partitions: number): Generator<OrderFile, void, undefined> {
  let seed = 42
  const random = (n: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return Math.floor((seed / 2 ** 32) * n)
  }
  // A row takes about this much once it is compressed.
  const rows = Math.max(1, Math.round(bytes / 33))
  for (let i = 0; i < count; i++) {
    const partition = i % partitions
    const writer = new RowGroupWriter(orderFields, { codec: 'zstd', pageSizeBytes: 1024 * 1024, dictionarySizeBytes: 2 * 1024 * 1024 })
    const file = new ParquetFile(orderFields)
    const chunks = [file.start()]
    writer.append(batch(rows, i, partition, random))
    chunks.push(...file.add(writer.finish()))
    const source = [
      {
        key: `orders/${partition}/segment-${String(i).padStart(20, '0')}.kfs`,
        etag: `"${i.toString(16).padStart(32, '0')}"`,
        topic: 'orders',
        partition,
        ranges: [[i * rows, (i + 1) * rows]],
      },
    ]
    const { tail, file: encoded } = file.finish(new Map([[sourcesKey, JSON.stringify(source)]]))
    yield { partition, bytes: Buffer.concat([...chunks, tail]), encoded }
  }
}

function batch(length: number, file: number, partition: number, random: (n: number) => number): ColumnBatch {
  const rows = Array.from({ length }, (_, i) => i)
  const whole = { length, nullCount: 0, validity: null } as const
  const bytes = (texts: readonly string[]) => {
    const data = Buffer.from(texts.join(''))
    let at = 0
    return {
      layout: 'bytes' as const,
      length: texts.length,
      nullCount: 0,
      validity: null,
      offsets: Int32Array.from([0, ...texts.map((text) => (at += text.length))]),
      data: new Uint8Array(data),
    }
  }
  const fixed = (values: Int32Array | BigInt64Array | Float64Array) => ({ layout: 'fixed' as const, ...whole, values })
  const note = () => Array.from({ length: random(8) }, () => words[random(words.length)]).join(' ')
  const tags = rows.map(() => random(4))
  let end = 0
  const amounts = new BigInt64Array(length * 2)
  for (const i of rows) amounts[2 * i] = BigInt(random(1_000_000))
  const validity = new Uint8Array((length + 7) >> 3)
  let nullCount = 0
  for (const i of rows)
    if (random(4) === 0) nullCount++
    else validity[i >> 3] |= 1 << (i & 7)
  return {
    length,
    columns: [
      bytes(rows.map(() => 'orders')),
      fixed(new Int32Array(length).fill(partition)),
      fixed(BigInt64Array.from(rows, (i) => BigInt(file * length + i))),
      fixed(BigInt64Array.from(rows, (i) => 1_790_000_000_000_000n + BigInt(file * length + i) * 1000n + BigInt(random(1000)))),
      bytes(rows.map(() => `customer-${random(100_000)}`)),
      bytes(rows.map(() => `${random(2 ** 31).toString(16)}-${random(2 ** 31).toString(16)}`)),
      fixed(BigInt64Array.from(rows, () => BigInt(random(100_000)))),
      bytes(rows.map(() => statuses[random(statuses.length)])),
      { layout: 'decimal', ...whole, values: amounts },
      { ...fixed(Float64Array.from(rows, () => random(30) / 100)), validity, nullCount },
      bytes(rows.map(note)),
      {
        layout: 'list',
        ...whole,
        offsets: Int32Array.from([0, ...tags.map((n) => (end += n))]),
        element: bytes(Array.from({ length: end }, () => words[random(words.length)])),
      },
      fixed(new Int32Array(length).fill(partition)),
    ],
  }
}
