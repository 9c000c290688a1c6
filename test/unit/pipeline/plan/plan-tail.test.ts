import { describe, expect, test } from 'vitest'
import type { OffsetRanges } from '../../../../src/model/offset-range.ts'
import { type Cursor, planTail, type TailPosition } from '../../../../src/pipeline/plan/plan-tail.ts'
import type { ObjectInfo } from '../../../../src/seams/object-store.ts'
import { at } from '../../service/segments.ts'
import { firstLook } from '../../../../src/pipeline/plan/first-look.ts'
import { graceMs, listedAtMs, object, pair } from './objects.ts'

const beginning: TailPosition = { cursor: null, follows: null }

function plan(objects: (ObjectInfo | ObjectInfo[])[], position: TailPosition = beginning, decided: OffsetRanges = [], complete = true) {
  const { run, ...rest } = planTail(
    at,
    position,
    { decided, startOffset: decided[0]?.[0] ?? 0n },
    { objects: objects.flat(), listedAtMs, complete },
    graceMs,
  )
  return {
    ...rest,
    run: run && { ...run, segments: run.segments.map(({ baseOffset }) => baseOffset) },
    cursorAt: rest.position.cursor?.baseOffset,
  }
}

function standingAt(baseOffset: number, etag = 'e'): TailPosition {
  const cursor: Cursor = { baseOffset: BigInt(baseOffset), etag: `${etag}${baseOffset}`, lastModifiedMs: listedAtMs - 60_000 }
  return { cursor, follows: cursor.baseOffset }
}

describe('from the beginning of a log', () => {
  test('everything that is ready is one run that follows nothing', () => {
    expect(plan([pair(0), pair(5), pair(9)])).toMatchObject({
      run: { at, follows: null, segments: [0n, 5n, 9n], startOffset: 0n, decided: [], nextBaseOffset: null },
      position: { follows: 9n },
      cursorAt: 9n,
      readyAtMs: null,
      more: false,
      cursorSegment: 'same',
    })
  })

  test('what must wait bounds the run and is told', () => {
    expect(plan([pair(0), pair(5, { ageMs: 0 })])).toMatchObject({
      run: { segments: [0n], nextBaseOffset: 5n },
      readyAtMs: listedAtMs + graceMs,
      cursorAt: 0n,
    })
  })

  test('nothing ready is no run, and planning stays where it was', () => {
    expect(plan([pair(5, { ageMs: 0 })])).toMatchObject({ run: null, position: beginning })
    expect(plan([])).toMatchObject({ run: null, position: beginning, readyAtMs: null })
  })

  test('a listing that was cut says that there is more', () => {
    expect(plan([pair(0)], beginning, [], false).more).toBe(true)
  })
})

describe('from a cursor', () => {
  test('a cursor segment with the same bytes is not read again, and the run follows it', () => {
    expect(plan([pair(5), pair(9), pair(12)], standingAt(5), [[0n, 9n]])).toMatchObject({
      run: { follows: 5n, segments: [9n, 12n], decided: [] },
      cursorSegment: 'same',
      position: { follows: 12n },
    })
  })

  test('a cursor segment that was written again is read again, after itself', () => {
    expect(plan([pair(5, { etag: 'new' }), pair(9)], standingAt(5), [[0n, 7n]])).toMatchObject({
      run: { follows: 5n, segments: [5n, 9n], decided: [[0n, 7n]] },
      cursorSegment: 'rewritten',
    })
  })

  test('behind a cursor a segment is read though the next one begins in what is decided: it may reach past that', () => {
    expect(plan([pair(5, { etag: 'new' }), pair(9)], standingAt(5), [[0n, 9n]])).toMatchObject({
      run: { segments: [5n, 9n] },
      cursorSegment: 'rewritten',
    })
    expect(plan([pair(0), pair(5), pair(9)], standingAt(0), [[0n, 9n]])).toMatchObject({ run: { segments: [5n, 9n] } })
  })

  test('a cursor segment that is gone is told, and what is behind it is read', () => {
    expect(plan([pair(9)], standingAt(5), [[0n, 9n]])).toMatchObject({ run: { follows: 5n, segments: [9n] }, cursorSegment: 'gone' })
  })

  test('an .index alone does not stand for the cursor segment', () => {
    expect(plan([object(5, 'index'), pair(9)], standingAt(5)).cursorSegment).toBe('gone')
  })

  test('nothing behind the cursor is no run', () => {
    expect(plan([pair(5)], standingAt(5), [[0n, 9n]])).toMatchObject({ run: null, position: standingAt(5) })
  })
})

