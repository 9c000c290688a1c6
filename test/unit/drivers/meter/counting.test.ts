import { expect, test } from 'vitest'
import { countingMeter } from '../../../../src/drivers/meter/counting.ts'

test('amounts add up by name whatever the labels, and totals are of the moment they were asked for', () => {
  const meter = countingMeter()
  meter.add('rows.committed', 2, { table: 'orders' })
  meter.add('rows.committed', 3, { table: 'users' })
  const before = meter.totals()
  meter.add('rows.committed')
  meter.add('gaps', 0)
  expect(before.get('rows.committed')).toBe(5)
  expect(Object.fromEntries(meter.totals())).toEqual({ 'rows.committed': 6, gaps: 0 })
})
