import { expect, test } from 'vitest'
import { WorkError } from '../../../src/model/failure.ts'
import type { TopicPartition } from '../../../src/model/topic-partition.ts'
import { takeSample } from '../../../src/service/feed/sampler.ts'
import { ObjectNotFound, type ObjectStore } from '../../../src/seams/object-store.ts'
import { at, batch, record } from './segments.ts'
import { world, type World } from './world.ts'

const options = { prefix: 'p/', graceMs: 10_000, maxBatchBytes: 64 * 1024 * 1024 }

function partitions(count: number): TopicPartition[] {
  return Array.from({ length: count }, (_, partition) => ({ topic: 'orders', partition }))
}

/** A sample once everything is past the grace age, and what it asked of the store. */
async function sampled(w: World, of: readonly TopicPartition[] = [at], change: Partial<ObjectStore> = {}) {
  await w.clock.advanceBy(60_000)
  const asked = { lists: 0, gets: [] as string[], ranges: [] as (number | undefined)[] }
  const source: ObjectStore = {
    ...w.seams.source,
    list(query) {
      asked.lists++
      return w.seams.source.list(query)
    },
    async get(key, how) {
      asked.gets.push(/(\d+)\/segment-0*(\d+)/.exec(key)!.slice(1).join(':'))
      asked.ranges.push(how?.range?.end)
      return (change.get ?? w.seams.source.get)(key, how)
    },
  }
  const sample = await takeSample(source, of, options)
  if ('readyInMs' in sample) throw new Error('expected a sample')
  return { sample, texts: sample.values.map((value) => Buffer.from(value.subarray(0, 20)).toString()), ...asked }
}

async function fill(w: World, to: TopicPartition, segments: number, records = 1): Promise<void> {
  for (let i = 0; i < segments; i++) await w.write(to, BigInt(i * records), [batch(BigInt(i * records), records)])
}

test('without a segment that is ready there is no sample yet', async () => {
  const w = world()
  expect(await takeSample(w.source, [], options)).toEqual({ readyInMs: null })
  expect(await takeSample(w.source, partitions(2), options)).toEqual({ readyInMs: null })
  await fill(w, at, 1)
  await w.clock.advanceBy(3000)
  await fill(w, { topic: 'orders', partition: 1 }, 1)
  expect(await takeSample(w.source, partitions(3), options)).toEqual({ readyInMs: 7000 })
  await w.clock.advanceBy(7000)
  expect(await takeSample(w.source, [at], options)).toMatchObject({ records: 1, nulls: 0, segments: 1, exhausted: true })
})

test('of a topic-partition the first, the middle and the last segment are read, once each', async () => {
  const w = world()
  await fill(w, at, 9)
  const { texts, gets, sample } = await sampled(w)
  expect(texts).toEqual(['v0', 'v4', 'v8'])
  expect(gets).toEqual(['0:0', '0:4', '0:8'])
  expect(sample).toMatchObject({ records: 3, segments: 3, exhausted: false })
})

test('of many topic-partitions sixteen are looked into, the first and the last among them', async () => {
  const w = world()
  const all = partitions(46)
  for (const one of all) await fill(w, one, 1)
  const { gets, lists, sample } = await sampled(w, all)
  expect(gets).toEqual(Array.from({ length: 16 }, (_, i) => `${i * 3}:0`))
  expect(lists).toBe(16)
  expect(sample.exhausted).toBe(false)
})

test('where sixteen of them are empty, the others are looked into', async () => {
  const w = world()
  await fill(w, { topic: 'orders', partition: 1 }, 1)
  const { texts, lists, sample } = await sampled(w, partitions(40))
  expect(texts).toEqual(['v0'])
  expect(lists).toBe(32)
  expect(sample.exhausted).toBe(false)
})

test('each segment has its share of ten thousand values', async () => {
  const w = world()
  for (const one of partitions(16)) await fill(w, one, 3, 700)
  const { sample } = await sampled(w, partitions(16))
  expect(sample.records).toBe(10_000)
  expect(sample.segments).toBe(48)
  const alone = world()
  await fill(alone, at, 2, 1500)
  expect((await sampled(alone)).texts).toEqual(
    [...Array(1000).keys()].flatMap((i) => `v${i}`).concat([...Array(1000).keys()].map((i) => `v${1500 + i}`)),
  )
})

test('what one segment leaves, the next ones may take', async () => {
  const w = world()
  for (const one of partitions(16)) await fill(w, one, 3, one.partition < 15 ? 1 : 1000)
  expect((await sampled(w, partitions(16))).sample.records).toBe(3045)
})