describe('what is decided', () => {
  test('is read again where no cursor tells how far a segment was read: only its bytes say where it ends', () => {
    expect(
      plan([pair(0), pair(15), pair(18), pair(40)], beginning, [
        [0n, 20n],
        [40n, 45n],
      ]),
    ).toMatchObject({ run: { segments: [0n, 15n, 18n, 40n], follows: null }, cursorAt: 40n })
  })

  test('the run behind segments that were left out follows the last one that was planned', () => {
    const round = plan([pair(0), pair(5), pair(9, { ageMs: 1 })], beginning, [[9n, 9n]])
    expect(round).toMatchObject({ run: null, cursorAt: 5n, position: { follows: null } })
    expect(plan([pair(5), pair(9)], round.position, [[9n, 9n]]).run).toMatchObject({ follows: null, segments: [9n] })
  })

  test('a run carries the decided ranges that reach into it', () => {
    expect(
      plan([pair(4), pair(10)], beginning, [
        [0n, 3n],
        [5n, 6n],
        [30n, 40n],
      ]).run?.decided,
    ).toEqual([
      [5n, 6n],
      [30n, 40n],
    ])
  })

  test('the tail never goes below the first decided offset: it was left out by choice', () => {
    expect(plan([pair(0), pair(3), pair(5), pair(10)], beginning, [[7n, 7n]]).run).toMatchObject({
      segments: [3n, 5n, 10n],
      startOffset: 7n,
    })
    expect(plan([pair(0), pair(5), pair(10)], beginning, [[10n, 10n]]).run).toMatchObject({ segments: [5n, 10n], startOffset: 10n })
  })
})

describe('of what was there at a first look', () => {
  const until = (first: (ObjectInfo | ObjectInfo[])[], later: (ObjectInfo | ObjectInfo[])[], complete = true) => {
    const look = firstLook({ objects: first.flat(), listedAtMs: listedAtMs - 60_000, complete })
    const tail = planTail(
      at,
      beginning,
      { decided: [], startOffset: 0n },
      { objects: later.flat(), listedAtMs, complete: false },
      graceMs,
      undefined,
      look,
    )
    const { run, readyAtMs, more, position } = tail
    return {
      offsets: run?.segments.map(({ baseOffset }) => baseOffset),
      next: run?.nextBaseOffset,
      readyAtMs,
      more,
      at: position.cursor?.baseOffset,
    }
  }

  test('what came behind it only shows that what was there is settled', () => {
    expect(until([pair(0), pair(5)], [pair(0), pair(5), pair(9)])).toEqual({
      offsets: [0n, 5n],
      next: 9n,
      readyAtMs: null,
      more: false,
      at: 5n,
    })
  })

  test('a later segment is not waited for, and one that was there is', () => {
    expect(until([pair(0)], [pair(0), pair(5, { ageMs: 0 })])).toMatchObject({ offsets: [0n], next: 5n, readyAtMs: null })
    expect(until([pair(0), pair(5)], [pair(0), pair(5, { ageMs: 0 })])).toMatchObject({ offsets: [0n], readyAtMs: listedAtMs + graceMs })
  })

  test('where nothing was, nothing is planned', () => {
    expect(until([], [pair(0), pair(5)])).toMatchObject({ offsets: undefined, more: false, at: undefined })
  })

  test('behind the end of a first listing that was cut, times tell what was there, in whole seconds', () => {
    const later = [pair(0), pair(5, { ageMs: 59_500 }), pair(9, { ageMs: 40_000 })]
    expect(until([pair(0)], later, false)).toMatchObject({ offsets: [0n, 5n], next: 9n, more: false })
    expect(until([pair(0)], [pair(0), pair(5, { ageMs: 61_000 })], false)).toMatchObject({ offsets: [0n, 5n], more: true })
  })
})
