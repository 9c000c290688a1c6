import { expect, test } from 'vitest'
import { RecordFrames } from '../../../../src/formats/kafka/record-frames.ts'
import { decodeRecords } from '../../../../src/formats/kafka/records.ts'
import { TableColumns } from '../../../../src/pipeline/decode/table-columns.ts'
import type { TableLayout } from '../../../../src/pipeline/flow.ts'
import { headerOf } from '../../formats/kafka/batch.ts'
import { valuesOf } from '../../formats/arrow/values.ts'
import { at, batch, record } from '../../service/segments.ts'
import { layoutOf } from './decoding.ts'

const topic = Buffer.from(at.topic)

function filled(layout: TableLayout, records = [record('x', { key: Buffer.of(0xff), headers: [{ key: 'h', value: null }] })]) {
  const bytes = batch(3n, records)
  const frames = new RecordFrames()
  expect(decodeRecords(bytes, headerOf(bytes), { maxBatchBytes: 1000 }, frames)).toBeNull()
  const columns = new TableColumns(layout)
  return { columns, bad: columns.append(at, topic, 3n, frames, 0, frames.count), frames }
}

test('columns come in the order of the table', () => {
  const { columns } = filled(layoutOf({}, ['value', 'offset', 'partition', 'topic']))
  expect(columns.snapshot().columns.map(valuesOf)).toEqual([[Buffer.from('x')], [3n], [0], [topic]].map((column) => column.map(plain)))
})

test('a column that the table lacks is not checked and not kept', () => {
  const { columns, bad } = filled(layoutOf({ key: 'string' }, ['topic', 'partition', 'offset', 'value']))
  expect(bad).toBeNull()
  expect(columns.snapshot().columns).toHaveLength(4)
})

test('a record that can not be held leaves the columns at equal length, without it', () => {
  const { columns, bad } = filled(layoutOf({ key: 'string' }), [record('a'), record('b', { key: Buffer.of(0xff) }), record('c')])
  expect(bad).toMatchObject({ index: 1, part: 'key' })
  expect(columns.length).toBe(1)
  expect(columns.snapshot().columns.map(({ length }) => length)).toEqual([1, 1, 1, 1, 1, 1, 1])
})

test('cleared columns are empty, and fill again', () => {
  const { columns, frames } = filled(layoutOf())
  expect(columns.byteLength).toBeGreaterThan(0)
  columns.clear()
  expect([columns.length, columns.byteLength]).toEqual([0, 0])
  columns.append(at, topic, 9n, frames, 0, 1)
  expect(valuesOf(columns.snapshot().columns[2])).toEqual([9n])
  expect(valuesOf(columns.snapshot().columns[5])).toHaveLength(1)
})

test('a partition is a number of 64 bits and a timestamp its milliseconds, where others made the columns so', () => {
  const layout = layoutOf({}, ['partition', 'timestamp'])
  const columns = layout.columns.map((column) => ({ ...column, field: { ...column.field, type: 'long' as const } }))
  const records = [record('a', { timestampMs: 4n }), record('b', { timestampMs: -1n })]
  const filledColumns = filled({ ...layout, columns }, records).columns
  expect(filledColumns.snapshot().columns.map(valuesOf)).toEqual([
    [0n, 0n],
    [4n, null],
  ])
  expect(filledColumns.takeMaxTimestampMs()).toBe(4)
})

test('the highest timestamp is told once', () => {
  const { columns } = filled(layoutOf(), [record('a', { timestampMs: 4n }), record('b', { timestampMs: 2n })])
  expect([columns.takeMaxTimestampMs(), columns.takeMaxTimestampMs()]).toEqual([4, null])
})

function plain(value: unknown): unknown {
  return value instanceof Uint8Array ? new Uint8Array(value) : value
}
