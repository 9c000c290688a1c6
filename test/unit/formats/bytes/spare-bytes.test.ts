import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SpareBytes } from '../../../../src/formats/bytes/spare-bytes.ts'

const mebibyte = 1024 * 1024

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('bytes that were given back are taken again for an object of about the size', () => {
  const spare = new SpareBytes()
  const first = spare.take(3 * mebibyte)
  const { buffer } = first
  expect(first.length).toBe(3 * mebibyte)
  spare.giveBack(first)
  const second = spare.take(2 * mebibyte)
  expect([second.buffer === buffer, second.byteOffset, second.length]).toEqual([true, 0, 2 * mebibyte])
})

test('two that hold bytes at once never have the same ones', () => {
  const spare = new SpareBytes()
  spare.giveBack(spare.take(mebibyte))
  expect(spare.take(mebibyte).buffer).not.toBe(spare.take(mebibyte).buffer)
})

test('an object that is a little larger than the one before finds room in its bytes', () => {
  const spare = new SpareBytes()
  const first = spare.take(33 * mebibyte)
  spare.giveBack(first)
  expect(spare.take(34 * mebibyte).buffer).toBe(first.buffer)
})

test('what fits nothing makes room for itself', () => {
  const spare = new SpareBytes()
  const [small, other] = [spare.take(mebibyte), spare.take(mebibyte)]
  spare.giveBack(small)
  spare.giveBack(other)
  spare.take(mebibyte + mebibyte)
  expect([small.buffer.byteLength, other.buffer.byteLength]).toEqual([0, 0])
})

test('bytes that nobody asks for are let go', () => {
  const spare = new SpareBytes()
  const bytes = spare.take(mebibyte)
  spare.giveBack(bytes)
  vi.advanceTimersByTime(4_000)
  expect(bytes.length).toBe(mebibyte)
  vi.advanceTimersByTime(2_000)
  expect(bytes.length).toBe(0)
})

test('small objects have a buffer of their own, and are left to the garbage collector', () => {
  const spare = new SpareBytes()
  const bytes = spare.take(100)
  expect(bytes.buffer.byteLength).toBe(100)
  spare.giveBack(bytes)
  expect(spare.take(100).buffer).not.toBe(bytes.buffer)
})
