import { expect, test } from 'vitest'
import { virtualClock } from '../../../../src/drivers/clock/virtual.ts'
import { seededEntropy, seededRandom } from '../../../../src/drivers/entropy/seeded.ts'
import { patience, persist } from '../../../../src/drivers/store/retry.ts'

function setting() {
  const clock = virtualClock(0)
  return { clock, entropy: seededEntropy(seededRandom(3), clock) }
}

test('the first success is the result', async () => {
  const { clock, entropy } = setting()
  const attempts: number[] = []
  const operation = async (attempt: number): Promise<string> => {
    attempts.push(attempt)
    if (attempt < 3) throw new Error('not yet')
    return 'done'
  }
  expect(await clock.run(() => persist(operation, () => 'soon', { clock, entropy }))).toBe('done')
  expect(attempts).toEqual([1, 2, 3])
  expect(clock.now()).toBeGreaterThanOrEqual(150)
  expect(clock.now()).toBeLessThanOrEqual(300)
})

test('a failure that is not worth another attempt is thrown at once', async () => {
  const { clock, entropy } = setting()
  const failure = new Error('refused')
  await expect(
    persist(
      () => Promise.reject(failure),
      () => 'give-up',
      { clock, entropy },
    ),
  ).rejects.toBe(failure)
  expect(clock.now()).toBe(0)
})

test('attempts are bounded in number and in time', async () => {
  const { clock, entropy } = setting()
  let attempts = 0
  const failing = async (): Promise<never> => {
    attempts++
    throw new Error('again')
  }
  await expect(clock.run(() => persist(failing, () => 'slowly', { clock, entropy }))).rejects.toThrow('again')
  expect(attempts).toBe(patience.attempts)
  attempts = 0
  const slow = async (): Promise<never> => {
    attempts++
    await clock.sleep(patience.totalMs)
    throw new Error('slow')
  }
  await expect(clock.run(() => persist(slow, () => 'soon', { clock, entropy }))).rejects.toThrow('slow')
  expect(attempts).toBe(1)
})

test('a signal ends the pause, and no further attempt is made', async () => {
  const { clock, entropy } = setting()
  const controller = new AbortController()
  let attempts = 0
  const failing = async (): Promise<never> => {
    attempts++
    setImmediate(() => controller.abort(new Error('stop')))
    throw new Error('again')
  }
  await expect(persist(failing, () => 'soon', { clock, entropy }, controller.signal)).rejects.toThrow('stop')
  expect(attempts).toBe(1)
  expect(clock.now()).toBe(0)
})
