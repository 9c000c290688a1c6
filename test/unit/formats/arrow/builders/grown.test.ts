import { expect, test } from 'vitest'
import { grown } from '../../../../../src/formats/arrow/builders/grown.ts'

test.each([
  ['twice as many', 5, undefined, 8],
  ['what is needed, where that is more', 9, undefined, 9],
  ['no more than the most, where twice as many would be', 5, 7, 7],
])('an array grows to %s, and keeps what was in it', (_what, needed, most, length) => {
  const larger = grown(Int32Array.of(1, -2, 3, 4), Int32Array, needed, most)
  expect([...larger]).toEqual([1, -2, 3, 4, ...Array.from({ length: length - 4 }, () => 0)])
})
