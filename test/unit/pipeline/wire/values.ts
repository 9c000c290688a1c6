import fc from 'fast-check'
import type { DataFile, SingleValue } from '../../../../src/formats/iceberg/data-file.ts'
import { fileKey } from '../../../../src/formats/iceberg/file-key.ts'
import type { Fault } from '../../../../src/model/failure.ts'
import type { OffsetRange } from '../../../../src/model/offset-range.ts'
import type { SegmentRef } from '../../../../src/model/segment.ts'
import type { TaskPart } from '../../../../src/model/task.ts'
import type { TopicPartition } from '../../../../src/model/topic-partition.ts'
import type { PartEnd, TranslatedPart } from '../../../../src/model/translated-part.ts'
import type { RewritePayload } from '../../../../src/service/tasks/rewrite-task.ts'
import type { FeedPayload } from '../../../../src/service/tasks/task-payload.ts'

/*
 * Values of every kind that travel between processes.
 */

const offset = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })
const at: fc.Arbitrary<TopicPartition> = fc.record({ topic: fc.string({ unit: 'grapheme' }), partition: fc.nat() })
const range: fc.Arbitrary<OffsetRange> = fc.tuple(offset, offset)
const ranges = fc.array(range, { maxLength: 3 })
const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null })
const follows = { follows: orNull(offset), followsEtag: fc.string() }
const required = ['follows'] as const

const segment: fc.Arbitrary<SegmentRef> = fc.record(
  {
    key: fc.string({ unit: 'grapheme' }),
    baseOffset: offset,
    size: fc.nat(),
    etag: fc.string(),
    lastModifiedMs: fc.maxSafeNat(),
    settled: fc.boolean(),
    writtenTo: offset,
  },
  { requiredKeys: ['key', 'baseOffset', 'size', 'etag', 'lastModifiedMs', 'settled'] },
)

const part: fc.Arbitrary<TaskPart> = fc
  .tuple(
    fc.record({
      at,
      segments: fc.array(segment, { minLength: 1, maxLength: 3 }),
      startOffset: offset,
      decided: ranges,
      nextBaseOffset: orNull(offset),
    }),
    fc.record(follows, { requiredKeys: [...required] }),
  )
  .map(([rest, before]) => ({ ...rest, ...before }))

export const payload: fc.Arbitrary<FeedPayload> = fc.record({
  table: fc.string(),
  task: fc.record({ id: fc.string(), parts: fc.array(part, { maxLength: 3 }), bytes: fc.nat() }),
  target: fc.record(
    {
      dataDirectory: fc.string(),
      properties: fc.dictionary(
        fc.string().filter((key) => key !== '__proto__'),
        fc.string(),
        { noNullPrototype: true },
      ),
      layout: fc.constant({
        columns: [{ role: 'offset' as const, field: { id: 3, name: 'kafka_offset', required: true, type: 'long' as const } }],
        keyFormat: 'binary' as const,
        valueFormat: 'json' as const,
        record: { columns: [{ path: ['a'], shape: { kind: 'decimal' as const, precision: 9, scale: 2 }, required: false }] },
        missing: ['gone'],
      }),
      partition: fc.constant([
        { transform: 'bucket[16]', type: 'long', path: [1, 0] },
        { transform: 'void', type: 'int', path: null },
      ] as const),
      onError: fc.constantFrom('stop', 'skip'),
      oldMessageFormats: fc.constant('convert'),
    },
    { requiredKeys: ['dataDirectory', 'properties', 'layout', 'onError'] },
  ),
})

const bytes = fc.uint8Array({ maxLength: 20 }).map((array) => new Uint8Array(array))
const mapOf = <T>(value: fc.Arbitrary<T>) => fc.array(fc.tuple(fc.nat(), value), { maxLength: 3 }).map((pairs) => new Map(pairs))
const single: fc.Arbitrary<SingleValue> = fc.oneof(fc.boolean(), fc.double(), offset, fc.string(), bytes, fc.constant(null))

