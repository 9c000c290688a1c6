import { expect, test } from 'vitest'
import type { ObjectInfo } from '../../../../src/seams/object-store.ts'
import { acceptSegments } from '../../../../src/pipeline/plan/accept-segments.ts'
import { graceMs, listedAtMs, object, pair } from './objects.ts'

function accept(...objects: (ObjectInfo | ObjectInfo[])[]) {
  const accepted = acceptSegments(objects.flat(), listedAtMs, graceMs)
  return { ...accepted, segments: accepted.segments.map(({ baseOffset, settled }) => `${baseOffset}${settled ? '' : ' unsettled'}`) }
}

const nothing = { segments: [], nextBaseOffset: null, readyAtMs: null, withoutIndex: [] }

test('complete segments that have stood for the grace age are ready, in order', () => {
  expect(accept(pair(0), pair(5), pair(9))).toEqual({ ...nothing, segments: ['0', '5', '9'] })
})

test('a segment is told by its .kfs: key, base offset, size, ETag, time', () => {
  const [segment] = acceptSegments(pair(7, { size: 55, etag: 'x' }), listedAtMs, graceMs).segments
  const key = 'orders/0/segment-00000000000000000007.kfs'
  expect(segment).toEqual({ key, baseOffset: 7n, size: 55, etag: 'x7', lastModifiedMs: listedAtMs - 60_000, settled: true })
})

test('the newest segment waits for the grace age, and tells when it is over', () => {
  expect(accept(pair(0), pair(5, { ageMs: 4000 }))).toEqual({
    ...nothing,
    segments: ['0'],
    nextBaseOffset: 5n,
    readyAtMs: listedAtMs + 6000,
  })
})

test('the grace age is over when it has passed to the millisecond', () => {
  expect(accept(pair(0, { ageMs: graceMs })).segments).toEqual(['0'])
  expect(accept(pair(0, { ageMs: graceMs - 1 })).segments).toEqual([])
})

test('the younger of .kfs and .index counts for the grace age', () => {
  expect(accept(object(5, 'index', { ageMs: 1000 }), object(5, 'kfs')).readyAtMs).toBe(listedAtMs + 9000)
  expect(accept(object(5, 'index'), object(5, 'kfs', { ageMs: 2000 })).readyAtMs).toBe(listedAtMs + 8000)
})

test('a later complete segment makes one ready that is younger than the grace age', () => {
  expect(accept(pair(0, { ageMs: 1000 }), pair(5, { ageMs: 0 }))).toEqual({
    ...nothing,
    segments: ['0 unsettled'],
    nextBaseOffset: 5n,
    readyAtMs: listedAtMs + 10_000,
  })
})

test('an incomplete later segment makes none ready', () => {
  expect(accept(pair(0, { ageMs: 1000 }), object(5, 'kfs'))).toMatchObject({ segments: [], nextBaseOffset: 0n })
  expect(accept(pair(0, { ageMs: 1000 }), object(5, 'index'))).toMatchObject({ segments: [], nextBaseOffset: 0n })
})

test('a .kfs alone does not count while nothing complete follows it', () => {
  expect(accept(pair(0), object(5, 'kfs'))).toEqual({ ...nothing, segments: ['0'] })
})

test('a .kfs alone is passed over and reported once a settled complete segment follows it', () => {
  expect(accept(pair(0), object(5, 'kfs'), pair(9))).toEqual({
    ...nothing,
    segments: ['0', '9'],
    withoutIndex: ['orders/0/segment-00000000000000000005.kfs'],
  })
})

test('a .kfs alone is waited for while what follows it is not settled: its index may still come', () => {
  expect(accept(pair(0), object(5, 'kfs', { ageMs: 500 }), pair(9, { ageMs: 400 }), pair(12, { ageMs: 300 }))).toEqual({
    ...nothing,
    segments: ['0'],
    nextBaseOffset: 9n,
    readyAtMs: listedAtMs + 9600,
  })
})

test('an .index alone is nothing', () => {
  expect(accept(pair(0), object(5, 'index'), pair(9))).toEqual({ ...nothing, segments: ['0', '9'] })
  expect(accept(object(5, 'index'))).toEqual(nothing)
})

test('a clock of the store that is behind its own objects makes them wait, and nothing else', () => {
  expect(accept(pair(0, { ageMs: -5000 }))).toMatchObject({ segments: [], readyAtMs: listedAtMs + 15_000 })
})

test.each([
  'orders/0/segment-5.kfs',
  'orders/0/segment-00000000000000000005.kfst',
  'orders/0/segment-00000000000000000005.kfs.tmp',
  'orders/0/manifest.json',
  'orders/0/segment-99999999999999999999.kfs',
  'orders/0/',
])('%s is foreign and changes nothing', (key) => {
  const foreign = { key, size: 5, etag: 'f', lastModifiedMs: listedAtMs }
  expect(accept(pair(0), foreign, pair(9))).toEqual({ ...nothing, segments: ['0', '9'] })
})

test('of an empty listing comes nothing', () => {
  expect(accept()).toEqual(nothing)
})
