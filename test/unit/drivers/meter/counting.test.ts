import { expect, test } from 'vitest'
import { countingMeter } from '../../../../src/drivers/meter/counting.ts'

test('amounts add up by name, and totals are of the moment they were asked for', () => {
  const meter = countingMeter()
  meter.add('a')
  meter.add('a', 4)
  const before = meter.totals()
  meter.add('b', 0)
  meter.add('a')
  expect(Object.fromEntries(before)).toEqual({ a: 5 })
  expect(Object.fromEntries(meter.totals())).toEqual({ a: 6, b: 0 })
})
