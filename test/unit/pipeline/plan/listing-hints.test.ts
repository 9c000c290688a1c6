import { beforeEach, describe, expect, test } from 'vitest'
import { virtualClock } from '../../../../src/drivers/clock/virtual.ts'
import { ListingHints } from '../../../../src/pipeline/plan/listing-hints.ts'
import { toldWatermarks } from '../../service/told-watermarks.ts'

const at = { topic: 'orders', partition: 0 }

describe('a topic-partition is listed', () => {
  let clock: ReturnType<typeof virtualClock>
  let told: ReturnType<typeof toldWatermarks>
  let hints: ListingHints
  beforeEach(() => {
    clock = virtualClock()
    told = toldWatermarks()
    hints = new ListingHints(told, clock)
  })

  const list = () => hints.listed(at, hints.nextOffset(at))

  test('when it never was, whatever is decided', () => {
    told.tell(at, 5n)
    expect(hints.isQuiet(at, 5n)).toBe(false)
  })

  test('not again while its watermark stands, even where that lies beyond what is decided', () => {
    told.tell(at, 5n)
    list()
    expect(hints.isQuiet(at, 0n)).toBe(true)
    expect(hints.isQuiet(at, 5n)).toBe(true)
  })

  test('when its watermark moved on, unless what it tells of is decided', () => {
    told.tell(at, 5n)
    list()
    told.tell(at, 8n)
    expect(hints.isQuiet(at, 5n)).toBe(false)
    expect(hints.isQuiet(at, 8n)).toBe(true)
  })

  test('when its watermark went back, and as long as it lies below what is decided', () => {
    told.tell(at, 5n)
    list()
    told.tell(at, 3n)
    expect(hints.isQuiet(at, 5n)).toBe(false)
    list()
    expect(hints.isQuiet(at, 5n)).toBe(false)
    expect(hints.isQuiet(at, 3n)).toBe(true)
  })

  test('while nobody tells', () => {
    told.tell(at, 5n)
    list()
    told.lose()
    expect(hints.isQuiet(at, 5n)).toBe(false)
    told.find()
    expect(hints.isQuiet(at, 5n)).toBe(true)
  })

  test('where the listing was made while nobody told', () => {
    list()
    told.tell(at, 5n)
    expect(hints.isQuiet(at, 5n)).toBe(false)
  })

  test('now and then, and when something was forgotten', async () => {
    told.tell(at, 5n)
    list()
    await clock.advanceBy(599_999)
    expect(hints.isQuiet(at, 5n)).toBe(true)
    await clock.advanceBy(1)
    expect(hints.isQuiet(at, 5n)).toBe(false)
    list()
    hints.forget(at)
    expect(hints.isQuiet(at, 5n)).toBe(false)
  })
})
