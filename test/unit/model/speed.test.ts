import { describe, expect, test } from 'vitest'
import type { Task } from '../../../src/model/task.ts'
import { decodeSpeed, encodeSpeed, paceOf, secondsFor, type Speed, speedWith } from '../../../src/model/speed.ts'

const MiB = 1024 * 1024

/** A task of so many equal segments. */
function task(segments: number, bytes: number): Task {
  const part = { segments: Array.from({ length: segments }, () => ({})) }
  return { id: 't', parts: [part], bytes } as unknown as Task
}

describe('the speed of a table', () => {
  test('is what its larger tasks took, over commits that had some', () => {
    const first = speedWith(null, [
      { task: task(1, 64 * MiB), tookMs: 4000 },
      { task: task(2, 64 * MiB), tookMs: 4200 },
      { task: task(1, 1000), tookMs: 300 },
    ])
    expect(first).toEqual({ commits: 1, segments: 3, bytes: 128 * MiB, ms: 8200 })
    expect(speedWith(first, [{ task: task(1, 1000), tookMs: 300 }])).toBe(first)
    expect(speedWith(first, [{ task: task(1, 64 * MiB) }])).toBe(first)
    expect(speedWith(first, [{ task: task(200, 20_000), tookMs: 500 }])).toEqual({
      commits: 2,
      segments: 203,
      bytes: 128 * MiB + 20_000,
      ms: 8700,
    })
  })

  test('is that of the last commits: what was long ago is outweighed', () => {
    const after = (commits: number, before: Speed | null, tookMs: number) => {
      let speed = before
      for (let i = 0; i < commits; i++) speed = speedWith(speed, [{ task: task(1, 32 * MiB), tookMs }])
      return speed!
    }
    const slow = after(500, null, 10_000)
    expect(slow.commits).toBeLessThanOrEqual(20)
    expect(slow.ms / slow.commits).toBeCloseTo(10_000, -1)
    const fast = after(60, slow, 1000)
    expect(fast.ms / (fast.bytes / MiB) / (1000 / 32)).toBeLessThan(1.3)
  })

  test('survives a summary, and what is none is no speed', () => {
    const speed = { commits: 3, segments: 17, bytes: 123_456_789, ms: 4321 }
    expect(decodeSpeed(encodeSpeed(speed))).toEqual(speed)
    for (const text of [
      undefined,
      '',
      '{}',
      '{"commits":1,"segments":0,"bytes":0,"ms":5}',
      '{"commits":1,"segments":1,"bytes":1,"ms":0}',
      'x',
    ]) {
      expect(decodeSpeed(text)).toBeNull()
    }
  })
})

describe('the time of work', () => {
  const work = { bytes: 320 * MiB, segments: 0 }

  test('is by the benchmark where the table has no speed', () => {
    expect(secondsFor(work, null, 3)).toBe(10)
    expect(paceOf(null)).toEqual({ by: 'benchmark' })
  })

  test('is by its speed and the tasks at once where it has', () => {
    const speed = { commits: 2, segments: 0, bytes: 32 * MiB, ms: 4000 }
    expect(secondsFor(work, speed, 1)).toBe(40)
    expect(secondsFor(work, speed, 4)).toBe(10)
    expect(secondsFor({ bytes: 0, segments: 0 }, speed, 0)).toBe(0)
    expect(paceOf(speed)).toEqual({ by: 'commits', commits: 2 })
  })

  test('of small segments is by their number, whatever sizes the speed was measured with', () => {
    // Twice as slow as the benchmark, in bytes as in segments.
    const speed = { commits: 1, segments: 0, bytes: 32 * MiB, ms: 2000 }
    expect(secondsFor({ bytes: 0, segments: 5000 }, speed, 1)).toBe(20)
  })
})