export const dataFile: fc.Arbitrary<DataFile> = fc.record(
  {
    content: fc.constantFrom(0, 1, 2),
    filePath: fc.string(),
    fileFormat: fc.constantFrom('PARQUET', 'AVRO'),
    partition: fc.array(single, { maxLength: 3 }),
    recordCount: offset,
    fileSizeInBytes: offset,
    columnSizes: mapOf(offset),
    valueCounts: mapOf(offset),
    nullValueCounts: mapOf(offset),
    nanValueCounts: mapOf(offset),
    lowerBounds: mapOf(bytes),
    upperBounds: mapOf(bytes),
    keyMetadata: bytes,
    splitOffsets: fc.array(offset, { maxLength: 3 }),
    equalityIds: fc.array(fc.nat(), { maxLength: 3 }),
    sortOrderId: fc.nat(),
    firstRowId: offset,
    referencedDataFile: fc.string(),
    contentOffset: offset,
    contentSizeInBytes: offset,
  },
  { requiredKeys: ['content', 'filePath', 'fileFormat', 'partition', 'recordCount', 'fileSizeInBytes'] },
)

const place = { specId: fc.nat(), sequenceNumber: offset }

export const rewritePayload: fc.Arbitrary<RewritePayload> = fc
  .record({
    table: fc.string(),
    id: fc.string(),
    files: fc.array(fc.record({ file: dataFile, ...place, fileSequenceNumber: orNull(offset), snapshotId: orNull(offset) }), {
      minLength: 1,
      maxLength: 3,
    }),
    deletes: fc.uniqueArray(fc.record({ file: dataFile, ...place }), { selector: ({ file }) => fileKey(file), maxLength: 3 }),
    partition: fc.array(single, { maxLength: 2 }),
    order: fc.record({
      tableUuid: fc.uuid(),
      targetFileSizeBytes: fc.nat(),
      sortOrder: fc.constantFrom(null, { 'order-id': 1, fields: [] }),
      exemptIds: fc.array(fc.nat()),
    }),
    group: fc.record(place),
  })
  .map(({ table, id, files, deletes, partition, order, group }) => ({
    table,
    task: { id, parts: [], bytes: 1 },
    rewrite: {
      ...order,
      group: {
        ...group,
        partition,
        inputs: files.map((live, i) => ({ live: { ...live, file: { ...live.file, partition } }, deletes: deletes.slice(i) })),
      },
    },
  }))

const fault: fc.Arbitrary<Fault> = fc.record({
  kind: fc.constantFrom('crc', 'magic', 'length', 'malformed'),
  position: fc.nat(),
  offset,
  message: fc.string(),
})

const ended: fc.Arbitrary<PartEnd> = fc.oneof(
  fc.record({ kind: fc.constant('fault' as const), segment, fault, awaitsNext: fc.boolean() }),
  fc.record({ kind: fc.constant('unreadable' as const), segment, reason: fc.string() }),
  fc.record({ kind: fc.constantFrom('changed', 'unsettled'), segment }),
)

const counts = fc.record({
  rows: fc.nat(),
  control: fc.nat(),
  skipped: fc.nat(),
  clipped: fc.nat(),
  repeated: fc.nat(),
  transactional: fc.nat(),
})

export const translatedPart: fc.Arbitrary<TranslatedPart> = fc
  .tuple(
    fc.record({
      at,
      first: segment,
      last: orNull(segment),
      ranges,
      gaps: ranges,
      maxTimestampMs: orNull(fc.maxSafeInteger()),
      counts,
      skips: fc.array(fc.record({ segment, range, fault }), { maxLength: 2 }),
      control: ranges,
      rescued: fc.record({ records: fc.nat(), paths: fc.constant({ '$.a': 3, "$['b c']": 1 }), otherPaths: fc.nat() }),
      ended: orNull(ended),
    }),
    fc.record(follows, { requiredKeys: [...required] }),
  )
  .map(([rest, before]) => ({ ...rest, ...before }))