test('all values together have at most 16 MiB, save a larger one by itself', async () => {
  const w = world()
  const large = 'x'.repeat(3 * 1024 * 1024)
  for (let i = 0; i < 9; i++) await w.write({ topic: 'orders', partition: i }, 0n, [batch(0n, [record(large), record('y')])])
  const { sample } = await sampled(w, partitions(9))
  expect(sample.values.map((value) => value.length)).toEqual(Array(5).fill(large.length))
  const one = world()
  await one.write(at, 0n, [batch(0n, [record('x'.repeat(17 * 1024 * 1024)), record('y')])])
  expect((await sampled(one)).sample.values.map((value) => value.length)).toEqual([17 * 1024 * 1024])
})

test('of a large segment the first 4 MiB are read, and more only for its first batch', async () => {
  const w = world()
  const half = 'x'.repeat(2 * 1024 * 1024)
  await w.write(at, 0n, [batch(0n, [record('a')]), batch(1n, [record(half)]), batch(2n, [record(half)])])
  const { texts, ranges } = await sampled(w)
  expect(texts.map((text) => text[0])).toEqual(['a', 'x'])
  expect(ranges).toEqual([4 * 1024 * 1024])
  const wide = world()
  await wide.write(at, 0n, [batch(0n, [record(half + half + half)]), batch(1n, [record('b')])])
  const found = await sampled(wide)
  expect(found.sample.values.map((value) => value.length)).toEqual([half.length * 3])
  expect(found.ranges).toEqual([4 * 1024 * 1024, expect.any(Number)])
})

test('tombstones are no values, and where there is nothing else the other segments are looked into', async () => {
  const w = world()
  for (let i = 0; i < 9; i++) await w.write(at, BigInt(i), [batch(BigInt(i), [record(i === 6 ? 'v' : null)])])
  const { texts, gets, sample } = await sampled(w)
  expect(gets).toEqual(['0:0', '0:4', '0:8', '0:1', '0:2', '0:3', '0:5', '0:6', '0:7'])
  expect(texts).toEqual(['v'])
  expect(sample).toMatchObject({ records: 9, nulls: 8, segments: 9, exhausted: true })
})

test('after 32 further segments without a value the sample is given as empty', async () => {
  const w = world()
  for (let i = 0; i < 60; i++) await w.write(at, BigInt(i), [batch(BigInt(i), [record(null)])])
  const { gets, sample } = await sampled(w)
  expect(gets).toHaveLength(35)
  expect(sample).toEqual({ values: [], records: 35, nulls: 35, segments: 35, exhausted: false })
})

test('damaged segments are left out, and no error', async () => {
  const w = world()
  await fill(w, at, 2)
  await w.write(at, 2n, [Buffer.from('no batch at all, and nothing like one')])
  const { texts, sample } = await sampled(w)
  expect(texts).toEqual(['v0', 'v1'])
  expect(sample).toMatchObject({ segments: 3, exhausted: false })
})

test('segments that went since they were listed are passed over; where all of them went, that is said', async () => {
  const w = world()
  await fill(w, at, 3)
  const gone = async (key: string): Promise<never> => {
    throw new ObjectNotFound(key)
  }
  const some = await sampled(w, [at], { get: (key, how) => (key.endsWith('0.kfs') ? gone(key) : w.source.get(key, how)) })
  expect(some.texts).toEqual(['v1', 'v2'])
  expect(some.sample.exhausted).toBe(false)
  await expect(sampled(w, [at], { get: gone })).rejects.toThrow('segments that were listed are gone')
})

test('a store that refuses every segment is heard; what may pass is thrown at once', async () => {
  const w = world()
  await fill(w, at, 3)
  const refuse = (retry: 'never' | 'later', only = '') => ({
    async get(key: string, how: Parameters<ObjectStore['get']>[1]) {
      if (key.includes(only)) throw new WorkError(`no ${retry}`, { retry })
      return w.source.get(key, how)
    },
  })
  await expect(sampled(w, [at], refuse('never'))).rejects.toThrow('no never')
  expect((await sampled(w, [at], refuse('never', '1.kfs'))).texts).toEqual(['v0', 'v2'])
  await expect(sampled(w, [at], refuse('later', '1.kfs'))).rejects.toThrow('no later')
})

test('the same bucket gives the same sample', async () => {
  const w = world()
  for (const one of partitions(20)) await fill(w, one, 7, 30)
  expect((await sampled(w, partitions(20))).sample).toEqual((await sampled(w, partitions(20))).sample)
})
