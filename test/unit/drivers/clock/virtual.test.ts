import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../../src/drivers/clock/virtual.ts'

async function eventsOf(): Promise<string[]> {
  const clock = virtualClock(0)
  const events: string[] = []
  const worker = async (id: number): Promise<void> => {
    for (let i = 0; i < 20; i++) {
      await clock.sleep(((id * 7 + i * 3) % 5) * 10)
      events.push(`${id}.${i}@${clock.now()}`)
    }
  }
  await clock.run(() => Promise.all([0, 1, 2, 3].map(worker)))
  return events
}

describe('the virtual clock', () => {
  test('runs hours in no time, and gives the program’s result', async () => {
    const clock = virtualClock(0)
    const realMs = performance.now()
    const result = await clock.run(async () => {
      for (let hour = 0; hour < 24; hour++) await clock.sleep(3_600_000)
      return 'a day'
    })
    expect(result).toBe('a day')
    expect(clock.now()).toBe(24 * 3_600_000)
    expect(performance.now() - realMs).toBeLessThan(1000)
  })

  test('wakes sleepers by time, and in the order of falling asleep where times are equal', async () => {
    const clock = virtualClock(0)
    const woken: string[] = []
    const sleeper = async (name: string, ms: number): Promise<void> => {
      await clock.sleep(ms)
      woken.push(`${name}@${clock.now()}`)
    }
    await clock.run(() =>
      Promise.all([sleeper('late', 20), sleeper('b', 10), sleeper('a', 10), sleeper('first', 0), sleeper('negative', -5)]),
    )
    expect(woken).toEqual(['first@0', 'negative@0', 'b@10', 'a@10', 'late@20'])
  })

  test('lets what one sleeper sets off finish before it wakes the next of the same time', async () => {
    const clock = virtualClock(0)
    const events: string[] = []
    const sleeper = async (name: string): Promise<void> => {
      await clock.sleep(10)
      for (let step = 0; step < 3; step++) {
        events.push(`${name}${step}`)
        await Promise.resolve()
      }
      await new Promise(setImmediate)
      events.push(`${name}!`)
    }
    await clock.run(() => Promise.all([sleeper('a'), sleeper('b')]))
    expect(events).toEqual(['a0', 'a1', 'a2', 'a!', 'b0', 'b1', 'b2', 'b!'])
  })

  test('two runs of one program are the same', async () => {
    expect(await eventsOf()).toEqual(await eventsOf())
  })

  test('an abort wakes its sleeper at once, which leaves nothing behind', async () => {
    const clock = virtualClock(0)
    const controller = new AbortController()
    const slept = clock.sleep(1000, controller.signal)
    const other = clock.sleep(1000)
    controller.abort()
    await slept
    expect(clock.sleepers()).toBe(1)
    await clock.sleep(1000, controller.signal)
    expect(clock.now()).toBe(0)
    expect(await clock.advance()).toBe(true)
    await other
    expect(clock.now()).toBe(1000)
    expect(await clock.advance()).toBe(false)
  })

  test('advanceBy wakes who is due, those too who fall asleep meanwhile, and ends at its time', async () => {
    const clock = virtualClock(0)
    let ticks = 0
    const ticking = async (): Promise<void> => {
      for (;;) {
        await clock.sleep(10)
        ticks++
      }
    }
    void ticking()
    await clock.advanceBy(35)
    expect([ticks, clock.now()]).toEqual([3, 35])
  })

  test('a program that waits for nothing that time brings is an error, and not a hang', async () => {
    await expect(virtualClock().run(() => new Promise(() => {}))).rejects.toThrow('nobody sleeps')
  })

  test('a program that fails rejects with its error', async () => {
    const clock = virtualClock()
    const failing = async (): Promise<void> => {
      await clock.sleep(5)
      throw new Error('in the simulation')
    }
    await expect(clock.run(failing)).rejects.toThrow('in the simulation')
  })
})
