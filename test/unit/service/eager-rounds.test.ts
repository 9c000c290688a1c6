import { expect, test } from 'vitest'
import { EagerRounds } from '../../../src/service/feed/eager-rounds.ts'

const interval = 60_000
const due = 0

/** Tells of something new and makes the round when it is due; returns when that was. */
function round(eager: EagerRounds, nowMs: number, commitDueMs: number): number {
  eager.tell(nowMs)
  const atMs = eager.dueMs(nowMs, commitDueMs)
  eager.begin(atMs)
  if (atMs < commitDueMs) eager.spend()
  return atMs - nowMs
}

test('nothing is due before something is told, and not after the round that saw it', () => {
  const eager = new EagerRounds(interval, 0)
  expect(eager.dueMs(0, due)).toBe(Infinity)
  round(eager, 0, due)
  expect(eager.dueMs(1000, due)).toBe(Infinity)
})

test('what is told is seen within a second, and what is told meanwhile with it', () => {
  const eager = new EagerRounds(interval, 0)
  eager.tell(1000)
  eager.tell(1150)
  expect(eager.dueMs(1150, due)).toBe(1200)
})

test('rounds are half a second apart', () => {
  const eager = new EagerRounds(interval, 0)
  expect(round(eager, 0, due)).toBe(200)
  expect(round(eager, 250, due)).toBe(450)
})

test('after a few rounds that must wait for their commit, the next comes with it', () => {
  const eager = new EagerRounds(interval, 0)
  const waits = [0, 1000, 2000, 3000, 4000].map((nowMs) => round(eager, nowMs, 50_000))
  expect(waits.slice(0, 4).every((ms) => ms < 1000)).toBe(true)
  expect(waits[4]).toBe(46_000)
})

test('with a steady topic at most one interval in four has a round of its own', () => {
  const eager = new EagerRounds(interval, 0)
  let early = 0
  for (let nowMs = 0; nowMs < 100 * interval; nowMs += 1000) {
    const commitDueMs = nowMs - (nowMs % interval) + interval
    eager.tell(nowMs)
    if (eager.dueMs(nowMs, commitDueMs) > nowMs + 1000) continue
    eager.begin(nowMs)
    if (nowMs + 1000 >= commitDueMs) continue
    eager.spend()
    early++
  }
  expect(early).toBeLessThanOrEqual(4 + 25)
  expect(early).toBeGreaterThan(20)
})

test('rounds whose rows are committed at once are always made', () => {
  const eager = new EagerRounds(1000, 0)
  for (let nowMs = 0; nowMs < 100_000; nowMs += 1000) expect(round(eager, nowMs, nowMs)).toBeLessThan(1000)
})
