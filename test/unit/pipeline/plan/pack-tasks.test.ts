import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lastOffset, type OffsetRange, subtractRanges } from '../../../../src/model/offset-range.ts'
import type { Task, TaskPart } from '../../../../src/model/task.ts'
import { packTasks, type PackOptions } from '../../../../src/pipeline/plan/pack-tasks.ts'
import { refOf } from '../../service/segments.ts'

const options: PackOptions = { maxTaskBytes: 1000, maxTaskSegments: 100, parallelism: 1, minTaskBytes: 1 }

function run(partition: number, sizes: readonly number[], more: Partial<TaskPart> = {}): TaskPart {
  const segments = sizes.map((size, i) => refOf(BigInt(i * 10), size))
  return { at: { topic: 't', partition }, follows: null, segments, startOffset: 0n, decided: [], nextBaseOffset: null, ...more }
}

function pack(runs: readonly TaskPart[], changed: Partial<PackOptions> = {}): Task[] {
  return packTasks('s3://bucket/', 'table', runs, { ...options, ...changed })
}

/** Each task as `partition:offset,offset …`. */
function shape(tasks: readonly Task[]): string[] {
  return tasks.map(({ parts }) =>
    parts.map(({ at, segments }) => `${at.partition}:${segments.map(({ baseOffset }) => baseOffset).join(',')}`).join(' '),
  )
}

describe('size', () => {
  test('quiet partitions share a task', () => {
    expect(shape(pack([run(0, [10, 10]), run(1, [10]), run(2, [10])]))).toEqual(['0:0,10 1:0 2:0'])
  })

  test('a task is cut before the segment that would pass its size', () => {
    const tasks = pack([run(0, [400, 400, 400, 400, 400])])
    expect(shape(tasks)).toEqual(['0:0,10', '0:20,30', '0:40'])
    expect(tasks.map(({ bytes }) => bytes)).toEqual([800, 800, 400])
  })

  test('a segment larger than a task is a task alone', () => {
    expect(shape(pack([run(0, [5, 5000, 5])]))).toEqual(['0:0', '0:10', '0:20'])
  })

  test('a task is cut by the number of its segments', () => {
    expect(shape(pack([run(0, [1, 1, 1]), run(1, [1, 1])], { maxTaskSegments: 2 }))).toEqual(['0:0,10', '0:20 1:0', '1:10'])
  })

  test('work is spread over the workers while each share is worth a task', () => {
    expect(pack([run(0, Array<number>(10).fill(10))], { parallelism: 5 })).toHaveLength(5)
    expect(pack([run(0, Array<number>(10).fill(10))], { parallelism: 5, minTaskBytes: 50 })).toHaveLength(2)
  })

  test('nothing is no task', () => {
    expect(pack([])).toEqual([])
  })
})

describe('slices of one run', () => {
  test('each follows the last segment of the one before, and ends where the next begins', () => {
    const parts = pack([run(0, [600, 600, 600], { follows: -7n, nextBaseOffset: 99n })]).map((task) => task.parts[0])
    expect(parts.map(({ follows, nextBaseOffset }) => [follows, nextBaseOffset])).toEqual([
      [-7n, 10n],
      [0n, 20n],
      [10n, 99n],
    ])
  })

  test('each keeps what is decided and where the topic-partition begins', () => {
    const parts = pack([run(0, [600, 600], { decided: [[3n, 5n]], startOffset: 2n })]).map((task) => task.parts[0])
    expect(parts.map(({ decided, startOffset }) => ({ decided, startOffset }))).toEqual(
      [0, 1].map(() => ({ decided: [[3n, 5n]], startOffset: 2n })),
    )
  })
})

describe('ids', () => {
  const [task] = pack([run(0, [5, 5]), run(1, [5])])

  test('the same plan has the same id', () => {
    expect(pack([run(0, [5, 5]), run(1, [5])])[0].id).toBe(task.id)
  })

  test.each([
    ['another segment', pack([run(0, [5, 5, 5]), run(1, [5])])],
    ['another partition', pack([run(0, [5, 5]), run(2, [5])])],
    ['the same segments in other partitions', pack([run(0, [5]), run(1, [5, 5])])],
    ['other bytes under the same key', pack([{ ...run(0, []), segments: [refOf(0n, 5), refOf(10n, 5, 'other')] }, run(1, [5])])],
    ['another table', packTasks('s3://bucket/', 'other', [run(0, [5, 5]), run(1, [5])], options)],
    ['another source', packTasks('s3://other/', 'table', [run(0, [5, 5]), run(1, [5])], options)],
  ])('%s has another id', (_what, [other]) => {
    expect(other.id).not.toBe(task.id)
  })

  test('of history the same segments are another task where other offsets of them are wanted', () => {
    const idOf = (...wanted: OffsetRange[]) =>
      pack([run(0, [5, 5], { history: true, decided: subtractRanges([[0n, lastOffset]], wanted), nextBaseOffset: 20n })])[0].id
    expect(idOf([3n, 6n])).toBe(idOf([3n, 6n]))
    expect(idOf([3n, 6n], [12n, 14n])).not.toBe(idOf([3n, 6n]))
    // Behind them it makes no difference.
    expect(idOf([3n, 6n], [25n, 30n])).toBe(idOf([3n, 6n]))
  })
})

test('every segment is in exactly one part, in order, and no task passes its bounds', () => {
  const runs = fc.array(fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 12 }), { maxLength: 6 })
  const bounds = fc.record({
    maxTaskBytes: fc.integer({ min: 1, max: 2000 }),
    maxTaskSegments: fc.integer({ min: 1, max: 9 }),
    parallelism: fc.integer({ min: 1, max: 8 }),
    minTaskBytes: fc.integer({ min: 1, max: 900 }),
  })
  fc.assert(
    fc.property(runs, bounds, (sizes, packing) => {
      const planned = sizes.map((of, partition) => run(partition, of))
      const tasks = pack(planned, packing)
      const parts = tasks.flatMap((task) => task.parts)
      expect(parts.flatMap(({ at, segments }) => segments.map((segment) => [at.partition, segment.baseOffset]))).toEqual(
        planned.flatMap(({ at, segments }) => segments.map((segment) => [at.partition, segment.baseOffset])),
      )
      expect(new Set(tasks.map(({ id }) => id)).size).toBe(tasks.length)
      for (const task of tasks) {
        const segments = task.parts.flatMap((part) => part.segments)
        expect(task.parts.every((part) => part.segments.length > 0)).toBe(true)
        expect(segments.length).toBeLessThanOrEqual(packing.maxTaskSegments)
        expect(task.bytes).toBe(segments.reduce((sum, { size }) => sum + size, 0))
        if (segments.length > 1) expect(task.bytes).toBeLessThanOrEqual(Math.max(packing.maxTaskBytes, packing.minTaskBytes))
      }
      for (const [i, part] of parts.entries()) {
        const before = parts[i - 1]
        const follows = before?.at.partition === part.at.partition ? before.segments.at(-1)!.baseOffset : null
        expect(part.follows).toBe(follows)
      }
    }),
  )
})
