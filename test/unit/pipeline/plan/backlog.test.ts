import { describe, expect, test } from 'vitest'
import { afterListing, type Backlog, beyondFrontier, hasReadable, lagOf } from '../../../../src/pipeline/plan/backlog.ts'
import type { Listing } from '../../../../src/pipeline/plan/list-segments.ts'
import { planTail } from '../../../../src/pipeline/plan/plan-tail.ts'
import { at } from '../../service/segments.ts'
import { graceMs, listedAtMs, object, pair as pairOf } from './objects.ts'

function listing(objects: Listing['objects'], complete = true): Listing {
  return { objects, listedAtMs, complete }
}

/** The backlog after a listing from `from` on. */
function after(before: Backlog | undefined, from: bigint | null, found: Listing): Backlog {
  const cursor = from === null ? null : { baseOffset: from, etag: `e${from}`, lastModifiedMs: 0 }
  return afterListing(before, from, found, planTail(at, { cursor, follows: from }, { decided: [], startOffset: 0n }, found, graceMs))
}

const offsetsOf = ({ segments }: Backlog) => segments.map(({ baseOffset }) => baseOffset)

describe('what was listed and is not in the table', () => {
  test('holds what can be read, and what is too young or has no index yet', () => {
    const found = listing([...pair(0n), ...pair(5n, 5), object(9, 'kfs', { ageMs: 1000 })])
    const backlog = after(undefined, null, found)
    expect(offsetsOf(backlog)).toEqual([0n, 5n, 9n])
    expect(backlog.unreadableFrom).toBe(5n)
    expect(hasReadable(backlog)).toBe(true)
    expect(hasReadable(beyondFrontier(backlog, 0n))).toBe(false)
  })

  test('keeps what is under way when only what follows is listed', () => {
    const first = after(undefined, null, listing([...pair(0n), ...pair(5n)], false))
    const second = after(first, 5n, listing([...pair(5n), ...pair(8n)]))
    expect(offsetsOf(second)).toEqual([0n, 5n, 8n])
    expect([first.complete, second.complete]).toEqual([false, true])
    expect(offsetsOf(after(second, 5n, listing([...pair(5n), ...pair(8n)])))).toEqual([0n, 5n, 8n])
  })

  test('begins anew where planning begins anew', () => {
    const before = after(undefined, null, listing([...pair(0n), ...pair(5n)]))
    expect(offsetsOf(after(before, null, listing(pair(7n))))).toEqual([7n])
  })

  test('loses what the frontier has passed', () => {
    const backlog = after(undefined, null, listing([...pair(0n), ...pair(5n), ...pair(8n)]))
    expect(offsetsOf(beyondFrontier(backlog, 5n))).toEqual([8n])
    expect(offsetsOf(beyondFrontier(backlog, 8n))).toEqual([])
    expect(beyondFrontier(backlog, null)).toBe(backlog)
  })
})

describe('the lag', () => {
  const backlog = after(undefined, null, listing([...pair(100n, 80), ...pair(150n, 90), ...pair(180n, 70)]))

  test('is offsets to the newest segment, bytes, and the time of the oldest', () => {
    expect(lagOf(at, backlog, [[0n, 100n]])).toMatchObject({
      ...at,
      offsets: 81n,
      segments: 3,
      bytes: 300,
      oldestMs: listedAtMs - 90_000,
      complete: true,
    })
  })

  test('reaches to the high watermark where one is told', () => {
    expect(lagOf(at, { ...backlog, writtenTo: 200n }, [[0n, 100n]]).offsets).toBe(100n)
    expect(lagOf(at, { ...backlog, writtenTo: 100n }, [[0n, 100n]]).offsets).toBe(81n)
  })

  test('counts from the first segment where nothing is decided', () => {
    expect(lagOf(at, backlog, []).offsets).toBe(81n)
  })

  test('is one offset at least while a segment waits, and none where none does', () => {
    expect(lagOf(at, backlog, [[0n, 190n]]).offsets).toBe(1n)
    expect(lagOf(at, { segments: [], unreadableFrom: null, complete: true }, [[0n, 5n]])).toMatchObject({
      offsets: 0n,
      bytes: 0,
      oldestMs: null,
    })
  })
})

/** A segment and its index; written so many seconds before the listing. */
function pair(baseOffset: bigint, ageSeconds = 60) {
  return pairOf(Number(baseOffset), { ageMs: ageSeconds * 1000 })
}
