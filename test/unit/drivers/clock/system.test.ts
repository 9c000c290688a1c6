import { expect, test } from 'vitest'
import { systemClock } from '../../../../src/drivers/clock/system.ts'

test('sleeping takes its time', async () => {
  const beforeMs = performance.now()
  await systemClock.sleep(30)
  expect(performance.now() - beforeMs).toBeGreaterThanOrEqual(28)
  expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(60_000)
})

test('an abort ends a sleep at once, also one longer than a timer can be, and does not reject', async () => {
  const controller = new AbortController()
  const beforeMs = performance.now()
  setTimeout(() => controller.abort(new Error('stop')), 10)
  await systemClock.sleep(2 ** 40, controller.signal)
  await systemClock.sleep(2 ** 40, controller.signal)
  expect(performance.now() - beforeMs).toBeGreaterThanOrEqual(8)
})
