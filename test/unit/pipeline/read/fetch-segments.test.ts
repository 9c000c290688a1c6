import { describe, expect, test } from 'vitest'
import { WorkError } from '../../../../src/model/failure.ts'
import type { SegmentRef } from '../../../../src/model/segment.ts'
import { type FetchBounds, fetchSegments } from '../../../../src/pipeline/read/fetch-segments.ts'
import { ObjectChanged, ObjectNotFound, type ObjectStore } from '../../../../src/seams/object-store.ts'
import { refOf } from '../../service/segments.ts'

/** A store whose GETs are answered when the test says so. */
function heldStore() {
  const open = new Map<string, PromiseWithResolvers<Uint8Array>>()
  const asked: { key: string; ifMatch?: string }[] = []
  const store = {
    get: (key: string, options?: { ifMatch?: string }) => {
      asked.push({ key, ifMatch: options?.ifMatch })
      const answer = Promise.withResolvers<Uint8Array>()
      open.set(key, answer)
      return answer.promise
    },
  } as Pick<ObjectStore, 'get'> as ObjectStore
  return {
    store,
    asked,
    inFlight: () => open.size,
    answer(segment: SegmentRef, bytes: Uint8Array | Error = Buffer.from(segment.key)) {
      const answer = open.get(segment.key)!
      open.delete(segment.key)
      if (bytes instanceof Error) answer.reject(bytes)
      else answer.resolve(bytes)
    },
  }
}

const unbounded: FetchBounds = { maxRequests: 100, maxBytes: Infinity, maxSegmentBytes: 0x7fffffff }
const segments = [0n, 1n, 2n, 3n, 4n].map((base) => refOf(base, 100))
const turn = () => new Promise(setImmediate)

test('segments come in their order, whatever order their bytes come in, one GET each that names the ETag', async () => {
  const held = heldStore()
  const keys: string[] = []
  const reading = (async () => {
    for await (const fetched of fetchSegments(held.store, segments, unbounded)) keys.push(fetched.segment.key)
  })()
  await turn()
  for (const segment of segments.toReversed()) held.answer(segment)
  await reading
  expect(keys).toEqual(segments.map(({ key }) => key))
  expect(held.asked).toEqual(segments.map(({ key, etag }) => ({ key, ifMatch: etag })))
})

describe('bounds', () => {
  test('so many requests are in flight and no more', async () => {
    const held = heldStore()
    const reader = fetchSegments(held.store, segments, { ...unbounded, maxRequests: 2 })
    const first = reader.next()
    await turn()
    expect(held.inFlight()).toBe(2)
    held.answer(segments[0])
    await first
    const second = reader.next()
    await turn()
    expect(held.inFlight()).toBe(2)
    expect(held.asked).toHaveLength(3)
    for (const segment of segments.slice(1, 3)) held.answer(segment)
    await second
    await reader.return()
  })

  test('so many bytes are fetched ahead and no more', async () => {
    const held = heldStore()
    const reader = fetchSegments(held.store, segments, { ...unbounded, maxBytes: 250, maxSegmentBytes: 0x7fffffff })
    const first = reader.next()
    await turn()
    expect(held.inFlight()).toBe(2)
    held.answer(segments[0])
    held.answer(segments[1])
    await first
    await reader.return()
  })

  test('a segment larger than the bound is fetched alone', async () => {
    const held = heldStore()
    const reader = fetchSegments(held.store, segments, { ...unbounded, maxBytes: 10, maxSegmentBytes: 0x7fffffff })
    const first = reader.next()
    await turn()
    expect(held.inFlight()).toBe(1)
    held.answer(segments[0])
    expect(await first).toMatchObject({ value: { kind: 'bytes' } })
    await reader.return()
  })
})

describe('what can not be had', () => {
  const failing = async (error: Error) => {
    const held = heldStore()
    const reader = fetchSegments(held.store, segments.slice(0, 1), unbounded)
    const first = reader.next()
    await turn()
    held.answer(segments[0], error)
    return first
  }

  test('an object that changed or is gone is told as changed', async () => {
    expect(await failing(new ObjectChanged('x'))).toMatchObject({ value: { kind: 'changed', segment: segments[0] } })
    expect(await failing(new ObjectNotFound('x'))).toMatchObject({ value: { kind: 'changed' } })
  })

  test('one that the store refuses for good is told as unreadable, with the reason', async () => {
    expect(await failing(new WorkError('archived', { retry: 'never' }))).toMatchObject({
      value: { kind: 'unreadable', reason: 'archived' },
    })
  })

  test('a failure that may pass is thrown', async () => {
    await expect(failing(new WorkError('busy', { retry: 'later' }))).rejects.toThrow('busy')
  })

  test('a failure further on does not hide what comes before it', async () => {
    const held = heldStore()
    const reader = fetchSegments(held.store, segments.slice(0, 2), unbounded)
    const first = reader.next()
    await turn()
    held.answer(segments[1], new WorkError('busy', { retry: 'later' }))
    await turn()
    held.answer(segments[0])
    expect(await first).toMatchObject({ value: { kind: 'bytes' } })
    await expect(reader.next()).rejects.toThrow('busy')
  })
})

test('a consumer that stops ends the fetching: what is in flight is waited for, nothing more is asked', async () => {
  const held = heldStore()
  const reader = fetchSegments(held.store, segments, { ...unbounded, maxRequests: 2 })
  const first = reader.next()
  await turn()
  held.answer(segments[0])
  await first
  let ended = false
  const stopping = reader.return().then(() => {
    ended = true
  })
  await turn()
  expect(ended).toBe(false)
  held.answer(segments[1], new Error('nobody asks for it any more'))
  await stopping
  expect(held.asked).toHaveLength(2)
})
