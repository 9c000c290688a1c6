import { expect, test } from 'vitest'
import { ColumnsPool } from '../../../../src/pipeline/decode/columns-pool.ts'
import { RecordFrames } from '../../../../src/formats/kafka/record-frames.ts'
import { decodeRecords } from '../../../../src/formats/kafka/records.ts'
import { headerOf } from '../../formats/kafka/batch.ts'
import { batch, record } from '../../service/segments.ts'
import { layoutOf } from './decoding.ts'

test('columns that were given back are taken again, empty, by who fills the same columns', () => {
  const pool = new ColumnsPool()
  const columns = pool.take(layoutOf())
  columns.append({ topic: 't', partition: 0 }, Buffer.from('t'), 0n, oneRecord(), 0, 1)
  expect(columns.length).toBe(1)
  pool.giveBack(layoutOf(), columns)
  expect(pool.take(layoutOf())).toBe(columns)
  expect([columns.length, columns.byteLength]).toEqual([0, 0])
})

test('columns have one user at a time', () => {
  const pool = new ColumnsPool()
  const columns = pool.take(layoutOf())
  expect(pool.take(layoutOf())).not.toBe(columns)
  pool.giveBack(layoutOf(), columns)
  expect([pool.take(layoutOf()), pool.take(layoutOf())].filter((taken) => taken === columns)).toHaveLength(1)
})

test('another layout has other columns', () => {
  const pool = new ColumnsPool()
  const columns = pool.take(layoutOf())
  pool.giveBack(layoutOf(), columns)
  expect(pool.take(layoutOf({ key: 'string' }))).not.toBe(columns)
})

test('few columns are kept, those that were used last', () => {
  const pool = new ColumnsPool()
  const taken = Array.from({ length: 3 }, () => pool.take(layoutOf()))
  for (const columns of taken) pool.giveBack(layoutOf(), columns)
  const again = Array.from({ length: 3 }, () => pool.take(layoutOf()))
  expect(taken.map((columns) => again.includes(columns))).toEqual([false, true, true])
})

function oneRecord(): RecordFrames {
  const bytes = batch(0n, [record('x')])
  const frames = new RecordFrames()
  decodeRecords(bytes, headerOf(bytes), { maxBatchBytes: 1000 }, frames)
  return frames
}
