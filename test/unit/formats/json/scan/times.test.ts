import { beforeEach, expect, test, vi } from 'vitest'

// What the reader remembers of the date before must not answer for this one: each test has a reader that has read none.
beforeEach(() => vi.resetModules())

test.each(['\0'.repeat(10), '0000-00-00', '1970-01-0\0'])('%j is no date, not even when it comes first', async (text) => {
  const { readDate } = await import('../../../../../src/formats/json/scan/times.ts')
  const { Source } = await import('../../../../../src/formats/json/scan/source.ts')
  const { Int32Builder } = await import('../../../../../src/formats/arrow/builders/numbers.ts')
  const source = new Source()
  source.bytes = new TextEncoder().encode(`"${text}"${'}'.repeat(16)}`)
  source.view = new DataView(source.bytes.buffer)
  expect(readDate(source, new Int32Builder(), 0)).toBeLessThan(0)
})

test('1970-01-01 is day 0 when it comes first', async () => {
  const { readDate } = await import('../../../../../src/formats/json/scan/times.ts')
  const { Source } = await import('../../../../../src/formats/json/scan/source.ts')
  const { Int32Builder } = await import('../../../../../src/formats/arrow/builders/numbers.ts')
  const source = new Source()
  source.bytes = new TextEncoder().encode(`"1970-01-01"${'}'.repeat(16)}`)
  source.view = new DataView(source.bytes.buffer)
  const column = new Int32Builder()
  expect(readDate(source, column, 0)).toBe(12)
  expect([...column.snapshot().values]).toEqual([0])
})
